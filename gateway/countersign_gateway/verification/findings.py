"""What verification finds: a message that is true, or the reason why it is not believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from countersign.messages.envelope import Definition
from countersign_gateway.model import DeviceRecord
from countersign_gateway.verification.challenges import Applicant, OpenChallenge


class Memory(Protocol):
    """What the gateway remembers; the registry, seen through the group being worked on."""

    def device(self, device_id: bytes) -> DeviceRecord | None: ...

    def seen(self, device_id: bytes, counter: int, message_digest: bytes) -> bool: ...


class Reading(Protocol):
    """One well-formed message in the one encoding that is allowed; check 1 is behind it.

    fields: by name. checked_key: the one key that `signed_by` can answer for, where the signature
    was checked ahead; None where it can answer for any.
    """

    @property
    def definition(self) -> Definition: ...

    @property
    def fields(self) -> dict[str, Any]: ...

    @property
    def checked_key(self) -> bytes | None: ...

    def signed_by(self, public_key: bytes) -> bool:
        """Whether the holder of this key signed exactly these bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """The message is not believed. `detail` is for the log and never leaves the gateway."""

    reason: int
    detail: str


class Speaker(NamedTuple):
    """Who a message says it is from: the key that must have signed it, and what we remember.

    known: the device's entry, if its counter binds this message. opened: the challenge that the
    message names, if it is open. A tuple, since one is made for every message: a frozen dataclass
    takes twice as long to make.
    """

    public_key: bytes
    known: DeviceRecord | None = None
    opened: OpenChallenge | None = None


@dataclass(frozen=True, slots=True)
class VerifiedRequest:
    """A device shows its key and asks to be enrolled. `known`: its entry, if we have one."""

    applicant: Applicant
    request_nonce: bytes
    known: DeviceRecord | None


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """A device has answered its challenge. `known`: its entry, if it enrolled before."""

    subject: bytes
    counter: int
    opened: OpenChallenge
    registration_signature: bytes | None
    known: DeviceRecord | None


@dataclass(frozen=True, slots=True)
class VerifiedEvidence:
    """A known device's claims, made for an accepted beacon. `claims`: fields by name."""

    subject: bytes
    counter: int
    device: DeviceRecord
    claims: dict[str, object]


Verified = VerifiedRequest | VerifiedProof | VerifiedEvidence


class Checks(Protocol):
    """What the verifier asks of one type of message: checks 4 and 5, and check 8."""

    unsigned: str  # the detail for the log where check 6 fails

    def speaker(self, reading: Reading, memory: Memory) -> Speaker | Refusal:
        """4. Device, 5. Key. Nothing here is known to be true yet."""
        ...

    def conclude(
        self, reading: Reading, speaker: Speaker, subject: bytes, memory: Memory
    ) -> Verified | Refusal:
        """8. Freshness, and further checks that only a signed message is given.

        subject: the SHA-256 of the whole message.
        """
        ...
