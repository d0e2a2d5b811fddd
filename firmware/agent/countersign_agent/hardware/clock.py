"""Time since start. The agent needs no wall clock, so boards without one work fully."""

import time


class TicksClock:
    """Milliseconds since this object was made, from MicroPython's wrapping ticks.

    The user must call `now_ms` at least once in each wrap of `ticks_ms` (six days on a board).
    """

    def __init__(self):
        self._last_ticks = time.ticks_ms()
        self._now_ms = 0

    def now_ms(self) -> int:
        ticks = time.ticks_ms()
        self._now_ms += time.ticks_diff(ticks, self._last_ticks)
        self._last_ticks = ticks
        return self._now_ms

    def sleep_ms(self, duration_ms: int) -> None:
        time.sleep_ms(duration_ms)
