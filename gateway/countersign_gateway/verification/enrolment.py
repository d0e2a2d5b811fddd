"""Checks 4, 5 and 8 of the two enrolment messages, EnrolRequest and EnrolProof."""

from __future__ import annotations

from collections.abc import Callable

from countersign import identity, reasons, suites
from countersign_gateway.model import RegistrationOffer
from countersign_gateway.verification.challenges import Applicant, Challenges, OpenChallenge
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
        fields = reading.fields

        # 4. Device: it presents itself, so the message holds everything that is needed.
        if fields["suite"] not in suites.SUPPORTED_SUITES:
            return Refusal(reasons.UNSUPPORTED_SUITE, f"suite {fields['suite']}")
        if fields["post_quantum_digest"] != identity.ZERO_DIGEST:
            return Refusal(reasons.BAD_FIELD, "suite 1 has no post-quantum key")

        # 5. Key.
        if not self._public_keys.is_key(fields["public_key"]):
            return Refusal(reasons.WRONG_KEY, "not a point of the curve")
        if identity.device_id(fields["suite"], fields["public_key"]) != fields["device_id"]:
            return Refusal(reasons.WRONG_KEY, "the key does not give this device_id")

        # 7. Counter: a request has none, so there is no record to compare it with.
        return Speaker(fields["public_key"])

    def conclude(
        self, reading: Reading, speaker: Speaker, subject: bytes, memory: Memory
    ) -> VerifiedRequest | Refusal:
        fields = reading.fields

        # A thief of the key must not be able to choose the next key, so the digest that the device
        # gave at its first enrolment stays valid.
        known = memory.device(fields["device_id"])
        if known is not None and known.next_key_digest != fields["next_key_digest"]:
            return Refusal(reasons.WRONG_KEY, "the next key differs from the one committed to")

        # 8. Freshness: the answer to a request is a challenge, so a replayed request gains nothing.
        applicant = Applicant(
            device_id=fields["device_id"],
            suite=fields["suite"],
            public_key=fields["public_key"],
            post_quantum_digest=fields["post_quantum_digest"],
            next_key_digest=fields["next_key_digest"],
            environment=fields["environment"],
        )
        return VerifiedRequest(applicant, fields["request_nonce"], known)


class ProofChecks:
    """findings.Checks of EnrolProof: a device answers its challenge. `clock_s`: since boot."""

    unsigned = "not signed by the applicant's key"

    def __init__(
        self, challenges: Challenges, public_keys: PublicKeys, clock_s: Callable[[], float]
    ) -> None:
        self._challenges = challenges
        self._public_keys = public_keys
        self._clock_s = clock_s

    def speaker(self, reading: Reading, memory: Memory) -> Speaker | Refusal:
        fields = reading.fields

        # 4. Device: it has an open challenge, or it enrolled before.
        opened = self._challenges.find(fields["device_id"], fields["challenge"], self._clock_s())
        known = memory.device(fields["device_id"])
        # 5. Key: check 5 of the request compared it with the identity.
        if opened is not None:
            return Speaker(opened.applicant.public_key, known, opened)
        if known is not None:
            return Speaker(known.public_key, known)
        return Refusal(reasons.UNKNOWN_CHALLENGE, "no open challenge and never enrolled here")

    def conclude(
        self, reading: Reading, speaker: Speaker, subject: bytes, memory: Memory
    ) -> VerifiedProof | Refusal:
        fields = reading.fields

        # 8. Freshness.
        opened = speaker.opened
        if opened is None:
            return Refusal(reasons.UNKNOWN_CHALLENGE, "the challenge is not open")

        # The second signature is for the ledger, which will check it again.
        signature = fields["registration_signature"]
        fault = self._registration_fault(opened, signature)
        if fault is not None:
            return fault
        return VerifiedProof(subject, fields["counter"], opened, signature, speaker.known)

    def _registration_fault(self, opened: OpenChallenge, signature: bytes | None) -> Refusal | None:
        """The refusal if the signature for the ledger is missing, unwanted or false; else None."""
        offer = opened.offer
        if (signature is None) != (offer is None):
            return Refusal(reasons.BAD_FIELD, "registration_signature does not fit the challenge")
        if signature is None or offer is None:
            return None
        applicant = opened.applicant
        digest = registration_digest(offer, applicant)
        if not self._public_keys.verify(applicant.public_key, digest, signature):
            return Refusal(reasons.BAD_SIGNATURE, "the statement for the ledger is not signed")
        return None


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
