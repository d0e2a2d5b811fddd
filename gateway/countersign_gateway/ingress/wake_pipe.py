"""Lets any thread wake the thread that waits for a connection's bytes."""

from __future__ import annotations

import os
import select


class WakePipe:
    """`fileno` is readable from `wake` to `drain`. OSError if no descriptors are left."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        return self._read

    def wake(self) -> None:
        try:
            os.write(self._write, b"w")
        except BlockingIOError:
            pass  # the pipe is full of wake-ups already

    def drain(self) -> None:
        """Consume all wake-ups so far."""
        try:
            while os.read(self._read, 4096):
                pass
        except BlockingIOError:
            pass

    def wait(self, timeout_s: float) -> None:
        """Wait for a wake-up, or until the time has passed."""
        select.select([self._read], [], [], timeout_s)
        self.drain()

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)
