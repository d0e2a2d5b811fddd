"""The bounded queue between the transports and the pipeline, fair among senders.

Each sender has a queue of its own, and `take` goes round: one envelope of each sender that has any
waiting, then the next of each. A flood thus delays itself alone. Order holds within a sender, and
not from one to another: nothing that the gateway decides about a device depends on it.

A full intake refuses a message, and the transport sheds it. Transports can thus fill it with at
most `max_envelopes` × 2048 bytes of payload. It also refuses what one sender has too many of, so
that a flood fills no place that another needs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from countersign_gateway.ingress.repute import Repute
from countersign_gateway.model import Envelope

MAX_ENVELOPES = 8192
# An agent has one message under way, and a few hundred may come at once after a long cut.
MAX_OF_ONE = 512
MAX_OF_ILL_REPUTE = 16


class Inlet(Protocol):
    """The part of an intake that a transport needs."""

    def put(self, envelope: Envelope) -> bool: ...


def sender_of(envelope: Envelope) -> bytes | str:
    """Who waits for a turn: a shared account, else the device, else the origin."""
    return envelope.account or envelope.device_id or envelope.origin


class Intake:
    """Many transports put envelopes; one pipeline takes them. Safe from any thread."""

    def __init__(self, max_envelopes: int = MAX_ENVELOPES) -> None:
        self.repute = Repute()
        self._max_envelopes = max_envelopes
        self._waiting = 0
        # The first envelope of each sender that has any waiting, in the order of their turns, and
        # what waits behind it. Mostly that is nothing, and costs nothing.
        self._turns: deque[Envelope] = deque()
        self._behind: dict[bytes | str, deque[Envelope] | None] = {}
        self._arrived = threading.Condition()
        self._closed = False

    def put(self, envelope: Envelope) -> bool:
        """Queue one envelope. False, without queueing it, if the intake is full or closed, or holds
        MAX_OF_ONE of this sender, or MAX_OF_ILL_REPUTE."""
        sender = sender_of(envelope)
        with self._arrived:
            if self._closed or self._waiting >= self._max_envelopes:
                return False
            behind = self._behind
            if sender not in behind:
                behind[sender] = None
                self._turns.append(envelope)
            elif (queue := behind[sender]) is None:
                behind[sender] = deque((envelope,))
            elif len(queue) < MAX_OF_ILL_REPUTE - 1 or (
                len(queue) < MAX_OF_ONE - 1 and not self.repute.ill(sender)
            ):
                queue.append(envelope)
            else:
                return False
            self._waiting += 1
            if self._waiting == 1:
                self._arrived.notify()
            return True

    def put_all(self, envelopes: Sequence[Envelope]) -> None:
        """Wait while the intake is full, then queue all envelopes, even beyond its bounds.

        For two threads of the gateway, never for a transport. Call `close` only after it.
        """
        behind, turns = self._behind, self._turns
        with self._arrived:
            while self._waiting >= self._max_envelopes:
                self._arrived.wait()
            for envelope in envelopes:
                sender = envelope.account or envelope.device_id or envelope.origin  # sender_of
                if sender not in behind:
                    behind[sender] = None
                    turns.append(envelope)
                elif (queue := behind[sender]) is None:
                    behind[sender] = deque((envelope,))
                else:
                    queue.append(envelope)
            self._waiting += len(envelopes)
            self._arrived.notify_all()

    def take(self, most: int, timeout_s: float) -> list[Envelope]:
        """Up to `most` envelopes, of each sender in turn; empty after `timeout_s` without any, or
        when closed."""
        behind, turns = self._behind, self._turns
        with self._arrived:
            if not turns and not self._closed:
                self._arrived.wait(timeout_s)
            if self._waiting >= self._max_envelopes:
                self._arrived.notify_all()  # wakes put_all, which gets the lock after us
            taken = []
            for _ in range(min(most, self._waiting)):
                envelope = turns.popleft()
                sender = envelope.account or envelope.device_id or envelope.origin  # sender_of
                if queue := behind[sender]:
                    turns.append(queue.popleft())
                else:
                    del behind[sender]
                taken.append(envelope)
            self._waiting -= len(taken)
            return taken

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
        return self._waiting
