"""Answers a verified request with a challenge, and a verified proof with a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from countersign import accounts, reasons
from countersign_gateway.governance.admission import Gate, Grant
from countersign_gateway.governance.appraisal import Policy
from countersign_gateway.model import (
    BROKER,
    DeviceRecord,
    Enrolment,
    EnrolmentWish,
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
from countersign_gateway.pipeline.guarding import Guard
from countersign_gateway.pipeline.refusing import Refusals
from countersign_gateway.statements import challenge
from countersign_gateway.statements.signer import Signer
from countersign_gateway.verification.challenges import Applicant, Challenges
from countersign_gateway.verification.findings import Refusal, VerifiedProof, VerifiedRequest


class Enrolling:
    """Used by the pipeline's thread. `clock_s`: seconds since boot.

    ledger: (chain_id, DeviceID contract), or None at a site without a ledger.
    """

    def __init__(
        self,
        *,
        signer: Signer,
        challenges: Challenges,
        policy: Policy,
        gate: Gate,
        guard: Guard,
        ledger: tuple[int, bytes] | None,
        refusals: Refusals,
        log: EventLog,
        tally: Tally,
        clock_s: Callable[[], float],
    ) -> None:
        self._signer = signer
        self._challenges = challenges
        self._policy = policy
        self._gate = gate
        self._guard = guard
        self._ledger = ledger
        self._refusals = refusals
        self._log = log
        self._tally = tally
        self._clock_s = clock_s

    def request(self, envelope: Envelope, verified: VerifiedRequest, group: Group) -> None:
        applicant = verified.applicant
        granted = self._granted(envelope, applicant, verified.known)
        if not isinstance(granted, Grant):
            # A result names a counter, and a request has none, so its refusal is an Error.
            self._refusals.refuse(envelope, self._may_not(granted, applicant), group)
            return
        offer = self._offer(granted)
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
        applicant = verified.applicant
        known = verified.known
        if self._guard.stops(envelope, known, verified.counter, group):
            return
        if known is not None:
            self._again(envelope, verified, known, group)
            return
        # Asked again, because a person may have decided otherwise since the challenge.
        granted = self._granted(envelope, applicant, None)
        if isinstance(granted, Grant) and self._offer(granted) != verified.offer:
            granted = reasons.UNKNOWN_CHALLENGE  # admitted anew since, as something else
        if isinstance(granted, Grant) and not self._gate.spend(granted):
            granted = reasons.ENROLMENTS_SPENT
        if not isinstance(granted, Grant):
            # The registry stores nothing about unknown devices that may not enrol.
            self._refusals.refuse(envelope, self._may_not(granted, applicant), group)
            return
        device = DeviceRecord(
            device_id=applicant.device_id,
            suite=applicant.suite,
            public_key=applicant.public_key,
            post_quantum_digest=applicant.post_quantum_digest,
            next_key_digest=applicant.next_key_digest,
            owner=granted.owner,
            device_class=granted.device_class,
            environment=applicant.environment,
            status=Status.ENROLLED,
            counter=verified.counter,
        )
        enrolment = Enrolment(device, verified.registration_signature, granted.admission)
        appraisal = self._policy.enrolment(applicant.environment, None)
        decide(self._signer, envelope, verified, device, appraisal, group, enrolment=enrolment)

    def _again(
        self, envelope: Envelope, verified: VerifiedProof, known: DeviceRecord, group: Group
    ) -> None:
        """A device on record enrols again: that changes nothing but the counter."""
        appraisal = self._policy.enrolment(verified.applicant.environment, known)
        enrolment = None
        if appraisal.allow:
            device = replace(known, counter=verified.counter)
            enrolment = Enrolment(device, verified.registration_signature)
        decide(self._signer, envelope, verified, known, appraisal, group, enrolment=enrolment)

    def _granted(
        self, envelope: Envelope, applicant: Applicant, known: DeviceRecord | None
    ) -> Grant | int:
        """What the device becomes (a known one: what it is), or the reason of the refusal."""
        appraisal = self._policy.enrolment(applicant.environment, known)
        if not appraisal.allow:
            return appraisal.reason
        if known is not None:
            return Grant(known.device_class, known.owner)
        return self._gate.decide(
            EnrolmentWish(
                applicant.device_id,
                applicant.suite,
                applicant.public_key,
                applicant.next_key_digest,
                applicant.environment,
                int(self._gate.wall_s()),
                source=_source(envelope, applicant.device_id),
            )
        )

    def _may_not(self, reason: int, applicant: Applicant) -> Refusal:
        why = "may not enrol"
        if reason == reasons.NOT_ADMITTED:
            why = self._gate.explained(applicant.device_id)
        # Nothing of it is recorded, so anybody may send it again.
        return Refusal(reason, why, Standing.SIGNED)

    def _offer(self, granted: Grant) -> RegistrationOffer | None:
        """The statement for the ledger that the device must sign, or None without a ledger."""
        if self._ledger is None:
            return None
        chain_id, contract = self._ledger
        return RegistrationOffer(chain_id, contract, granted.owner, granted.device_class)


def _source(envelope: Envelope, device_id: bytes) -> str:
    """What a stranger shares with others: its serial line, or the lobby account of its device_id.

    A broker that has no lobby gives it no other place either.
    """
    if envelope.origin != BROKER:
        return envelope.origin
    name: str = accounts.lobby_username(device_id)
    return name
