"""MicroPython's raw REPL over a line: run a script on a board and get what it printed.

The protocol is MicroPython's (reference/repl.html, "Raw mode"). Ctrl-A enters the mode, and Ctrl-D
ends a script. The board answers with `OK`, the output, 0x04, the traceback if there is one, 0x04
and `>`. In "raw-paste mode" the board also says how much it can take, which a UART without flow
control needs.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping, Sequence

from countersign_cli.board_port.board_line import Line, LineEnded
from countersign_cli.mendable import Mendable

PROMPT = b">>> "
_INTERRUPT, _ENTER, _LEAVE, _END = b"\x03", b"\x01", b"\x02", b"\x04"
# A board that is still starting may miss the first request, so the request is repeated.
_ASK_AGAIN_S = 2
# A board can hold this much of a file while it also holds the script that carries it.
_CHUNK_BYTES = 1024
_TAKES_NOTHING_S = 60
# An agent of ours does not give way to this (service_door.py).
_BREAK_IN = b"\r" + _INTERRUPT + _INTERRUPT + _LEAVE
_PASTE, _PASTE_MORE = b"\x05A\x01", b"\x01"


class ReplError(Mendable):
    """The board does not answer, or its answer is not a raw REPL's."""


class BoardGone(ReplError):
    """The connection to the board has ended."""


class ScriptFailed(Mendable):
    """A script raised an exception on the board. output: what it had printed until then."""

    def __init__(self, traceback: str, output: str) -> None:
        super().__init__(traceback.strip())
        self.output = output


