"""1x, enrolment: a device presents its key, gets a challenge, and proves that it holds the key.

The proof says again what the request presented and what the challenge offered. So it can be checked
by itself: a gateway keeps nothing between the two, and an auditor needs this one message.
"""

from countersign import reasons
from countersign.carriers import kinds
from countersign.fields import ADDRESS, COUNTER, DIGEST, Bytes, Nullable, Record, Uint
from countersign.messages.envelope import DEVICE, GATEWAY, Definition
from countersign.suites import SECP256K1

ENROL_REQUEST = 10
ENROL_CHALLENGE = 11
ENROL_PROOF = 12

REGISTRATION = Record(
    (1, "chain_id", COUNTER),
    (2, "contract", ADDRESS),
    (3, "owner", ADDRESS),
    (4, "device_class", Uint(255)),
)

# What a device presents, in the request and in the proof.
_PRESENTED = (
    (1, "device_id", DIGEST),
    (2, "suite", Uint(255)),
    (3, "public_key", Bytes(SECP256K1.public_key_bytes)),
    (4, "post_quantum_digest", DIGEST),
    (5, "next_key_digest", DIGEST),
    (6, "audience", DIGEST),
    (7, "environment", Uint(2, 1)),
)
_OF_PRESENTED = reasons.OF_DEVICES + (
    reasons.UNSUPPORTED_SUITE,
    reasons.WRONG_KEY,
    reasons.BAD_NEXT_KEY,
    # A site's enrolment is closed unless a person opened it (PROTOCOL.md, section 6.1).
    reasons.NOT_ADMITTED,
    reasons.AWAITING_APPROVAL,
    reasons.ENROLMENTS_SPENT,
)

DEFINITIONS = (
    Definition(
        ENROL_REQUEST,
        "EnrolRequest",
        DEVICE,
        kinds.ENROL,
        Record(*(_PRESENTED + ((8, "request_nonce", DIGEST),))),
        _OF_PRESENTED,
    ),
    Definition(
        ENROL_CHALLENGE,
        "EnrolChallenge",
        GATEWAY,
        kinds.CHALLENGE,
        Record(
            (1, "gateway_id", DIGEST),
            (2, "device_id", DIGEST),
            (3, "request_nonce", DIGEST),
            (4, "challenge", DIGEST),
            (5, "registration", Nullable(REGISTRATION)),
        ),
    ),
    Definition(
        ENROL_PROOF,
        "EnrolProof",
        DEVICE,
        kinds.ENROL,
        Record(
            *(
                _PRESENTED
                + (
                    (8, "challenge", DIGEST),
                    (9, "counter", COUNTER),
                    (10, "registration", Nullable(REGISTRATION)),
                    # The ledger verifies this signature, and supports suite 1 alone.
                    (11, "registration_signature", Nullable(Bytes(SECP256K1.signature_bytes))),
                )
            )
        ),
        _OF_PRESENTED
        + (
            reasons.REPLAYED,
            reasons.OUT_OF_ORDER,
            reasons.UNKNOWN_CHALLENGE,
            reasons.COUNTER_TOO_HIGH,
        ),
    ),
)
