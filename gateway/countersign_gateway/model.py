"""The plain values that pass between the gateway's stages.

This file has data types and no behaviour. Every stage may import it; it imports no stage.
Digests and identities are 32 raw bytes, EVM addresses and owners 20 raw bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

# Signed revocation epochs are not issued yet (PROTOCOL.md, section 9).
REVOCATION_EPOCH = 0


# The origin of a message that came through the broker. That of a serial line is the line's URL.
BROKER = "broker"


class OperatorError(Exception):
    """An error that a person can mend: the text says what is wrong and where.

    The program prints the text and ends with status 1. Every other exception is a defect.
    """


class Status(IntEnum):
    """A device's lifecycle status. The numbers are stored: never renumber, never reuse."""

    ENROLLED = 1  # the device proved its key; no evidence has been accepted yet
    ACTIVE = 2
    SUSPENDED = 3
    QUARANTINED = 4  # of life-critical devices: set aside and alarmed, never cut off
    REVOKED = 5  # final


class Standing(IntEnum):
    """What verification has shown of a refused message's sender. Errors have a budget for each.

    Somebody who can cause one kind must not use up what the others need.
    """

    UNVERIFIED = 1  # anybody may have sent it
    SPENT = 2  # the device made it, but its counter is used: anybody may have sent it again
    SIGNED = 3  # the device made it, and it has no counter: anybody may have sent it again
    FRESH = 4  # the device made it, with a counter that it has not used


class EnrolmentMode(StrEnum):
    """Who may enrol; governance/admission.py says what each means."""

    LISTED = "listed"
    APPROVE = "approve"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the gateway's knowledge from upstream is.

    mode: messages.MODE_ONLINE or MODE_DEGRADED. age_s: whole seconds; None if there
    was no contact since the gateway started.
    """

    mode: int
    age_s: int | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message as the transport delivered it. Nothing in it is trusted.

    device_id: the 32 bytes that the topic names, or None where it named none.
    kind: "enrol" or "evidence", from the topic; "" where the topic is not one of ours.
    acknowledge: sends the transport's own acknowledgement (PUBACK). The gateway calls it exactly
    once, from any thread: when the effect of the message is durable, or when it has no effect.
    origin: where it came from, and where its answer goes: BROKER, or a serial line's URL.
    account: the account, where strangers share one. There the message itself names the device, and
    anybody may have written any name.
    """

    device_id: bytes | None
    kind: str
    payload: bytes
    acknowledge: Callable[[], None]
    origin: str = field(default=BROKER, kw_only=True)
    account: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """What the gateway knows of one device."""

    device_id: bytes
    suite: int
    public_key: bytes  # x-only, 32 bytes
    post_quantum_digest: bytes
    next_key_digest: bytes
    owner: bytes  # 20 bytes: the account that answers for the device
    device_class: int
    environment: int  # identity.ENVIRONMENT_HARDWARE or ENVIRONMENT_EMULATED
    status: Status
    counter: int  # the last accepted counter; the next one must be greater


@dataclass(frozen=True, slots=True)
class Admission:
    """That one device may enrol here, and as what. It stays when the device has enrolled.

    next_key_digest: the digest that the device must commit to, or None for any. name: what people
    call the device, 1 to 64 printable characters. owner: None for the site's. valid_until_s: when
    the admission ends for a device that has not enrolled (seconds since the epoch), or None.
    admitted_by: who admitted it, in words. admitted_s: when, in seconds since the epoch.
    """

    device_id: bytes
    suite: int
    public_key: bytes
    next_key_digest: bytes | None
    name: str
    device_class: int
    owner: bytes | None
    valid_until_s: int | None
    admitted_by: str
    admitted_s: int


@dataclass(frozen=True, slots=True)
class EnrolmentWish:
    """A verified request of a device that is not admitted.

    asked_s: seconds since the epoch. source: the lobby account or the serial line that it came by.
    """

    device_id: bytes
    suite: int
    public_key: bytes
    next_key_digest: bytes
    environment: int
    asked_s: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did at the gateway's own machine, for the record.

    at_s: seconds since the epoch, as the wall clock said. at_monotonic_s: seconds of this machine's
    monotonic clock, which nobody can set. uid: the user of the process that asked. device_id: None
    for an act on the site. detail: what was asked for, and what it changed, in words.
    """

    at_s: float
    at_monotonic_s: float
    uid: int
    name: str
    device_id: bytes | None
    detail: str


@dataclass(frozen=True, slots=True)
class RegistrationOffer:
    """A device's future entry on the ledger: sent with a challenge, for the device to sign."""

    chain_id: int
    contract: bytes
    owner: bytes
    device_class: int


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A device that has just proved its key.

    registration_signature: the 64-byte proof for the on-chain registry, or None without a ledger.
    admission: one to store with the enrolment, if the device had none, or None.
    """

    device: DeviceRecord
    registration_signature: bytes | None
    admission: Admission | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The durable outcome of one message that verified, whether allowed or denied.

    message, result: the exact bytes received, and the exact signed bytes of the answer.
    commitment: the 32-byte input of the Merkle leaf, made from `message` and `result`.
    enrolment: set if this decision enrols the device (the enrolment's device has the same counter).
    status: the new status, if governance/lifecycle changed it for this message; the registry stores
    it in the same transaction. None leaves the status unchanged.
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
    """One message for one device. kind: "challenge", "result", "receipt" or "error".

    origin: that of the message that it answers. None for a message that nobody asked for: it goes
    where the device's last result went.
    """

    device_id: bytes
    kind: str
    payload: bytes
    origin: str | None = None


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
