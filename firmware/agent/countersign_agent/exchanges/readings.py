"""What a sensor function returned, without what the protocol cannot carry.

A sensor function is the product's own code, and its wires are in the field. Its faults must not
end the agent, because the device would then look as if it were gone.
"""

import gc

MOST = 16
MOST_NAME = 23
# The log has one line for faults in this time.
PERIOD_MS = 60000


class Readings:
    """sensors: callable -> readings. clock: now_ms(). report: callable(event, **fields)."""

    def __init__(self, sensors, clock, report):
        self._sensors = sensors
        self._clock = clock
        self._report = report
        self._faults = 0
        self._said_ms = None

    def take(self) -> dict:
        """Readings that a message takes: up to 16, by name. What is wrong is left out and said."""
        try:
            found = dict(self._sensors())
            # The order of a dict differs from start to start on MicroPython.
            names = sorted(found, key=str)
        except Exception as error:  # noqa: BLE001 - whatever a product's code raises is reported
            gc.collect()
            self._fault(type(error).__name__ + ": " + str(error))
            return {}
        readings = {}
        for name in names:
            why = _fault(name, found[name]) or ("the 17th" if len(readings) == MOST else None)
            if why is None:
                readings[name] = found[name]
            else:
                self._fault(why, repr(name)[:40])
        return readings

    def _fault(self, why, name=None):
        self._faults += 1
        now_ms = self._clock.now_ms()
        if self._said_ms is None or now_ms - self._said_ms >= PERIOD_MS:
            self._report("reading_left_out", name=name, why=why[:80], count=self._faults)
            self._faults = 0
            self._said_ms = now_ms


def _fault(name, value):
    """What is wrong with a reading, or None."""
    if not isinstance(name, str) or not 0 < len(name) <= MOST_NAME:
        return "its name is not text of 1 to 23 characters"
    if any([not " " <= character <= "~" for character in name]):
        return "its name is not printable ASCII"
    if isinstance(value, bool) or not isinstance(value, int):
        return "it is no integer"
    if not -0x80000000 <= value <= 0x7FFFFFFF:
        return "it is beyond 32 bits"
    return None
