"""Is this message true? The file to read first.

A device's message is believed when it passes these checks, in this order, and is refused with the
reason of the first that fails (PROTOCOL.md, section 7):

    1. encoding    one well-formed message in the one allowed encoding    10…17
    2. topic       it came where its sender and its type belong           WRONG_TOPIC
    3. audience    it was made for this gateway                           WRONG_AUDIENCE
    4. device      we know the device, or it is presenting itself         UNKNOWN_DEVICE
    5. key         the identity is the digest of the key                  WRONG_KEY
    6. signature   the holder of that key signed exactly these bytes      BAD_SIGNATURE
    ── from here on we know who is speaking, and only now say what we remember of them ──
    7. counter     newer than everything accepted from this device        REPLAYED, OUT_OF_ORDER
    8. freshness   made for a beacon or a challenge that is open          STALE_BEACON, …

What a true message leads to (a suspended device, a policy) is not decided here: see governance.
Check 4 must come before 5 and 6, since it finds the key; identifiers are public (section 9).

The verifier keeps no state of its own beyond parsed keys. It closes no challenge and moves no
counter: its caller does, once it is sure to record what was verified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from countersign import identity, messages, reasons, suites
from countersign_gateway.model import DeviceRecord, Envelope
from countersign_gateway.verification import codec
from countersign_gateway.verification.beacons import Beacons
from countersign_gateway.verification.challenges import (
    Applicant,
    Challenges,
    OpenChallenge,
    RegistrationOffer,
)
from countersign_gateway.verification.public_keys import PublicKeys
from countersign_gateway.verification.read_ahead import Examined


class Memory(Protocol):
    """What the gateway remembers; the registry, seen through the group being worked on."""

    def device(self, device_id: bytes) -> DeviceRecord | None: ...

    def seen(self, device_id: bytes, counter: int, message_digest: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """The message is not believed. `detail` is for the log and never leaves the gateway."""

    reason: int
    detail: str


@dataclass(frozen=True, slots=True)
class VerifiedRequest:
    """A device shows its key and asks to be enrolled. `known`: its record, if we have one."""

    applicant: Applicant
    request_nonce: bytes
    known: DeviceRecord | None


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """A device has answered its challenge. `known`: its record, if it enrolled before."""

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


class Verifier:
    """Used by one thread. `clock_s` is monotonic."""

    def __init__(
        self,
        site_gateway_id: bytes,
        beacons: Beacons,
        challenges: Challenges,
        clock_s: Callable[[], float],
        public_keys: PublicKeys | None = None,
    ) -> None:
        self._gateway_id = site_gateway_id
        self._beacons = beacons
        self._challenges = challenges
        self._clock_s = clock_s
        self._public_keys = public_keys or PublicKeys()

    def verify(self, envelope: Envelope, memory: Memory) -> Verified | Refusal:
        if isinstance(envelope, Examined):
            return self._examined(envelope, memory)

        # 1. Encoding.
        try:
            message = codec.open_message(envelope.payload)
        except reasons.Refused as refused:
            return Refusal(refused.reason, refused.detail)
        fields = message.fields

        definition = message.definition

        # 2. Topic. Only a device's own messages have a kind that a device's topic can end in.
        if definition.kind.name != envelope.kind or definition.sender != messages.DEVICE:
            return Refusal(reasons.WRONG_TOPIC, f"{message.name} on {envelope.kind or 'no topic'}")
        if fields["device_id"] != envelope.device_id:
            return Refusal(reasons.WRONG_TOPIC, "topic and message name different devices")

        # 3. Audience.
        if fields["audience"] != self._gateway_id:
            return Refusal(reasons.WRONG_AUDIENCE, "made for another gateway")

        # 4…8 differ in where the key comes from and in what makes the message fresh.
        if message.type == messages.EVIDENCE:
            return self._evidence(message, envelope, memory)
        if message.type == messages.ENROL_REQUEST:
            return self._request(message, memory)
        if message.type == messages.ENROL_PROOF:
            return self._proof(message, envelope, memory)
        return Refusal(reasons.UNKNOWN_MESSAGE, f"{message.name} is not for a gateway")

    def _evidence(
        self, message: messages.Message, envelope: Envelope, memory: Memory
    ) -> VerifiedEvidence | Refusal:
        claims = message.fields

        # 4. Device.
        device = memory.device(claims["device_id"])
        if device is None:
            return Refusal(reasons.UNKNOWN_DEVICE, "never enrolled here")

        # 5. Key: the record's, which was checked against the identity at enrolment.
        # 6. Signature.
        if not self._signed_by(device.public_key, message):
            return Refusal(reasons.BAD_SIGNATURE, "not signed by the device's key")

        return self._new_evidence(claims, device, envelope, memory)

    def _examined(self, envelope: Examined, memory: Memory) -> Verified | Refusal:
        """Checks 1 and 6 were made ahead, as was all of check 2 but this."""
        claims = envelope.claims
        if claims["device_id"] != envelope.device_id:
            return Refusal(reasons.WRONG_TOPIC, "topic and message name different devices")

        # 3. Audience.
        if claims["audience"] != self._gateway_id:
            return Refusal(reasons.WRONG_AUDIENCE, "made for another gateway")

        # 4. Device, 5. Key: still the one that the signature was checked against.
        device = memory.device(claims["device_id"])
        if device is None or device.public_key != envelope.public_key:
            return Refusal(reasons.UNKNOWN_DEVICE, "no longer enrolled here with this key")

        # 6. Signature.
        if not envelope.genuine:
            return Refusal(reasons.BAD_SIGNATURE, "not signed by the device's key")

        return self._new_evidence(claims, device, envelope, memory)

    def _new_evidence(
        self, claims: dict[str, Any], device: DeviceRecord, envelope: Envelope, memory: Memory
    ) -> VerifiedEvidence | Refusal:
        # 7. Counter.
        subject = messages.digest(envelope.payload)
        stale = _not_newer(claims["counter"], device, subject, memory)
        if stale is not None:
            return stale

        # 8. Freshness.
        if not self._beacons.accepts(claims["beacon"]):
            return Refusal(reasons.STALE_BEACON, "neither the current beacon nor the one before")

        return VerifiedEvidence(subject, claims["counter"], device, claims)

    def _request(self, message: messages.Message, memory: Memory) -> VerifiedRequest | Refusal:
        fields = message.fields

        # 4. Device: it presents itself, so everything needed stands in the message.
        if fields["suite"] not in suites.SUPPORTED_SUITES:
            return Refusal(reasons.UNSUPPORTED_SUITE, f"suite {fields['suite']}")
        if fields["post_quantum_digest"] != identity.ZERO_DIGEST:
            return Refusal(reasons.BAD_FIELD, "suite 1 has no post-quantum key")

        # 5. Key.
        if not self._public_keys.is_key(fields["public_key"]):
            return Refusal(reasons.WRONG_KEY, "not a point of the curve")
        if identity.device_id(fields["suite"], fields["public_key"]) != fields["device_id"]:
            return Refusal(reasons.WRONG_KEY, "the key does not give this device_id")

        # 6. Signature.
        if not self._signed_by(fields["public_key"], message):
            return Refusal(reasons.BAD_SIGNATURE, "not signed by the key it presents")

        # A key that was stolen must not be able to choose its own successor: what the device
        # committed to at its first enrolment stands.
        known = memory.device(fields["device_id"])
        if known is not None and known.next_key_digest != fields["next_key_digest"]:
            return Refusal(reasons.WRONG_KEY, "the next key differs from the one committed to")

        # 7, 8. A request moves nothing and is answered by a challenge: it needs neither.
        applicant = Applicant(
            device_id=fields["device_id"],
            suite=fields["suite"],
            public_key=fields["public_key"],
            post_quantum_digest=fields["post_quantum_digest"],
            next_key_digest=fields["next_key_digest"],
            environment=fields["environment"],
        )
        return VerifiedRequest(applicant, fields["request_nonce"], known)

    def _proof(
        self, message: messages.Message, envelope: Envelope, memory: Memory
    ) -> VerifiedProof | Refusal:
        fields = message.fields

        # 4. Device: one whose request we hold, or one that enrolled before.
        opened = self._challenges.find(fields["device_id"], fields["challenge"], self._clock_s())
        known = memory.device(fields["device_id"])
        if opened is not None:
            public_key = opened.applicant.public_key
        elif known is not None:
            public_key = known.public_key
        else:
            return Refusal(reasons.UNKNOWN_CHALLENGE, "no open challenge and never enrolled here")

        # 5. Key: it was checked against the identity when the request came.
        # 6. Signature, and the second one that the ledger will check again.
        if not self._signed_by(public_key, message):
            return Refusal(reasons.BAD_SIGNATURE, "not signed by the applicant's key")

        # 7. Counter.
        subject = messages.digest(envelope.payload)
        if known is not None:
            stale = _not_newer(fields["counter"], known, subject, memory)
            if stale is not None:
                return stale

        # 8. Freshness.
        if opened is None:
            return Refusal(reasons.UNKNOWN_CHALLENGE, "the challenge is not open")
        fault = self._registration_fault(opened, fields["registration_signature"])
        if fault is not None:
            return fault

        return VerifiedProof(
            subject, fields["counter"], opened, fields["registration_signature"], known
        )

    def _registration_fault(self, opened: OpenChallenge, signature: bytes | None) -> Refusal | None:
        """What is wrong with the statement for the ledger, if anything."""
        offered = opened.registration
        if (signature is None) != (offered is None):
            return Refusal(reasons.BAD_FIELD, "registration_signature does not fit the challenge")
        if signature is None or offered is None:
            return None
        applicant = opened.applicant
        if not self._public_keys.verify(
            applicant.public_key, registration_digest(offered, applicant), signature
        ):
            return Refusal(reasons.BAD_SIGNATURE, "the statement for the ledger is not signed")
        return None

    def _signed_by(self, public_key: bytes, message: messages.Message) -> bool:
        return self._public_keys.verify(public_key, message.signing_digest(), message.signature)


def registration_digest(registration: RegistrationOffer, applicant: Applicant) -> bytes:
    """What the applicant must sign (32 bytes) so that the ledger can record it."""
    digest: bytes = identity.registration_digest(
        registration.chain_id,
        registration.contract,
        applicant.device_id,
        registration.owner,
        registration.device_class,
        applicant.next_key_digest,
    )
    return digest


def _not_newer(
    counter: int, device: DeviceRecord, subject: bytes, memory: Memory
) -> Refusal | None:
    if counter > device.counter:
        return None
    if memory.seen(device.device_id, counter, subject):
        return Refusal(reasons.REPLAYED, "accepted before, to the byte")
    return Refusal(reasons.OUT_OF_ORDER, f"counter {counter} after {device.counter}")
