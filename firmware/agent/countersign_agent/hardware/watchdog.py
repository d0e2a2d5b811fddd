"""The hardware watchdog: it resets a board whose agent stands still.

An RP2040's watchdog can wait 8.3 seconds at most, and some turns of the agent take longer: a
connection that nobody answers, a look-up of a name. So a timer feeds it there, as long as the
agent's last turn is recent. A board without interrupts is reset after eight seconds, an agent that
makes no turn after `watchdog_s`.
"""

import sys
import time

_SHORT_MS = 8000
_FEED_EVERY_MS = 1000


class Watchdog:
    """A running watchdog. Nothing but a reset stops it. most_ms: the longest time between turns."""

    def __init__(self, most_ms: int):
        from machine import WDT  # only here: MicroPython as a process has none

        self._most_ms = most_ms
        self._fed_ms = time.ticks_ms()
        if sys.platform == "rp2":
            from machine import Timer

            self._hardware = WDT(timeout=_SHORT_MS)
            self._timer = Timer(period=_FEED_EVERY_MS, callback=self._tick)
        else:
            self._hardware = WDT(timeout=most_ms)

    def feed(self) -> None:
        """The agent has made a turn."""
        self._fed_ms = time.ticks_ms()
        self._hardware.feed()

    def _tick(self, timer):
        if time.ticks_diff(time.ticks_ms(), self._fed_ms) < self._most_ms:
            self._hardware.feed()
