"""What the counters of a known device tell about it. Its signature has been verified before.

A counter only grows, so one message with a counter near the end of its range would be the last that
its device can send. Nobody but a holder of the key can send it: a clone, or a device whose store is
damaged. The gateway therefore takes no such step, and a person decides.
"""

from __future__ import annotations

from collections import OrderedDict

# A device that sends a message a millisecond takes 49 days for so many.
MOST_AHEAD = 1 << 32

# So many used counters of one device within the period are no accident of a network: its own
# messages come once, or once more after a restart of the broker.
SUSPICIOUS = 8
PERIOD_S = 600.0
_MOST_DEVICES = 4096


def too_far_ahead(counter: int, last: int) -> bool:
    return counter - last > MOST_AHEAD


class CloneWatch:
    """Notices two devices with one identity: each uses counters that the other has used.

    Used by one thread; the table is bounded. A network that replays a device's messages looks the
    same, so this raises an alarm and changes no status: otherwise it would be a way to cut a device
    off.
    """

    def __init__(self) -> None:
        # device_id → (number of used counters, since when), least recently used first.
        self._used: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def note(self, device_id: bytes, now_s: float) -> bool:
        """Note a verified message with a used counter. True once a period, if they are too many."""
        count, since_s = self._used.pop(device_id, (0, now_s))
        if now_s - since_s >= PERIOD_S:
            count, since_s = 0, now_s
        self._used[device_id] = (count + 1, since_s)
        if len(self._used) > _MOST_DEVICES:
            self._used.popitem(last=False)
        return count + 1 == SUSPICIOUS
