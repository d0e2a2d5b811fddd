"""Why a message was refused: the codes that stand on the wire.

The codes are frozen. A number never changes its meaning and is never reused, not even after its
reason has gone: devices in the field and archived verdicts outlive every release. A new reason
takes a new number in its group of ten: 1x form, 2x origin, 3x freshness, 4x appraisal, 5x the
gateway itself. PROTOCOL.md, section 7, says what each one means.
"""

ACCEPTED = 0

MALFORMED = 10
TRUNCATED = 11
OVERSIZED = 12
OVER_DEEP = 13
NON_CANONICAL = 14
TRAILING_BYTES = 15
UNKNOWN_MESSAGE = 16
BAD_FIELD = 17

WRONG_TOPIC = 20
WRONG_AUDIENCE = 21
UNKNOWN_DEVICE = 22
WRONG_KEY = 23
BAD_SIGNATURE = 24
UNSUPPORTED_SUITE = 25

STALE_BEACON = 30
REPLAYED = 31
OUT_OF_ORDER = 32
UNKNOWN_CHALLENGE = 33

SUSPENDED = 40
REVOKED = 41
QUARANTINED = 42
POLICY_DENIED = 43
EMULATED_REFUSED = 44

BUSY = 50
INTERNAL = 51

# Why any message may be refused, whatever it is. Each definition of a message lists the others.
OF_ANY = (
    MALFORMED,
    TRUNCATED,
    OVERSIZED,
    OVER_DEEP,
    NON_CANONICAL,
    TRAILING_BYTES,
    UNKNOWN_MESSAGE,
    BAD_FIELD,
    WRONG_TOPIC,
    BUSY,
    INTERNAL,
)
# Why every message of a device may be refused, in addition.
OF_DEVICES = (
    WRONG_AUDIENCE,
    BAD_SIGNATURE,
    SUSPENDED,
    REVOKED,
    QUARANTINED,
    POLICY_DENIED,
    EMULATED_REFUSED,
)

NAMES = {
    ACCEPTED: "ACCEPTED",
    MALFORMED: "MALFORMED",
    TRUNCATED: "TRUNCATED",
    OVERSIZED: "OVERSIZED",
    OVER_DEEP: "OVER_DEEP",
    NON_CANONICAL: "NON_CANONICAL",
    TRAILING_BYTES: "TRAILING_BYTES",
    UNKNOWN_MESSAGE: "UNKNOWN_MESSAGE",
    BAD_FIELD: "BAD_FIELD",
    WRONG_TOPIC: "WRONG_TOPIC",
    WRONG_AUDIENCE: "WRONG_AUDIENCE",
    UNKNOWN_DEVICE: "UNKNOWN_DEVICE",
    WRONG_KEY: "WRONG_KEY",
    BAD_SIGNATURE: "BAD_SIGNATURE",
    UNSUPPORTED_SUITE: "UNSUPPORTED_SUITE",
    STALE_BEACON: "STALE_BEACON",
    REPLAYED: "REPLAYED",
    OUT_OF_ORDER: "OUT_OF_ORDER",
    UNKNOWN_CHALLENGE: "UNKNOWN_CHALLENGE",
    SUSPENDED: "SUSPENDED",
    REVOKED: "REVOKED",
    QUARANTINED: "QUARANTINED",
    POLICY_DENIED: "POLICY_DENIED",
    EMULATED_REFUSED: "EMULATED_REFUSED",
    BUSY: "BUSY",
    INTERNAL: "INTERNAL",
}


class Refused(Exception):
    """A message was refused: an ordinary event, not a fault of ours.

    reason: one of the codes above, what the sender may be told.
    detail: words for the log, never for the wire. Says where and what was expected; it must not
    quote the message, which an attacker wrote, nor anything secret.
    """

    def __init__(self, reason: int, detail: str = ""):
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self):
        name = NAMES.get(self.reason, str(self.reason))
        return name + ": " + self.detail if self.detail else name
