"""The counter that never goes back, and the boot count.

A gateway accepts a message only if its counter is above all earlier ones, over every power cut. One
write for each counter would wear the flash out, so the device reserves counters in blocks. The
record holds the highest counter that may have been used (the ceiling). The device writes it before
it hands out the first counter of a block. A power cut skips the rest of a block.

A file system may put an old record back. LittleFS keeps the last two states of a folder; if the
newer one is damaged, it returns the older one without an error. So the device writes each state a
second time, as the witness, in a folder of its own. A counter behind its witness was put back. A
witness behind its counter means that a power cut came between the two writes.
"""

from countersign_agent.keys.stored_records import RecordDamaged

NAME = "counter"
WITNESS = "witness/counter"
VERSION = 1
BLOCK = 512
# A signed 64-bit integer on the wire (countersign.fields.UINT63_MAX). At a block a second,
# that is half a billion years.
LAST_COUNTER = 0x7FFFFFFFFFFFFFFF


class CounterExhausted(Exception):
    """No counter is left."""


class Counters:
    """Boot count and counters of one device. Make it with `load`."""

    def __init__(self, records, boot_count, ceiling):
        self._records = records
        self._last = ceiling
        self._ceiling = ceiling
        self.boot_count = boot_count
        self._serial = None  # until this boot is counted

    @classmethod
    def load(cls, records):
        """The stored counters, or None if there never were any.

        Raises RecordDamaged, also for a record that was put back, and StorageError.
        """
        values = records.load(NAME, VERSION, 2)
        witness = records.load(WITNESS, VERSION, 2)
        if values is None:
            # A device that never booted writes this witness before anything else.
            if witness not in (None, [0, 0]):
                raise RecordDamaged(NAME + ": it was there, and is gone")
            return None
        if witness is None:
            raise RecordDamaged(WITNESS + ": it was there, and is gone")
        if witness[0] > values[0] or witness[1] > values[1]:
            raise RecordDamaged(NAME + ": an older one was put back")
        return cls(records, values[0], values[1])

    @classmethod
    def create(cls, records):
        """Counters of a device that never booted. This writes their first records at once."""
        records.save(WITNESS, VERSION, [0, 0])
        records.save(NAME, VERSION, [0, 0])
        return cls(records, 0, 0)

    def begin_boot(self) -> None:
        """Count this boot, and reserve the first block in the same write."""
        self._save(self.boot_count + 1, self._ceiling + BLOCK)
        self._serial = self.boot_count << 64

    def next_serial(self) -> int:
        """A number that this device never returned before: boot count, then a running number.
        It costs no write. Raises RuntimeError before the boot was counted."""
        if self._serial is None:
            raise RuntimeError("this boot was not counted yet")
        self._serial += 1
        return self._serial

    def next(self) -> int:
        """A counter that was never handed out before and never will be again."""
        if self._last >= self._ceiling:
            self._save(self.boot_count, self._ceiling + BLOCK)
        self._last += 1
        return self._last

    def _save(self, boot_count, ceiling):
        if ceiling > LAST_COUNTER:
            raise CounterExhausted("no counter is left")
        # Both writes come before any use, so a failed write leaves the new block unused.
        self._records.save(NAME, VERSION, [boot_count, ceiling])
        self._records.save(WITNESS, VERSION, [boot_count, ceiling])
        self.boot_count = boot_count
        self._ceiling = ceiling
