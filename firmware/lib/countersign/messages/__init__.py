# ruff: noqa: F401 - callers name what they use through this package
"""Every message, as one table, and the two functions that make and read messages.

Each family has one file, and each message one entry there. carriers/kinds.py says what carries a
message. envelope.py defines what all messages have in common.
"""

from countersign.messages import attestation, enrolment, errors, governance
from countersign.messages.attestation import (
    ATTESTATION_RESULT,
    EVIDENCE,
    MODE_DEGRADED,
    MODE_NAMES,
    MODE_ONLINE,
    RECEIPT,
    commitment,
)
from countersign.messages.enrolment import ENROL_CHALLENGE, ENROL_PROOF, ENROL_REQUEST
from countersign.messages.envelope import (
    DEVICE,
    Message,
    Table,
    digest,
    signing_digest,
)
from countersign.messages.errors import ERROR
from countersign.messages.governance import BEACON
from countersign.suites import MAX_MESSAGE_BYTES

DEFINITIONS = (
    enrolment.DEFINITIONS + attestation.DEFINITIONS + governance.DEFINITIONS + errors.DEFINITIONS
)

_TABLE = Table(DEFINITIONS)
BY_TYPE = _TABLE.by_type
seal = _TABLE.seal
open_message = _TABLE.open_message
