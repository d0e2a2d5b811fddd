"""The bounded queue between the transports and the pipeline.

A full intake refuses a message, and the transport sheds it. Transports can thus fill it with at
most `max_envelopes` × 2048 bytes of payload. It also refuses what one device has too many of: a
flood under one name would otherwise make every other device wait behind it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from countersign_gateway.model import Envelope

MAX_ENVELOPES = 8192
# An agent has one message under way, and a few hundred may come at once after a long cut. What
# comes under no name is one sender.
MAX_OF_ONE = 512


class Inlet(Protocol):
    """The part of an intake that a transport needs."""

    def put(self, envelope: Envelope) -> bool: ...


class Intake:
    """Many transports put envelopes; one pipeline takes them. Safe from any thread."""

    def __init__(self, max_envelopes: int = MAX_ENVELOPES) -> None:
        self._max_envelopes = max_envelopes
        self._queue: deque[Envelope] = deque()
        self._of: dict[bytes | None, int] = {}  # how many of each device are queued
        self._arrived = threading.Condition()
        self._closed = False

    def put(self, envelope: Envelope) -> bool:
        """Queue one envelope. False, without queueing it, if the queue is full or closed, or holds
        MAX_OF_ONE of this device."""
        with self._arrived:
            of_one = self._of.get(envelope.device_id, 0)
            if self._closed or len(self._queue) >= self._max_envelopes or of_one >= MAX_OF_ONE:
                return False
            self._of[envelope.device_id] = of_one + 1
            self._queue.append(envelope)
            if len(self._queue) == 1:
                self._arrived.notify()
            return True

    def put_all(self, envelopes: Sequence[Envelope]) -> None:
        """Wait while the queue is full, then queue all envelopes, even beyond its bound.

        For two threads of the gateway, never for a transport. Call `close` only after it.
        """
        with self._arrived:
            while len(self._queue) >= self._max_envelopes:
                self._arrived.wait()
            self._queue.extend(envelopes)
            self._arrived.notify_all()

    def take(self, most: int, timeout_s: float) -> list[Envelope]:
        """Up to `most` envelopes, in order; empty after `timeout_s` without any, or when closed."""
        with self._arrived:
            if not self._queue and not self._closed:
                self._arrived.wait(timeout_s)
            queue = self._queue
            if len(queue) >= self._max_envelopes:
                self._arrived.notify_all()  # wakes put_all, which gets the lock after us
            taken = [queue.popleft() for _ in range(min(most, len(queue)))]
            if self._of:
                self._forget(taken)
            return taken

    def _forget(self, taken: list[Envelope]) -> None:
        """Free the places of these envelopes. What `put_all` queued never had one."""
        for envelope in taken:
            left = self._of.get(envelope.device_id, 0) - 1
            if left > 0:
                self._of[envelope.device_id] = left
            else:
                self._of.pop(envelope.device_id, None)

    def wake(self) -> None:
        """Let a `take` that waits return at once, with nothing."""
        with self._arrived:
            self._arrived.notify_all()

    def close(self) -> None:
        """Refuse new envelopes. `take` still returns the queued ones."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()

    @property
    def closed(self) -> bool:
        return self._closed

    def __len__(self) -> int:
        return len(self._queue)
