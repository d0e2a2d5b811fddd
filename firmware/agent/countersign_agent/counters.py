"""The counter that never goes back, and the boot count.

Every message that a gateway accepts carries a counter above all earlier ones, over every power
cut. Writing flash for each would wear it out, so counters are reserved in blocks: the record
holds the highest counter that may have been used (the ceiling), and is written before the first
counter of a block is handed out. A power cut skips the rest of a block.
"""

NAME = "counter"
VERSION = 1
BLOCK = 256
# A signed 64-bit integer on the wire (countersign.fields.UINT63_MAX). At a block a second,
# that is a billion years.
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
        """The stored counters, or None if there are none. RecordDamaged, StorageError pass."""
        values = records.load(NAME, VERSION, 2)
        if values is None:
            return None
        return cls(records, values[0], values[1])

    @classmethod
    def create(cls, records):
        """Counters of a device that never booted. Its first record is written at once."""
        counters = cls(records, 0, 0)
        counters._save(0, 0)
        return counters

    def begin_boot(self) -> None:
        """Count this boot, and reserve the first block in the same write."""
        self._save(self.boot_count + 1, self._ceiling + BLOCK)
        self._serial = self.boot_count << 64

    def next_serial(self) -> int:
        """A number that this device never gave before, for what stays in RAM: boot count and a
        running number. Costs no write. RuntimeError before the boot was counted."""
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
        # The record first: if the write fails, nothing of the new block was used.
        self._records.save(NAME, VERSION, [boot_count, ceiling])
        self.boot_count = boot_count
        self._ceiling = ceiling
