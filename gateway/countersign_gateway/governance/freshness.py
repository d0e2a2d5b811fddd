"""How old is what this gateway knows? Every verdict says so.

Within one run, age is measured on a monotonic clock. Across a restart only the wall clock is left:
the stored time of the last contact is used if it lies in the past, and forgotten if it does not,
so that a clock set back can make knowledge look unknown but never fresh.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from countersign import messages
from countersign_gateway.model import Freshness

# age_s is an unsigned 32-bit field.
MAX_AGE_S = 0xFFFFFFFF


class UpstreamFreshness:
    """Time since upstream state was last confirmed. Safe from any thread.

    clock_s: monotonic. wall_s: seconds since the epoch, for storing only. last_upstream_s: what was
    stored by an earlier run. note_upstream: stores the time of a contact.
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
        """Upstream has just answered, and what it said is now what we know."""
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
