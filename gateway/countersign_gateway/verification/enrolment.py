"""Checks 4, 5 and 8 of the two enrolment messages, EnrolRequest and EnrolProof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from countersign import identity, reasons, suites
from countersign_gateway.model import RegistrationOffer
from countersign_gateway.verification.challenges import Applicant, Challenges
from countersign_gateway.verification.findings import (
    Memory,
    Reading,
    Refusal,
    Speaker,
    VerifiedProof,
    VerifiedRequest,
)
from countersign_gateway.verification.public_keys import PublicKeys


class RequestChecks:
    """findings.Checks of EnrolRequest: a device presents its key and asks to be enrolled."""

    unsigned = "not signed by the key it presents"

    def __init__(self, public_keys: PublicKeys) -> None:
        self._public_keys = public_keys

    def speaker(self, reading: Reading, memory: Memory) -> Speaker | Refusal:
        # 4. Device, 5. Key.
        fault = _presentation_fault(reading.fields, self._public_keys)
        # 7. Counter: a request has none, so there is no record to compare it with.
        return fault or Speaker(reading.fields["public_key"])

    def conclude(
        self, reading: Reading, speaker: Speaker, subject: bytes, memory: Memory
    ) -> VerifiedRequest | Refusal:
        fields = reading.fields
        known = memory.device(fields["device_id"])
        if known is not None and known.next_key_digest != fields["next_key_digest"]:
            return _ANOTHER_NEXT_KEY
        # 8. Freshness: the answer to a request is a challenge, so a replayed request gains nothing.
        return VerifiedRequest(_applicant(fields), fields["request_nonce"], known)


class ProofChecks:
    """findings.Checks of EnrolProof: a device answers its challenge. `clock_s`: since boot."""

    unsigned = "not signed by the key it presents"

    def __init__(
        self, challenges: Challenges, public_keys: PublicKeys, clock_s: Callable[[], float]
    ) -> None:
        self._challenges = challenges
        self._public_keys = public_keys
        self._clock_s = clock_s

    def speaker(self, reading: Reading, memory: Memory) -> Speaker | Refusal:
        # 4. Device, 5. Key: a proof presents the device again, as its request did.
        fault = _presentation_fault(reading.fields, self._public_keys)
        if fault is not None:
            return fault
        return Speaker(reading.fields["public_key"], memory.device(reading.fields["device_id"]))

    def conclude(
        self, reading: Reading, speaker: Speaker, subject: bytes, memory: Memory
    ) -> VerifiedProof | Refusal:
        fields, known = reading.fields, speaker.known
        if known is not None and known.next_key_digest != fields["next_key_digest"]:
            return _ANOTHER_NEXT_KEY

        # 8. Freshness.
        applicant = _applicant(fields)
        registration = fields["registration"]
        offer = None if registration is None else RegistrationOffer(**registration)
        counter = 0 if known is None else known.counter
        if not self._challenges.accepts(
            fields["challenge"], applicant, offer, counter, self._clock_s()
        ):
            return Refusal(reasons.UNKNOWN_CHALLENGE, "no challenge of this run, used, or too old")

        # The second signature is for the ledger, which will check it again.
        signature = fields["registration_signature"]
        fault = self._registration_fault(applicant, offer, signature)
        if fault is not None:
            return fault
        return VerifiedProof(subject, fields["counter"], applicant, offer, signature, known)

    def _registration_fault(
        self, applicant: Applicant, offer: RegistrationOffer | None, signature: bytes | None
    ) -> Refusal | None:
        """The refusal if the signature for the ledger is missing, unwanted or false; else None."""
        if (signature is None) != (offer is None):
            return Refusal(reasons.BAD_FIELD, "registration_signature does not fit the challenge")
        if signature is None or offer is None:
            return None
        digest = registration_digest(offer, applicant)
        if not self._public_keys.verify(applicant.public_key, digest, signature):
            return Refusal(reasons.BAD_SIGNATURE, "the statement for the ledger is not signed")
        return None


# A thief of the key must not be able to choose the next key, so the digest that the device gave at
# its first enrolment stays valid.
_ANOTHER_NEXT_KEY = Refusal(reasons.WRONG_KEY, "the next key differs from the one committed to")


def _presentation_fault(fields: dict[str, Any], public_keys: PublicKeys) -> Refusal | None:
    """Checks 4 and 5 of a message in which a device presents itself, and so all that is needed."""
    if fields["suite"] not in suites.SUPPORTED_SUITES:
        return Refusal(reasons.UNSUPPORTED_SUITE, f"suite {fields['suite']}")
    if fields["post_quantum_digest"] != identity.ZERO_DIGEST:
        return Refusal(reasons.BAD_FIELD, "suite 1 has no post-quantum key")
    if not public_keys.is_key(fields["public_key"]):
        return Refusal(reasons.WRONG_KEY, "not a point of the curve")
    if identity.device_id(fields["suite"], fields["public_key"]) != fields["device_id"]:
        return Refusal(reasons.WRONG_KEY, "the key does not give this device_id")
    # A next key that is none, or the present one, could never be revealed by a rotation.
    present = identity.next_key_digest(fields["suite"], fields["public_key"])
    if fields["next_key_digest"] in (identity.ZERO_DIGEST, present):
        return Refusal(reasons.BAD_NEXT_KEY, "commits to no next key, or to the present one")
    return None


def _applicant(fields: dict[str, Any]) -> Applicant:
    return Applicant(
        device_id=fields["device_id"],
        suite=fields["suite"],
        public_key=fields["public_key"],
        post_quantum_digest=fields["post_quantum_digest"],
        next_key_digest=fields["next_key_digest"],
        environment=fields["environment"],
    )


def registration_digest(offer: RegistrationOffer, applicant: Applicant) -> bytes:
    """The 32-byte digest that the applicant must sign so that the ledger can record it."""
    digest: bytes = identity.registration_digest(
        offer.chain_id,
        offer.contract,
        applicant.device_id,
        offer.owner,
        offer.device_class,
        applicant.next_key_digest,
    )
    return digest
