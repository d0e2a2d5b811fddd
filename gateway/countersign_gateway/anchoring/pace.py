"""Decides when the ledger is asked next, so that an idle site makes few calls.

While work is under way the ledger is asked every `poll_s`. Otherwise it is asked every `idle_s`,
with one small question, and every `LOOK_S` with all of them. After a failure the wait doubles from
one second to LONGEST_WAIT_S, or is what the node asked for.
"""

from __future__ import annotations

LOOK_S = 900.0
LONGEST_WAIT_S = 30.0


class Pace:
    """Times are monotonic seconds, passed in."""

    def __init__(self, *, poll_s: float = 1.0, idle_s: float = 60.0) -> None:
        """poll_s: between rounds with work. idle_s: between rounds without any."""
        self._poll_s = poll_s
        self._idle_s = max(idle_s, poll_s)
        self._asked_s: float | None = None
        self._looked_s: float | None = None
        self._not_before_s: float | None = None
        self._failures = 0

    def due(self, now_s: float, *, busy: bool) -> bool:
        """Whether to ask now. busy: some row could move."""
        if self._not_before_s is not None:
            return now_s >= self._not_before_s
        if self._asked_s is None:
            return True
        return now_s - self._asked_s >= (self._poll_s if busy else self._idle_s)

    def look_due(self, now_s: float) -> bool:
        """Whether the next round asks everything, although no work is under way."""
        return self._looked_s is None or now_s - self._looked_s >= LOOK_S

    def answered(self, now_s: float, *, looked: bool) -> None:
        """Note a round that was answered. looked: it asked everything."""
        self._asked_s = now_s
        self._not_before_s = None
        self._failures = 0
        if looked:
            self._looked_s = now_s

    def failed(self, now_s: float, retry_after_s: float | None) -> None:
        """Note a round without an answer. retry_after_s: what the node asked for, if it did."""
        wait_s = min(2.0**self._failures, LONGEST_WAIT_S)
        self._failures = min(self._failures + 1, 16)
        self._looked_s = None  # what the ledger did meanwhile is unknown
        self._not_before_s = now_s + max(wait_s, retry_after_s or 0.0)
