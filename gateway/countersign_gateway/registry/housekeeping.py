"""Keeps the record within its bounds, and says early when the disk will be full.

    messages older than `keep_days`          dropped, once their receipts went out
    a record larger than `max_bytes`         likewise, the oldest first
    less than `reserve_bytes` on the disk    nothing more is stored: devices are answered BUSY

The forecast divides what is left by how fast the files grew during the last day of this run. The
alarm `disk_filling` tells it long before, and again each hour; the alarm `disk_full` says that
nothing more is stored.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from countersign_gateway.operations.alarms import Alarms
from countersign_gateway.operations.log import EventLog
from countersign_gateway.registry.interface import RegistryError, Retention

SECONDS_OF_DAY = 86_400.0
TIDY_S = 60.0
SLICE = 500
SLICES = 40  # at most 20,000 messages a minute, a little at a time
ALARM_DAYS = 14.0
ALARM_SHARE = 10  # the alarm also sounds below so many reserves
REPEAT_S = 3600.0
_SAMPLES = 24 * 60
# Growth is not told from less: the first minutes of a run say little about the days to come.
LEAST_OBSERVED_S = 600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """See the module. clock_s and wall_s are passed to Housekeeping."""

    keep_days: float
    max_bytes: int
    reserve_bytes: int


def disk_free(folder: Path) -> int:
    """The bytes that this user may still write to the disk of `folder`. OSError if it is gone."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class Housekeeping:
    """Call `tick` from one thread; `has_room` and `status` are safe from any."""

    def __init__(
        self,
        registry: Retention,
        folder: Path,
        limits: Limits,
        log: EventLog,
        alarms: Alarms,
        *,
        clock_s: Callable[[], float],
        wall_s: Callable[[], float],
        free_bytes: Callable[[Path], int] = disk_free,
    ) -> None:
        """folder: where the record is. clock_s: seconds since boot; wall_s: since the epoch."""
        self._registry = registry
        self._folder = folder
        self._limits = limits
        self._log = log
        self._alarms = alarms
        self._clock_s = clock_s
        self._wall_s = wall_s
        self._free_bytes = free_bytes
        self._lock = threading.Lock()
        self._looked_s = self._tidied_s = self._alarmed_s = float("-inf")
        # (when, bytes that the record takes), one a minute for a day.
        self._sizes: deque[tuple[float, int]] = deque(maxlen=_SAMPLES)
        self._free = 0
        self._room = True
        self._dropped = 0

    def has_room(self) -> bool:
        """Whether the record may take new rows."""
        return self._room

    def tick(self) -> None:
        """Look at the disk once a second, and tidy up once a minute. Call it more often."""
        now_s = self._clock_s()
        if now_s - self._looked_s >= 1:
            self._looked_s = now_s
            self._look()
        if now_s - self._tidied_s >= TIDY_S:
            self._tidied_s = now_s
            self.tidy()
            self._sizes.append((now_s, self._registry.sizes().used_bytes))
            self._alarm(now_s)

    def tidy(self) -> int:
        """Drop what may go, a bounded number of messages. Returns how many were dropped."""
        before_s = self._wall_s() - self._limits.keep_days * SECONDS_OF_DAY
        dropped = 0
        try:
            for _ in range(SLICES):
                too_large = self._registry.sizes().used_bytes > self._limits.max_bytes
                gone = self._registry.prune(SLICE, None if too_large else before_s)
                dropped += gone
                if gone == 0:
                    break
        except RegistryError as error:
            self._log.event("retention_failed", error=str(error))
        if dropped:
            self._dropped += dropped
            self._log.event("messages_dropped", count=dropped)
        return dropped

    def status(self) -> dict[str, object]:
        """For status.json. days_until_full: None while it is not known, or if nothing grows."""
        days = self.days_until_full()
        return {
            "used_bytes": self._registry.sizes().used_bytes,
            "free_bytes": self._free,
            "bytes_per_day": round(self._bytes_per_day()),
            "days_until_full": None if days is None else round(days, 1),
            "messages_dropped": self._dropped,
            "takes_messages": self._room,
        }

    def days_until_full(self) -> float | None:
        """How long the disk lasts above the reserve, if the record grows as it did."""
        per_day = self._bytes_per_day()
        if per_day <= 0:
            return None
        return max(0.0, (self._free - self._limits.reserve_bytes) / per_day)

    def _bytes_per_day(self) -> float:
        with self._lock:
            if len(self._sizes) < 2:
                return 0.0
            (first_s, first), (last_s, last) = self._sizes[0], self._sizes[-1]
        if last_s - first_s < LEAST_OBSERVED_S:
            return 0.0
        return (last - first) / (last_s - first_s) * SECONDS_OF_DAY

    def _look(self) -> None:
        try:
            self._free = self._free_bytes(self._folder)
        except OSError as error:
            self._log.event("disk_unreadable", error=type(error).__name__)
            return
        # Some more must be free before rows are taken again, so that the answer does not flutter.
        wanted = self._limits.reserve_bytes * (1.0 if self._room else 1.1)
        room = self._free >= wanted
        if room != self._room:
            self._room = room
            if room:
                self._log.event("disk_has_room", free_bytes=self._free)
            else:
                self._alarms.sound("disk_full", free_bytes=self._free)

    def _alarm(self, now_s: float) -> None:
        days = self.days_until_full()
        soon = days is not None and days < ALARM_DAYS
        low = self._free < ALARM_SHARE * self._limits.reserve_bytes
        if (soon or low) and now_s - self._alarmed_s >= REPEAT_S:
            self._alarmed_s = now_s
            self._alarms.sound("disk_filling", **self.status())
