"""The results of verification: a verified message, or a refusal with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from countersign.messages.envelope import Definition
from countersign_gateway.model import DeviceRecord, RegistrationOffer, Standing
from countersign_gateway.verification.challenges import Applicant


class Memory(Protocol):
    """The gateway's records: the registry, with the changes of the present group on top."""

    def device(self, device_id: bytes) -> DeviceRecord | None: ...

    def seen(self, device_id: bytes, counter: int, message_digest: bytes) -> bool: ...


class Reading(Protocol):
    """One well-formed message in the one encoding that is allowed: it has passed check 1.

    fields: by name. checked_key: the only key that `signed_by` can answer for, if the signature was
    checked ahead; None if it can answer for any key.
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
    """The message is refused. `detail` is for the log and never leaves the gateway."""

    reason: int
    detail: str
    standing: Standing = Standing.UNVERIFIED


class Speaker(NamedTuple):
    """The claimed sender of a message: the key that must have signed it, and the device's records.

    known: the device's record, if its counter binds this message. This is a tuple because one is
    made for every message, and a frozen dataclass takes twice as long to make.
    """

    public_key: bytes
    known: DeviceRecord | None = None


@dataclass(frozen=True, slots=True)
class VerifiedRequest:
    """A device presents its key and asks to be enrolled. `known`: its record, if it has one."""

    applicant: Applicant
    request_nonce: bytes
    known: DeviceRecord | None


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """A device has answered its challenge. `known`: its record, if it enrolled before.

    offer: the registration that the challenge offered, None on a site without a ledger.
    """

    subject: bytes
    counter: int
    applicant: Applicant
    offer: RegistrationOffer | None
    registration_signature: bytes | None
    known: DeviceRecord | None


@dataclass(frozen=True, slots=True)
class VerifiedEvidence:
    """A known device's claims, which name an accepted beacon. `claims`: fields by name."""

    subject: bytes
    counter: int
    device: DeviceRecord
    claims: dict[str, object]


Verified = VerifiedRequest | VerifiedProof | VerifiedEvidence


class Checks(Protocol):
    """The checks that depend on the type of message: 4 and 5, and 8."""

    unsigned: str  # the detail for the log if check 6 fails

    def speaker(self, reading: Reading, memory: Memory) -> Speaker | Refusal:
        """4. Device, 5. Key. The message is not verified yet: nothing in it may be believed."""
        ...

    def conclude(
        self, reading: Reading, speaker: Speaker, subject: bytes, memory: Memory
    ) -> Verified | Refusal:
        """8. Freshness, and the checks that need a verified signature.

        subject: the SHA-256 of the whole message.
        """
        ...
