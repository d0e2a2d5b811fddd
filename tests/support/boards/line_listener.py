"""A program at a board's line that says only what a test tells it to say."""

from __future__ import annotations

import socket
import time

from countersign_workshop.emulation import rp2040

PATIENCE_S = 300.0


class Listener:
    """Connects to the board's USB line. `heard` grows as the board speaks."""

    def __init__(self, board: rp2040.Rp2040) -> None:
        board.release()
        self.url = f"socket://127.0.0.1:{board.serial_port}"
        self._line = socket.create_connection(("127.0.0.1", board.serial_port))
        self._line.settimeout(0.5)
        self.heard = b""

    def until(self, mark: bytes) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while mark not in self.heard:
            assert time.monotonic() < deadline_s, self.heard[-2000:]
            self._receive()

    def send(self, data: bytes) -> None:
        self._line.sendall(data)

    def rest(self, duration_s: float) -> None:
        """Hear what the board says meanwhile."""
        deadline_s = time.monotonic() + duration_s
        while time.monotonic() < deadline_s:
            self._receive()

    def leave(self) -> None:
        self._line.close()

    def _receive(self) -> None:
        try:
            received = self._line.recv(4096)
        except TimeoutError:
            return
        assert received, "the emulated board is gone"
        self.heard += received
