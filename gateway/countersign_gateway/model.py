"""The plain values that pass between the gateway's stages.

Nothing here does anything. Every stage may import this file; it imports no stage.
Digests and identities are 32 raw bytes, EVM addresses and owners 20 raw bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

# Signed revocation epochs are not issued yet (PROTOCOL.md, section 9).
REVOCATION_EPOCH = 0


class OperatorError(Exception):
    """Something that a person can mend: the text says what and where, in plain sentences.

    The program prints the text and ends with status 1. Every other exception is a defect.
    """


class Status(IntEnum):
    """Where a device stands. The numbers are stored: never renumber, never reuse."""

    ENROLLED = 1  # it proved its key and is known; no evidence has been accepted yet
    ACTIVE = 2
    SUSPENDED = 3
    QUARANTINED = 4  # life-critical devices are set aside and alarmed, never cut
    REVOKED = 5  # final


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old upstream knowledge is.

    mode: messages.MODE_ONLINE or MODE_DEGRADED. age_s: whole seconds, None for never.
    """

    mode: int
    age_s: int | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message as the transport delivered it: nothing in it is trusted.

    device_id: the 32 bytes that the topic names, or None where it named none.
    kind: "enrol" or "evidence", from the topic; "" where the topic is not one of ours.
    acknowledge: the transport's own acknowledgement (PUBACK). It is called exactly once, from any
    thread, when what the message caused is durable or when nothing will ever come of it.
    """

    device_id: bytes | None
    kind: str
    payload: bytes
    acknowledge: Callable[[], None]


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """What the gateway knows of one device."""

    device_id: bytes
    suite: int
    public_key: bytes  # x-only, 32 bytes
    post_quantum_digest: bytes
    next_key_digest: bytes
    owner: bytes  # 20 bytes: who answers for it
    device_class: int
    environment: int  # identity.ENVIRONMENT_HARDWARE or ENVIRONMENT_EMULATED
    status: Status
    counter: int  # the last one accepted; the next must be greater


@dataclass(frozen=True, slots=True)
class RegistrationOffer:
    """What the ledger is to hold of a device: offered with a challenge, for the device to sign."""

    chain_id: int
    contract: bytes
    owner: bytes
    device_class: int


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A device that has just proved its key.

    registration_signature: the 64-byte proof for the on-chain registry, or None without a ledger.
    """

    device: DeviceRecord
    registration_signature: bytes | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes durable: one for each message that verified, allowed or denied.

    message, result: the exact bytes received and the exact signed bytes answered.
    commitment: the 32-byte Merkle leaf input made of the two.
    enrolment: set where this decision makes the device known (its device carries `counter` too).
    status: set where governance/lifecycle moved the device with this message; it is stored in the
    same transaction. None leaves the status alone.
    """

    device_id: bytes
    counter: int
    message: bytes
    result: bytes
    commitment: bytes
    enrolment: Enrolment | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One message for one device. kind: "challenge", "result", "receipt" or "error"."""

    device_id: bytes
    kind: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Commitments first_position … first_position + size - 1 under one Merkle root.

    sequence starts at 1; head is sha256(previous_head ‖ root ‖ size as 4 bytes big-endian).
    """

    sequence: int
    first_position: int
    size: int
    root: bytes
    previous_head: bytes
    head: bytes


@dataclass(frozen=True, slots=True)
class Anchored:
    """A batch that the ledger has finalized."""

    sequence: int
    root: bytes
    size: int
    chain_id: int
    contract: bytes
    block_number: int
    transaction_hash: bytes
