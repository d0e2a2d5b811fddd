"""The one source of randomness: a pool that is as good as the best of its inputs.

Inputs: `os.urandom` (required), a seed kept in flash from boot to boot, entropy written when the
board was provisioned, the boot count, and the jitter of the clock. The pool hashes all of them
together, so a weak generator (the RP2040's, an emulator's) alone does not decide a key.

The pool fails closed. It raises `EntropyError`, and makes nothing, if `os.urandom` is absent, gives
visibly degenerate bytes, or gives the same bytes as at the last boot. No test can show that a
generator is good. These tests find broken ones.
"""

from countersign.tagged import tagged_sha256
from countersign_agent.keys.stored_records import RecordDamaged

NAME = "seed"
VERSION = 1
PROVISIONED_NAME = "provisioned_entropy"
DRAW_BYTES = 32

STORED = "stored"
ABSENT = "absent"
UNREADABLE = "unreadable"

_JITTER_SAMPLES = 64
# A fair 32-byte draw misses one of these bounds less often than once in 2**60.
_MIN_DISTINCT_BYTES = 12
_MIN_ONES = 64
_MAX_ONES = 192


class EntropyError(Exception):
    """The board has no usable randomness for keys or nonces. The device must not go on."""


class EntropyPool:
    """Randomness from several inputs. `take()` gives 32 bytes; nothing else leaves the pool.

    urandom: callable(size) -> bytes, or None if the platform has none. ticks_us: callable -> int.
    records: StoredRecords, for the seed. boot_count: any number that changes each boot.
    Raises EntropyError, StorageError. The new seed is durable before the first `take`, so a boot
    that is cut short never uses the same seed twice.
    """

    def __init__(self, urandom, ticks_us, records, boot_count: int):
        if urandom is None:
            raise EntropyError("this platform has no os.urandom")
        self._urandom = urandom
        self._ticks_us = ticks_us
        self._draws = 0
        self._last_draw = None
        seed, last_fingerprint = self._load_seed(records)
        provisioned = records.read_raw(PROVISIONED_NAME)
        self._provisioned = provisioned is not None

        first = self._draw()
        fingerprint = tagged_sha256("countersign/entropy-fingerprint/1", first)
        if fingerprint == last_fingerprint:
            raise EntropyError("os.urandom starts with the same bytes at every boot")
        self._state = tagged_sha256(
            "countersign/entropy/1",
            first,
            self._draw(),
            seed,
            tagged_sha256("countersign/entropy-provisioned/1", provisioned or b""),
            boot_count.to_bytes(8, "big"),
            self._jitter(),
        )
        next_seed = tagged_sha256("countersign/entropy-seed/1", self.take())
        records.save(NAME, VERSION, [next_seed, fingerprint])

    def take(self) -> bytes:
        """32 fresh bytes. Raises EntropyError if `os.urandom` fails now."""
        self._draws += 1
        mixed = tagged_sha256(
            "countersign/entropy/1",
            self._state,
            self._draw(),
            self._draws.to_bytes(8, "big"),
            (self._ticks_us() & 0xFFFFFFFF).to_bytes(4, "big"),
        )
        # The state only moves forward: a later state does not reveal any earlier output.
        self._state = tagged_sha256("countersign/entropy-state/1", mixed)
        return tagged_sha256("countersign/entropy-output/1", mixed)

    def sources(self) -> dict:
        """What the pool was made from, for the start-up report."""
        return {
            "urandom": True,
            "seed": self._seed_source,
            "provisioned": self._provisioned,
            "jitter_samples": _JITTER_SAMPLES,
        }

    def _load_seed(self, records):
        try:
            values = records.load(NAME, VERSION, 2)
        except RecordDamaged:
            # The seed is only one input of several, so the pool reports its loss and replaces it.
            self._seed_source = UNREADABLE
            return b"", None
        if values is None:
            self._seed_source = ABSENT
            return b"", None
        self._seed_source = STORED
        return values[0], values[1]

    def _draw(self):
        try:
            draw = self._urandom(DRAW_BYTES)
        except OSError as error:
            raise EntropyError("os.urandom fails: " + str(error))
        if len(draw) != DRAW_BYTES:
            raise EntropyError("os.urandom returned too few bytes")
        if draw == self._last_draw:
            raise EntropyError("os.urandom repeats itself")
        ones = bin(int.from_bytes(draw, "big")).count("1")
        if len(set(draw)) < _MIN_DISTINCT_BYTES or not _MIN_ONES <= ones <= _MAX_ONES:
            raise EntropyError("os.urandom is degenerate")
        self._last_draw = draw
        return draw

    def _jitter(self):
        samples = bytearray()
        for _ in range(_JITTER_SAMPLES):
            samples += (self._ticks_us() & 0xFFFF).to_bytes(2, "big")
        return bytes(samples)
