"""Tells whether the chain goes on, which a node's answer alone does not show.

    steady chain       goes on when the agreed newest block has a higher number than ever seen
    on-demand chain    also goes on while none of our transactions waits for a block
    either             does not go on while a batch is open for longer than `settle_within_s`

A chain that makes blocks only for transactions is silent while nobody sends any. There, what counts
is that what waits gets in. Times are monotonic seconds of this run: an earlier run's waiting is not
counted, because the only clock that spans a restart can be set.
"""

from __future__ import annotations

from collections import deque

from countersign_gateway.config import Blocks

# The age of a batch is known to this part of the limit.
_STEPS = 100
NO_BLOCK = "the chain makes no new block"
NOT_IN = "the chain makes no block for what waits"


class Progress:
    """For one thread."""

    def __init__(self, blocks: Blocks, *, stalled_after_s: float, settle_within_s: float) -> None:
        """stalled_after_s: without progress for longer the chain is called stalled.
        settle_within_s: how long a batch may be open.
        """
        self._blocks = blocks
        self._stalled_after_s = stalled_after_s
        self._settle_within_s = settle_within_s
        self._highest: int | None = None
        self._first_s: float | None = None
        self._advanced_s: float | None = None
        # (newest sequence, when it was first seen), for the batches that are open.
        self._open: deque[tuple[int, float]] = deque()

    @property
    def needs_head(self) -> bool:
        """Whether a round in which nothing waits must ask for the newest block."""
        return self._blocks == "steady"

    def undecided(self, now_s: float) -> bool:
        """Whether the first new block of this run is still to come, and need not yet have."""
        if self._first_s is None or self._advanced_s is not None:
            return False
        return now_s - self._first_s <= self._stalled_after_s

    def note_batches(self, now_s: float, oldest_open: int | None, newest: int) -> None:
        """Note the sequences of the oldest batch that is not final (None: all are) and of the
        newest."""
        if oldest_open is None:
            self._open.clear()
            return
        while self._open and self._open[0][0] < oldest_open:
            self._open.popleft()
        if not self._open:
            self._open.append((newest, now_s))
        last_sequence, last_s = self._open[-1]
        # While the oldest is too old there is nothing to tell, so the list stays short.
        if (
            newest > last_sequence
            and now_s - last_s >= self._settle_within_s / _STEPS
            and self._overdue(now_s) is None
        ):
            self._open.append((newest, now_s))

    def goes_on(self, now_s: float, latest: int | None, *, waited: bool) -> bool:
        """Whether an answered round shows progress.

        latest: the newest block, if the round asked for it. waited: a transaction of ours was
        without a block when the round began.
        """
        if self._first_s is None:
            self._first_s = now_s
        advanced = self._advance(now_s, latest)
        if not advanced and (self._blocks == "steady" or waited):
            return False
        self._advanced_s = now_s
        return self._overdue(now_s) is None

    def stalled(self, now_s: float) -> tuple[str, float] | None:
        """Why the chain counts as stalled, and the seconds since; None if it does not."""
        overdue = self._overdue(now_s)
        if overdue is not None:
            return overdue
        since_s = self._advanced_s if self._advanced_s is not None else self._first_s
        if since_s is None or now_s - since_s <= self._stalled_after_s:
            return None
        return (NO_BLOCK if self._blocks == "steady" else NOT_IN), now_s - since_s

    def _advance(self, now_s: float, latest: int | None) -> bool:
        if latest is None:
            return False
        if self._highest is None:
            # What is seen first may be old: it is no progress yet.
            self._highest = latest
            return False
        if latest > self._highest:
            self._highest = latest
            return True
        if latest < self._highest and self.stalled(now_s) is not None:
            # A chain that was restored from an older state counts from there. It waits until the
            # site is degraded, so that a head that goes to and fro is no progress.
            self._highest = latest
        return False

    def _overdue(self, now_s: float) -> tuple[str, float] | None:
        if not self._open or now_s - self._open[0][1] <= self._settle_within_s:
            return None
        return "a batch is not final for too long", now_s - self._open[0][1]
