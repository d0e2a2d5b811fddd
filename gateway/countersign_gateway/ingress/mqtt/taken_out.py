"""Accounts that are out of the broker's password file for a time."""

from __future__ import annotations

FIRST_S = 600.0
LONGEST_S = 86400.0
# A name whose time was over this long ago begins anew.
FORGOTTEN_S = 7 * 86400.0


class TakenOut:
    """One thread at a time. Its names are those of accounts, so their number is bounded."""

    def __init__(self) -> None:
        self._out: dict[str, tuple[float, float]] = {}  # name → its last duration, and its end

    def add(self, name: str, now_s: float) -> float:
        """Take it out, and return for how many seconds: twice as long each time, up to a day."""
        before_s, end_s = self._out.get(name, (0.0, now_s))
        if now_s - end_s > FORGOTTEN_S:
            before_s = 0.0
        duration_s = min(LONGEST_S, 2 * before_s) if before_s else FIRST_S
        self._out[name] = (duration_s, now_s + duration_s)
        return duration_s

    def names(self, now_s: float) -> frozenset[str]:
        """Who is out now."""
        return frozenset(name for name, (_, end_s) in self._out.items() if now_s < end_s)
