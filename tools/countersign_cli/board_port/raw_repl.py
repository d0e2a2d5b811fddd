"""MicroPython's raw REPL over a line: run a script on a board and get what it printed.

The protocol is MicroPython's (reference/repl.html, "Raw mode"): Ctrl-A enters it, Ctrl-D ends a
script, and the board answers `OK`, the output, 0x04, the traceback if there is one, 0x04, `>`.
In "raw-paste mode" the board says how much it can take, which a UART without flow control needs.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping

from countersign_cli.board_port.board_line import Line, LineEnded
from countersign_cli.mendable import Mendable

_INTERRUPT, _ENTER, _LEAVE, _END = b"\x03", b"\x01", b"\x02", b"\x04"
# A board that is still starting may not hear us, so it is asked again.
_ASK_AGAIN_S = 2
# What a board can hold of a file at a time while it also holds the script that carries it.
_CHUNK_BYTES = 1024
_TAKES_NOTHING_S = 60
# A frame's delimiter first: an agent whose line this is gives way to Return and Ctrl-C after one.
_BREAK_IN = b"\x00\r" + _INTERRUPT + _INTERRUPT + _LEAVE
_PASTE, _PASTE_MORE = b"\x05A\x01", b"\x01"


class ReplError(Mendable):
    """The board does not answer, or answers something else than a raw REPL."""


class BoardGone(ReplError):
    """The connection to the board ended."""


class ScriptFailed(Mendable):
    """A script raised on the board. output: what it printed until then."""

    def __init__(self, traceback: str, output: str) -> None:
        super().__init__(traceback.strip())
        self.output = output


class RawRepl:
    """The raw REPL of one board at the other end of a line, which is closed with it.

    check: called while waiting, with whether the connection has ended; it raises if the board is no
    longer there, with a better reason than ours. paste: send scripts in raw-paste mode where the
    board has it; it changes what is in the board's heap, so what is measured goes without.
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
        """Send nothing until the board prompts by itself."""
        self._until(b">>> ", time.monotonic() + timeout_s)

    def enter(self, timeout_s: float = 60) -> None:
        """Stop what runs there and enter the raw mode."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._send(_BREAK_IN)
            if self._find(b">>> ", time.monotonic() + _ASK_AGAIN_S) is not None:
                break
            if time.monotonic() > deadline:
                raise self._silence()
        self._send(_ENTER)
        self._until(b"raw REPL; CTRL-B to exit\r\n>", deadline)

    def soft_reset(self, timeout_s: float = 60) -> None:
        """A new virtual machine, without what ran before; main.py is not run. Stays in raw mode."""
        deadline = time.monotonic() + timeout_s
        self._send(_END)
        self._until(b"soft reboot\r\n", deadline)
        self._until(b"raw REPL; CTRL-B to exit\r\n>", deadline)

    def unread(self) -> str:
        """What the board said last that nothing has waited for, such as before its power went."""
        return self._buffer.replace(b"\r\n", b"\n").decode(errors="replace")

    def start(self, script: str) -> None:
        """Start a script that does not come back, such as one that resets the board."""
        self._send(script.encode() + _END)

    def drain(self, timeout_s: float) -> None:
        """Let pass what the board says until it has said nothing for a while; BoardGone if its
        connection ends."""
        deadline = time.monotonic() + timeout_s
        self._buffer = b""
        while time.monotonic() < deadline:
            self._receive()
            if not self._buffer:
                return
            self._buffer = b""

    def run(self, script: str, timeout_s: float = 600) -> str:
        """Run a script and return what it printed, decoded, with newlines as on this machine."""
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
        """Write files to the board's file system, making their folders."""
        self.run(_RECEIVER)
        for name, content in files.items():
            self.run(f"_open({name!r})")
            for at in range(0, len(content), _CHUNK_BYTES):
                encoded = base64.b64encode(content[at : at + _CHUNK_BYTES]).decode()
                self.run(f"_write('{encoded}')")
            self.run("_close()")

    def _pasted(self, script: bytes, deadline: float) -> bool:
        """Send a script in raw-paste mode; False if the board does not have it."""
        self._send(_PASTE)
        answer = self._take(2, deadline)
        if answer != b"R\x01":
            if answer == b"ra":  # older than the mode: it took the request for Ctrl-A
                self._until(b">", deadline)
            self._paste = False
            return False
        room = window = int.from_bytes(self._take(2, deadline), "little")
        while script:
            while not room or self._buffer:
                if self._take(1, deadline) != _PASTE_MORE:
                    # It has seen enough of the script to say no, and does so in the usual way.
                    self._send(_END)
                    return True
                room += window
            self._send(script[:room])
            script, room = script[room:], max(0, room - len(script))
        self._send(_END)
        self._until(_END, deadline)
        return True

    def _send(self, data: bytes) -> None:
        # A board takes its input as fast as it can, which may be slower than we send.
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
        """What comes before the mark; ReplError if the mark does not come."""
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
