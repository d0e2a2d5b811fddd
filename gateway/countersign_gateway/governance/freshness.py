"""Measures the age of what this gateway knows from upstream. Every result states it.

A contact is progress of the ledger (anchoring/progress.py), and only one of this run counts. Before
the first one the gateway is degraded and its age unknown, whatever an earlier run stored: the only
clock that spans a restart is the wall clock, and one that stood still or was set back would make
old knowledge look young. Within a run a clock measures the age that cannot be set and goes on in
suspend (operations/clock.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from countersign import messages
from countersign_gateway.model import Freshness

# age_s is an unsigned 32-bit field.
MAX_AGE_S = 0xFFFFFFFF


class UpstreamFreshness:
    """The time since upstream state was last confirmed in this run. Safe from any thread.

    clock_s: seconds since boot, suspend included. wall_s: seconds since the epoch, for people only.
    note_upstream: stores the wall-clock time of a contact. No decision reads it again.
    """

    def __init__(
        self,
        degraded_after_s: float,
        clock_s: Callable[[], float],
        wall_s: Callable[[], float],
        note_upstream: Callable[[float], None],
    ) -> None:
        self._degraded_after_s = degraded_after_s
        self._clock_s = clock_s
        self._wall_s = wall_s
        self._note_upstream = note_upstream
        self._lock = threading.Lock()
        self._confirmed_s: float | None = None

    def confirmed(self) -> None:
        """Note that upstream has just confirmed what the gateway knows."""
        with self._lock:
            self._confirmed_s = self._clock_s()
        self._note_upstream(self._wall_s())

    def current(self) -> Freshness:
        with self._lock:
            confirmed_s = self._confirmed_s
        if confirmed_s is None:
            return Freshness(messages.MODE_DEGRADED, None)
        elapsed_s = self._clock_s() - confirmed_s
        degraded = elapsed_s > self._degraded_after_s
        mode = messages.MODE_DEGRADED if degraded else messages.MODE_ONLINE
        return Freshness(mode, min(int(elapsed_s), MAX_AGE_S))
