"""MicroPython's raw REPL over a socket: run a script on a board and get what it printed.

The protocol is MicroPython's (reference/repl.html, "Raw mode"): Ctrl-A enters it, Ctrl-D ends a
script, and the board answers `OK`, the output, 0x04, the traceback if there is one, 0x04, `>`.
"""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Callable, Mapping

_INTERRUPT, _ENTER, _LEAVE, _END = b"\x03", b"\x01", b"\x02", b"\x04"
# A board that is still starting may not hear us, so it is asked again.
_ASK_AGAIN_S = 2
# What a board can hold of a file at a time while it also holds the script that carries it.
_CHUNK_BYTES = 1024
_POLL_S = 0.2


class ReplError(Exception):
    """The board does not answer, or answers something else than a raw REPL."""


class ScriptFailed(Exception):
    """A script raised on the board. output: what it printed until then."""

    def __init__(self, traceback: str, output: str) -> None:
        super().__init__(traceback.strip())
        self.output = output


class RawRepl:
    """The raw REPL of one board at the other end of a socket, which is closed with it.

    check: called while waiting, with whether the connection has ended; it raises if the board is no
    longer there, with a better reason than ours.
    """

    def __init__(self, connection: socket.socket, check: Callable[[bool], None]) -> None:
        self._check = check
        self._socket = connection
        self._socket.settimeout(_POLL_S)
        self._buffer = b""

    def close(self) -> None:
        self._socket.close()

    def wait_for_prompt(self, timeout_s: float = 60) -> None:
        """Send nothing until the board prompts by itself."""
        self._until(b">>> ", time.monotonic() + timeout_s)

    def enter(self, timeout_s: float = 60) -> None:
        """Stop what runs there and enter the raw mode."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._send(b"\r" + _INTERRUPT + _INTERRUPT + _LEAVE)
            if self._find(b">>> ", time.monotonic() + _ASK_AGAIN_S) is not None:
                break
            if time.monotonic() > deadline:
                raise self._silence()
        self._send(_ENTER)
        self._until(b"raw REPL; CTRL-B to exit\r\n>", deadline)

    def unread(self) -> str:
        """What the board said last that nothing has waited for, such as before its power went."""
        return self._buffer.replace(b"\r\n", b"\n").decode(errors="replace")

    def start(self, script: str) -> None:
        """Start a script that does not come back, such as one that resets the board."""
        self._send(script.encode() + _END)

    def run(self, script: str, timeout_s: float = 600) -> str:
        """Run a script and return what it printed, decoded, with newlines as on this machine."""
        deadline = time.monotonic() + timeout_s
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

    def _send(self, data: bytes) -> None:
        # A board takes its input as fast as it can, which may be slower than we send.
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except TimeoutError:
                self._check(False)
            except OSError as fault:
                self._check(True)
                raise ReplError(f"the connection to the board ended: {fault}") from fault

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
            try:
                received = self._socket.recv(65536)
            except TimeoutError:
                self._check(False)
                continue
            except OSError as fault:
                self._check(True)
                raise ReplError(f"the connection to the board ended: {fault}") from fault
            if not received:
                self._check(True)
                raise ReplError("the board closed the connection")
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
