"""Measures the age of what this gateway knows from upstream. Every result states it.

Within one run, a monotonic clock measures the age. Across a restart only the wall clock is left:
the stored time of the last contact counts if it lies in the past, and is ignored otherwise. A clock
that was set back before that time thus makes the age unknown, not small.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from countersign import messages
from countersign_gateway.model import Freshness

# age_s is an unsigned 32-bit field.
MAX_AGE_S = 0xFFFFFFFF


class UpstreamFreshness:
    """The time since upstream state was last confirmed. Safe from any thread.

    clock_s: monotonic seconds. wall_s: seconds since the epoch, used only across restarts.
    last_upstream_s: the time that an earlier run stored. note_upstream: stores a contact's time.
    """

    def __init__(
        self,
        degraded_after_s: float,
        clock_s: Callable[[], float],
        wall_s: Callable[[], float],
        last_upstream_s: float | None,
        note_upstream: Callable[[float], None],
    ) -> None:
        self._degraded_after_s = degraded_after_s
        self._clock_s = clock_s
        self._wall_s = wall_s
        self._note_upstream = note_upstream
        self._lock = threading.Lock()
        self._confirmed_s: float | None = None
        if last_upstream_s is not None:
            elapsed_s = wall_s() - last_upstream_s
            if elapsed_s >= 0:
                self._confirmed_s = clock_s() - elapsed_s

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
