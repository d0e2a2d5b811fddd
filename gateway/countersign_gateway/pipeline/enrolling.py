"""Answers a verified request with a challenge, and a verified proof with a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from countersign_gateway.governance.appraisal import Policy
from countersign_gateway.model import (
    DeviceRecord,
    Enrolment,
    Envelope,
    RegistrationOffer,
    Reply,
    Standing,
    Status,
)
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.tally import Tally
from countersign_gateway.pipeline.deciding import decide
from countersign_gateway.pipeline.group import Group
from countersign_gateway.pipeline.refusing import Refusals
from countersign_gateway.statements import challenge
from countersign_gateway.statements.signer import Signer
from countersign_gateway.verification.challenges import Challenges
from countersign_gateway.verification.findings import Refusal, VerifiedProof, VerifiedRequest


@dataclass(frozen=True, slots=True)
class Terms:
    """Owner, class and ledger of new devices. ledger: (chain_id, DeviceID contract) or None."""

    owner: bytes
    device_class: int
    ledger: tuple[int, bytes] | None

    def offer(self, known: DeviceRecord | None) -> RegistrationOffer | None:
        """The statement that an applicant must sign; a known device keeps owner and class."""
        if self.ledger is None:
            return None
        chain_id, contract = self.ledger
        if known is not None:
            return RegistrationOffer(chain_id, contract, known.owner, known.device_class)
        return RegistrationOffer(chain_id, contract, self.owner, self.device_class)


class Enrolling:
    """Used by the pipeline's thread. `clock_s`: seconds since boot."""

    def __init__(
        self,
        *,
        signer: Signer,
        challenges: Challenges,
        policy: Policy,
        terms: Terms,
        refusals: Refusals,
        log: EventLog,
        tally: Tally,
        clock_s: Callable[[], float],
    ) -> None:
        self._signer = signer
        self._challenges = challenges
        self._policy = policy
        self._terms = terms
        self._refusals = refusals
        self._log = log
        self._tally = tally
        self._clock_s = clock_s

    def request(self, envelope: Envelope, verified: VerifiedRequest, group: Group) -> None:
        applicant = verified.applicant
        appraisal = self._policy.enrolment(applicant.environment, verified.known)
        if not appraisal.allow:
            # A result names a counter, and a request has none, so its refusal is an Error.
            refusal = Refusal(appraisal.reason, "may not enrol", Standing.SIGNED)
            self._refusals.refuse(envelope, refusal, group)
            return
        offer = self._terms.offer(verified.known)
        counter = 0 if verified.known is None else verified.known.counter
        sealed = challenge.seal(
            self._signer,
            device_id=applicant.device_id,
            request_nonce=verified.request_nonce,
            challenge=self._challenges.issue(applicant, offer, counter, self._clock_s()),
            offer=offer,
        )
        group.replies.append(Reply(applicant.device_id, "challenge", sealed, envelope.origin))
        self._tally.challenged += 1
        self._log.event("challenge_sent", device_id=applicant.device_id)

    def proof(self, envelope: Envelope, verified: VerifiedProof, group: Group) -> None:
        applicant, offer = verified.applicant, verified.offer
        known = verified.known
        appraisal = self._policy.enrolment(applicant.environment, known)
        if known is None and not appraisal.allow:
            # The registry stores nothing about unknown devices that may not enrol.
            refusal = Refusal(appraisal.reason, "may not enrol", Standing.SIGNED)
            self._refusals.refuse(envelope, refusal, group)
            return
        # Enrolling again changes nothing but the counter.
        device = known or DeviceRecord(
            device_id=applicant.device_id,
            suite=applicant.suite,
            public_key=applicant.public_key,
            post_quantum_digest=applicant.post_quantum_digest,
            next_key_digest=applicant.next_key_digest,
            owner=self._terms.owner if offer is None else offer.owner,
            device_class=self._terms.device_class if offer is None else offer.device_class,
            environment=applicant.environment,
            status=Status.ENROLLED,
            counter=0,
        )
        enrolment = None
        if appraisal.allow:
            device = replace(device, counter=verified.counter)
            enrolment = Enrolment(device, verified.registration_signature)
        decide(self._signer, envelope, verified, device, appraisal, group, enrolment=enrolment)
