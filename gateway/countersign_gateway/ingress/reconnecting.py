"""Opens a connection again whenever it is lost, on one thread and with growing pauses.

The broker's connection and every serial line use it.
"""

from __future__ import annotations

import random
import threading
import time
from typing import Protocol

from countersign_gateway.ingress.wake_pipe import WakePipe


class Connection(Protocol):
    """One connection. Reconnecting calls every method on its own thread."""

    def serve(self) -> None:
        """Connect, and carry bytes until the connection is lost or `stopping` is set.

        OSError if the connection is lost that way. Any other exception is a fault.
        """
        ...

    def has_worked(self) -> bool:
        """Whether the connection that has just ended was usable; the next pause is then short."""
        ...

    def note_lost(self, error: OSError) -> None: ...

    def note_fault(self, error: Exception) -> None: ...


class Reconnecting:
    """`start`, then `wake` from any thread, then `stop`. backoff_s: first and longest pause."""

    def __init__(self, name: str, connection: Connection, backoff_s: tuple[float, float]) -> None:
        self.pipe = WakePipe()
        self.stopping = False
        self._connection = connection
        self._backoff_s = backoff_s
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self.pipe.wake()

    def stop(self, timeout_s: float) -> None:
        """End the thread. `serve` must return when `stopping` is set."""
        self.stopping = True
        self.pipe.wake()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self.pipe.close()

    def _run(self) -> None:
        shortest_s, longest_s = self._backoff_s
        pause_s = shortest_s
        while not self.stopping:
            try:
                self._connection.serve()
            except OSError as error:
                self._connection.note_lost(error)
            except Exception as error:  # noqa: BLE001 - a new connection starts from a clean state
                self._connection.note_fault(error)
            if self._connection.has_worked():
                pause_s = shortest_s
            # Jitter keeps many gateways from reconnecting to one broker at the same moment.
            self._pause(pause_s * random.uniform(0.5, 1))  # noqa: S311
            pause_s = min(pause_s * 2, longest_s)

    def _pause(self, duration_s: float) -> None:
        """Wait for the duration, or until `stop`. Wake-ups from senders do not shorten it."""
        end_s = time.monotonic() + duration_s
        while not self.stopping and (left_s := end_s - time.monotonic()) > 0:
            self.pipe.wait(left_s)