class RawRepl:
    """The raw REPL of the board at the other end of a line. Closing it closes the line.

    check: called while waiting; its argument says whether the connection has ended. It raises if
    the board is gone and it can give a better reason than RawRepl's. paste: send scripts in
    raw-paste mode where the board has it. That mode changes what is in the board's heap, so
    measurements do without.
    """

    def __init__(
        self, line: Line, check: Callable[[bool], None] = lambda _: None, *, paste: bool = False
    ) -> None:
        self._check = check
        self._line = line
        self._paste = paste
        self._buffer = b""

    def close(self) -> None:
        self._line.close()

    def wait_for_prompt(self, timeout_s: float = 60) -> None:
        """Wait, without sending anything, until the board shows its prompt."""
        self._until(PROMPT, time.monotonic() + timeout_s)

    def enter(self, timeout_s: float = 60) -> None:
        """Stop the program that runs on the board, and enter the raw mode."""
        deadline = time.monotonic() + timeout_s
        while True:
            self.interrupt()
            if self._find(PROMPT, time.monotonic() + _ASK_AGAIN_S) is not None:
                break
            if time.monotonic() > deadline:
                raise self._silence()
        self._send(_ENTER)
        self._until(b"raw REPL; CTRL-B to exit\r\n>", deadline)

    def interrupt(self) -> None:
        """Ask for the prompt, as a person does with Return and Ctrl-C."""
        self._send(_BREAK_IN)

    def speak(self, text: str) -> None:
        """Send a line of text to whatever runs on the board."""
        self._send(f"\n{text}\n".encode())

    def listen(self, marks: Sequence[bytes], timeout_s: float) -> tuple[bytes, bytes]:
        """(mark, rest of its line) of the mark that comes first. ReplError if none comes."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = [(self._buffer.find(mark), mark) for mark in marks if mark in self._buffer]
            if found:
                _, mark = min(found)
                self._until(mark, deadline)
                rest = b"" if mark == PROMPT else self._until(b"\n", deadline)
                return mark, rest
            if time.monotonic() > deadline:
                raise self._silence()
            self._receive()

    def reconnect(self, line: Line) -> None:
        """Go on over another line, because the board took the old one away with its restart."""
        self._line.close()
        self._line = line
        self._buffer = b""

    def soft_reset(self, timeout_s: float = 60) -> None:
        """Start a new virtual machine without running main.py. The raw mode stays on."""
        deadline = time.monotonic() + timeout_s
        self._send(_END)
        self._until(b"soft reboot\r\n", deadline)
        self._until(b"raw REPL; CTRL-B to exit\r\n>", deadline)

    def unread(self) -> str:
        """The board's output that no call has read yet, such as before a power cut."""
        return self._buffer.replace(b"\r\n", b"\n").decode(errors="replace")

    def start(self, script: str) -> None:
        """Start a script that does not return, such as one that resets the board."""
        self._send(script.encode() + _END)

    def drain(self, timeout_s: float) -> None:
        """Discard the board's output until the board falls silent or `timeout_s` has passed.

        BoardGone if the connection ends.
        """
        deadline = time.monotonic() + timeout_s
        self._buffer = b""
        while time.monotonic() < deadline:
            self._receive()
            if not self._buffer:
                return
            self._buffer = b""

    def run(self, script: str, timeout_s: float = 600) -> str:
        """Run a script and return its output, decoded and with this machine's newlines.

        Raises ScriptFailed if the script raised, ReplError if the board does not answer in time.
        """
        deadline = time.monotonic() + timeout_s
        if not (self._paste and self._pasted(script.encode(), deadline)):
            self._send(script.encode() + _END)
            self._until(b"OK", deadline)
        output = self._until(_END, deadline).replace(b"\r\n", b"\n").decode(errors="replace")
        traceback = self._until(_END, deadline).decode(errors="replace")
        self._until(b">", deadline)
        if traceback:
            raise ScriptFailed(traceback.replace("\r\n", "\n"), output)
        return output

    def copy_in(self, files: Mapping[str, bytes]) -> None:
        """Write files to the board's file system, and make their folders."""
        self.run(_RECEIVER)
        for name, content in files.items():
            self.run(f"_open({name!r})")
            for at in range(0, len(content), _CHUNK_BYTES):
                encoded = base64.b64encode(content[at : at + _CHUNK_BYTES]).decode()
                self.run(f"_write('{encoded}')")
            self.run("_close()")

    def _pasted(self, script: bytes, deadline: float) -> bool:
        """Send a script in raw-paste mode. False if the board does not have the mode."""
        self._send(_PASTE)
        answer = self._take(2, deadline)
        if answer != b"R\x01":
            if answer == b"ra":  # an older board took the request for Ctrl-A
                self._until(b">", deadline)
            self._paste = False
            return False
        room = window = int.from_bytes(self._take(2, deadline), "little")
        while script:
            while not room or self._buffer:
                if self._take(1, deadline) != _PASTE_MORE:
                    # The board refuses the script before its end, and says so in the usual way.
                    self._send(_END)
                    return True
                room += window
            self._send(script[:room])
            script, room = script[room:], max(0, room - len(script))
        self._send(_END)
        self._until(_END, deadline)
        return True

    def _send(self, data: bytes) -> None:
        # The line takes no more at a time than the board reads, so one call may take only a part.
        view = memoryview(data)
        deadline = time.monotonic() + _TAKES_NOTHING_S
        while view:
            try:
                taken = self._line.write_some(view)
            except LineEnded as fault:
                self._check(True)
                raise BoardGone(str(fault)) from fault
            if taken:
                view = view[taken:]
                deadline = time.monotonic() + _TAKES_NOTHING_S
                continue
            self._check(False)
            if time.monotonic() > deadline:
                raise ReplError("the board takes no input")

    def _take(self, count: int, deadline: float) -> bytes:
        while len(self._buffer) < count:
            if time.monotonic() > deadline:
                raise self._silence()
            self._receive()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _until(self, mark: bytes, deadline: float) -> bytes:
        """The bytes before the mark. ReplError if the mark does not come."""
        before = self._find(mark, deadline)
        if before is None:
            raise self._silence()
        return before

    def _find(self, mark: bytes, deadline: float) -> bytes | None:
        searched = 0
        while True:
            found = self._buffer.find(mark, searched)
            if found >= 0:
                before = self._buffer[:found]
                self._buffer = self._buffer[found + len(mark) :]
                return before
            searched = max(0, len(self._buffer) - len(mark) + 1)
            if time.monotonic() > deadline:
                return None
            self._receive()

    def _receive(self) -> None:
        try:
            received = self._line.read_some()
        except LineEnded as fault:
            self._check(True)
            raise BoardGone(str(fault)) from fault
        if not received:
            self._check(False)
        self._buffer += received

    def _silence(self) -> ReplError:
        return ReplError(
            f"the board did not answer in time; the last of it: {self.unread()[-200:]!r}"
        )


_RECEIVER = """\
import binascii, os
def _open(name):
    global _file
    folder = ''
    for part in name.split('/')[:-1]:
        folder += part + '/'
        if folder != '/':
            try:
                os.mkdir(folder[:-1])
            except OSError as error:
                if error.errno != 17:
                    raise
    _file = open(name, 'wb')
def _write(text):
    _file.write(binascii.a2b_base64(text))
def _close():
    _file.close()
"""
