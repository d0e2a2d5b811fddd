"""2x, attestation: evidence, the verdict on it, the receipt for both, and their commitment.

Evidence holds a device's claims at a check-in, as an EAT claims set (RFC 9711). Claims of RFC 9711
and RFC 8392 keep their registered numbers; Countersign's own are private-use (below -65536). No
claim is a time: freshness comes from the gateway's beacon and from the counter.
"""

from countersign import reasons
from countersign.carriers import kinds
from countersign.fields import (
    ADDRESS,
    COUNTER,
    DIGEST,
    SEQUENCE,
    UINT32_MAX,
    Field,
    Flag,
    Hashes,
    Nullable,
    Record,
    Uint,
)
from countersign.messages.envelope import DEVICE, GATEWAY, Definition
from countersign.tagged import tagged_sha256

EVIDENCE = 20
ATTESTATION_RESULT = 21
RECEIPT = 22

# How current the gateway's own knowledge is (PROTOCOL.md, section 5.2).
MODE_ONLINE = 0
MODE_DEGRADED = 1
MODE_NAMES = ("online", "degraded")

# No gateway makes batches of more than 2**32 leaves, so a longer proof is refused early.
MAX_PROOF_HASHES = 32
MAX_READINGS = 16
MAX_READING_NAME_BYTES = 23  # one-byte CBOR head, so that both CBOR key orders agree
MAX_VERSION_BYTES = 32

_HEX_DIGITS = b"0123456789abcdef"


def commitment(subject: bytes, result_digest: bytes) -> bytes:
    """Merkle leaf input (32 bytes) for one message and the gateway's answer to it.

    `subject` is the SHA-256 of the device's message as sent, `result_digest` that of the
    AttestationResult. Both carry a signature, so the leaf reveals nothing to a reader who holds
    neither. The leaf binds the answer, so nobody can exchange an anchored verdict later.
    """
    if len(subject) != 32 or len(result_digest) != 32:
        raise ValueError("digests are 32 bytes")
    return tagged_sha256("countersign/Commitment/1", subject, result_digest)


def is_printable(text: object, most: int) -> bool:
    """True for a text of 1 to `most` characters from U+0020 to U+007E.

    Names and versions are printed by every program that shows a message: no escape sequence of a
    terminal, no line break and no letter that looks like another one gets as far as that.
    """
    if not isinstance(text, str) or not 0 < len(text) <= most:
        return False
    # Of bytes, since MicroPython interns each character of a text that it goes through.
    encoded = text.encode()
    return 0x20 <= min(encoded) and max(encoded) <= 0x7E


class Ueid(Field):
    """UEID of RFC 9711 §4.2.1, type RAND: 0x01 ‖ device_id. The value is the device_id."""

    def to_wire(self, value):
        if not isinstance(value, bytes) or len(value) != 32:
            raise ValueError("expected a device_id of 32 bytes")
        return b"\x01" + value

    def from_wire(self, item):
        if not isinstance(item, bytes) or len(item) != 33 or item[0] != 1:
            raise reasons.Refused(reasons.BAD_FIELD, "expected a UEID of type RAND, 33 bytes")
        return item[1:]


class Audience(Field):
    """The aud claim must be text (RFC 8392 §3.1.3): the gateway_id in lower-case hexadecimal."""

    def to_wire(self, value):
        if not isinstance(value, bytes) or len(value) != 32:
            raise ValueError("expected a gateway_id of 32 bytes")
        return "".join(["%02x" % byte for byte in value])

    def from_wire(self, item):
        if isinstance(item, str) and len(item) == 64:
            digits = item.encode()
            # This checks digit by digit, because bytes.fromhex also takes capitals and spaces, and
            # an identity must have only one spelling.
            if len(digits) == 64 and all([digit in _HEX_DIGITS for digit in digits]):
                return bytes.fromhex(item)
        raise reasons.Refused(reasons.BAD_FIELD, "expected 64 lower-case hexadecimal digits")


class SoftwareVersion(Field):
    """swversion of RFC 9711 §4.2.7: an array whose first entry is the version text."""

    def to_wire(self, value):
        if not is_printable(value, MAX_VERSION_BYTES):
            raise ValueError("expected a version of 1 to 32 printable characters")
        return [value]

    def from_wire(self, item):
        if isinstance(item, list) and len(item) == 1 and is_printable(item[0], MAX_VERSION_BYTES):
            return item[0]
        raise reasons.Refused(reasons.BAD_FIELD, "expected [version], 1 to 32 printable characters")


class Readings(Field):
    """Sensor readings: a map of names to signed 32-bit integers (floats differ per runtime)."""

    expected = "up to 16 readings, names of 1 to 23 printable characters, signed 32-bit values"

    def accepts(self, item):
        if not isinstance(item, dict) or len(item) > MAX_READINGS:
            return False
        for name, value in item.items():
            if not is_printable(name, MAX_READING_NAME_BYTES):
                return False
            if isinstance(value, bool) or not isinstance(value, int):
                return False
            if not -0x80000000 <= value <= 0x7FFFFFFF:
                return False
        return True


# Ascending encoded keys: non-negative first, then negative (RFC 8949 §4.2.1).
CLAIMS = Record(
    (3, "audience", Audience()),
    (10, "beacon", DIGEST),
    (256, "device_id", Ueid()),
    (261, "uptime_s", Uint()),
    (267, "boot_count", Uint()),
    (271, "software_version", SoftwareVersion()),
    (-65537, "counter", COUNTER),
    (-65538, "readings", Readings()),
    (-65539, "environment", Uint(2, 1)),
)

DEFINITIONS = (
    Definition(
        EVIDENCE,
        "Evidence",
        DEVICE,
        kinds.EVIDENCE,
        CLAIMS,
        reasons.OF_DEVICES
        + (
            reasons.UNKNOWN_DEVICE,
            reasons.STALE_BEACON,
            reasons.REPLAYED,
            reasons.OUT_OF_ORDER,
            reasons.COUNTER_TOO_HIGH,
        ),
    ),
    Definition(
        ATTESTATION_RESULT,
        "AttestationResult",
        GATEWAY,
        kinds.RESULT,
        Record(
            (1, "gateway_id", DIGEST),
            (2, "device_id", DIGEST),
            (3, "subject", DIGEST),
            (4, "allow", Flag()),
            (5, "reason", Uint(255)),
            (6, "mode", Uint(1)),
            (7, "age_s", Nullable(Uint())),
            (8, "policy_version", Uint()),
            (9, "revocation_epoch", Uint()),
            (10, "counter", COUNTER),
        ),
    ),
    Definition(
        RECEIPT,
        "Receipt",
        GATEWAY,
        kinds.RECEIPT,
        Record(
            (1, "gateway_id", DIGEST),
            (2, "device_id", DIGEST),
            (3, "subject", DIGEST),
            (4, "result_digest", DIGEST),
            (5, "sequence", SEQUENCE),
            (6, "leaf_index", Uint()),
            (7, "tree_size", Uint(UINT32_MAX, 1)),
            (8, "batch_root", DIGEST),
            (9, "inclusion_proof", Hashes(MAX_PROOF_HASHES)),
            (10, "chain_id", COUNTER),
            (11, "contract", ADDRESS),
            (12, "block_number", SEQUENCE),
            (13, "transaction_hash", DIGEST),
        ),
    ),
)
