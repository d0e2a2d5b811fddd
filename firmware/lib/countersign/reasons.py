"""Reason codes: the numbers on the wire that say why a message was refused.

The codes are frozen. A number never changes its meaning and is never reused, not even after its
reason has gone, because devices in the field and archived verdicts outlive every release. A new
reason takes a new number in its group of ten: 1x form, 2x origin, 3x freshness, 4x appraisal, 5x
the gateway itself. PROTOCOL.md, section 7, says what each code means.
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
BAD_NEXT_KEY = 26

STALE_BEACON = 30
REPLAYED = 31
OUT_OF_ORDER = 32
UNKNOWN_CHALLENGE = 33
COUNTER_TOO_HIGH = 34

SUSPENDED = 40
REVOKED = 41
QUARANTINED = 42
POLICY_DENIED = 43
EMULATED_REFUSED = 44
NOT_ADMITTED = 45
AWAITING_APPROVAL = 46
ENROLMENTS_SPENT = 47

BUSY = 50
INTERNAL = 51

# Any message may be refused for these reasons. Each message's definition lists its others.
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
# Every message of a device may also be refused for these reasons.
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
    BAD_NEXT_KEY: "BAD_NEXT_KEY",
    STALE_BEACON: "STALE_BEACON",
    REPLAYED: "REPLAYED",
    OUT_OF_ORDER: "OUT_OF_ORDER",
    UNKNOWN_CHALLENGE: "UNKNOWN_CHALLENGE",
    COUNTER_TOO_HIGH: "COUNTER_TOO_HIGH",
    SUSPENDED: "SUSPENDED",
    REVOKED: "REVOKED",
    QUARANTINED: "QUARANTINED",
    POLICY_DENIED: "POLICY_DENIED",
    EMULATED_REFUSED: "EMULATED_REFUSED",
    NOT_ADMITTED: "NOT_ADMITTED",
    AWAITING_APPROVAL: "AWAITING_APPROVAL",
    ENROLMENTS_SPENT: "ENROLMENTS_SPENT",
    BUSY: "BUSY",
    INTERNAL: "INTERNAL",
}


class Refused(Exception):
    """A message was refused. That is an ordinary event, not a fault of this program.

    reason: one of the codes above, which the sender may learn.
    detail: words for the log, never for the wire. They say where and what was expected. They must
    not quote the message, which an attacker may have written, nor anything secret.
    """

    def __init__(self, reason: int, detail: str = ""):
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self):
        name = NAMES.get(self.reason, str(self.reason))
        return name + ": " + self.detail if self.detail else name
