"""The clocks that the gateway reads: one for ages, one for people.

Every age that a statement speaks of (upstream knowledge, a beacon, a challenge) is measured by
`since_boot_s`. `time.monotonic` would not do: it stands still while the machine is suspended, so
that knowledge would look younger than it is. The wall clock can stand still or be set back, and no
age depends on it.
"""

from __future__ import annotations

import datetime
import time


def since_boot_s() -> float:
    """Seconds since the machine started, the time in suspend included (Linux CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def utc_text(unix_s: float) -> str:
    """A wall-clock time as RFC 3339 text in UTC, such as 2026-01-31T08:00:00.000Z.

    A time that no calendar date has (before year 1, after year 9999) gives "unknown".
    """
    try:
        moment = datetime.datetime.fromtimestamp(unix_s, datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return "unknown"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
