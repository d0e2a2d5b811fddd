"""From envelopes to durable, signed answers, a group at a time.

    take a group ─▶ verify ─▶ appraise ─▶ sign ─▶ make durable ─▶ answer ─▶ acknowledge

The order is the product's promise: nothing is answered or acknowledged before it is durable. The
group is what makes that affordable, since one disk flush serves all of its messages. What arrived
while a group was worked on is the next group, so groups grow with the load and are small without.

One thread works here. A fault in one message becomes an INTERNAL for that message and never stops
the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from countersign import messages, reasons
from countersign_gateway.governance.appraisal import Appraisal, Policy
from countersign_gateway.governance.freshness import Freshness
from countersign_gateway.governance.lifecycle import Lifecycle
from countersign_gateway.ingress.intake import Intake
from countersign_gateway.model import Decision, DeviceRecord, Enrolment, Envelope, Reply, Status
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.tally import Tally
from countersign_gateway.operations.throttle import Throttle
from countersign_gateway.pipeline.group import Group
from countersign_gateway.statements.keys import SigningKey
from countersign_gateway.verification import codec
from countersign_gateway.verification.challenges import Challenges, RegistrationOffer
from countersign_gateway.verification.verifier import (
    Memory,
    Refusal,
    VerifiedEvidence,
    VerifiedProof,
    VerifiedRequest,
    Verifier,
)

# At about 10,000 messages a second this is a flush every 50 ms at most.
MAX_GROUP = 512
# Signed revocation epochs are not issued yet (PROTOCOL.md, section 9).
REVOCATION_EPOCH = 0


class Record(Memory, Protocol):
    """The part of the registry that the pipeline needs."""

    def store(self, decisions: Sequence[Decision]) -> None: ...


class Outlet(Protocol):
    """Where replies go. `send` may buffer; `flush` is called once a group."""

    def send(self, reply: Reply) -> None: ...

    def flush(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What a newcomer is entered under. ledger: (chain_id, DeviceID contract), None without one."""

    owner: bytes
    device_class: int
    ledger: tuple[int, bytes] | None

    def registration(self, known: DeviceRecord | None) -> RegistrationOffer | None:
        """The statement that an applicant is asked to sign; a known device's owner stands."""
        if self.ledger is None:
            return None
        chain_id, contract = self.ledger
        if known is not None:
            return RegistrationOffer(chain_id, contract, known.owner, known.device_class)
        return RegistrationOffer(chain_id, contract, self.owner, self.device_class)


class Pipeline:
    """Usable without a transport: `process` is the whole of it, `run` feeds it from an intake."""

    def __init__(
        self,
        *,
        key: SigningKey,
        verifier: Verifier,
        challenges: Challenges,
        policy: Policy,
        terms: Terms,
        freshness: Callable[[], Freshness],
        registry: Record,
        outlet: Outlet,
        log: EventLog,
        tally: Tally,
        throttle: Throttle,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """key signs every answer; freshness says how old upstream knowledge is; clock_s is
        monotonic. The rest are the stages and tables that this thread works with."""
        self._key = key
        self._verifier = verifier
        self._challenges = challenges
        self._policy = policy
        self._terms = terms
        self._freshness = freshness
        self._registry = registry
        self._outlet = outlet
        self._log = log
        self._tally = tally
        self._throttle = throttle
        self._clock_s = clock_s

    def run(self, intake: Intake, max_group: int = MAX_GROUP) -> None:
        """Work until the intake is closed and empty."""
        while True:
            envelopes = intake.take(max_group, timeout_s=1.0)
            if envelopes:
                try:
                    self.process(envelopes)
                except Exception as error:  # noqa: BLE001 - serving the next group matters more
                    self._log.fault("group_fault", error, envelopes=len(envelopes))
            elif intake.closed:
                return

    def process(self, envelopes: Sequence[Envelope]) -> None:
        """Take one group through all stages. When this returns, every envelope is acknowledged."""
        group = Group(self._registry, self._freshness())
        for envelope in envelopes:
            try:
                self._consider(envelope, group)
            except Exception as error:  # noqa: BLE001 - one message must not stop the others
                self._log.fault("message_fault", error, device_id=envelope.device_id)
                self._refuse(envelope, Refusal(reasons.INTERNAL, type(error).__name__), group)
        self._make_durable(group)
        for reply in group.replies:
            try:
                self._outlet.send(reply)
            except Exception as error:  # noqa: BLE001 - durable already; the device will ask again
                self._log.fault("send_fault", error, device_id=reply.device_id)
        for envelope in envelopes:
            envelope.acknowledge()
        self._outlet.flush()
        self._tally.note_group(len(envelopes))

    def refuse_early(self, device_id: bytes | None, payload: bytes, reason: int) -> None:
        """Answer a message that was never queued (shed, or too large). From any thread."""
        self._log.event(
            "refused", device_id=device_id, reason=reasons.NAMES[reason], detail="not queued"
        )
        reply = self._error(device_id, payload, reason)
        if reply is not None:
            self._outlet.send(reply)
            self._outlet.flush()

    def _consider(self, envelope: Envelope, group: Group) -> None:
        verified = self._verifier.verify(envelope, group)
        if isinstance(verified, VerifiedEvidence):
            self._appraise(envelope, verified, group)
        elif isinstance(verified, VerifiedProof):
            self._enrol(envelope, verified, group)
        elif isinstance(verified, VerifiedRequest):
            self._challenge(envelope, verified, group)
        else:
            self._refuse(envelope, verified, group)

    def _appraise(self, envelope: Envelope, verified: VerifiedEvidence, group: Group) -> None:
        appraisal = self._policy.evidence(verified.claims, verified.device)
        status = Lifecycle.on_accepted(verified.device) if appraisal.allow else None
        self._decide(envelope, verified, verified.device, appraisal, group, status=status)

    def _challenge(self, envelope: Envelope, verified: VerifiedRequest, group: Group) -> None:
        applicant = verified.applicant
        appraisal = self._policy.enrolment(applicant.environment, verified.known)
        if not appraisal.allow:
            # A result answers a counter, and a request has none: its refusal is an Error.
            self._refuse(envelope, Refusal(appraisal.reason, "may not enrol"), group)
            return
        opened = self._challenges.open(
            applicant,
            verified.request_nonce,
            self._terms.registration(verified.known),
            self._clock_s(),
        )
        offered = opened.registration
        challenge = messages.seal(
            messages.ENROL_CHALLENGE,
            {
                "gateway_id": self._key.gateway_id,
                "device_id": applicant.device_id,
                "request_nonce": verified.request_nonce,
                "challenge": opened.challenge,
                "registration": None if offered is None else asdict(offered),
            },
            self._key.sign,
        )
        group.replies.append(Reply(applicant.device_id, "challenge", challenge))
        self._tally.challenged += 1
        self._log.event("challenge_sent", device_id=applicant.device_id)

    def _enrol(self, envelope: Envelope, verified: VerifiedProof, group: Group) -> None:
        applicant = verified.opened.applicant
        known = verified.known
        appraisal = self._policy.enrolment(applicant.environment, known)
        if known is None and not appraisal.allow:
            # Nothing is stored for strangers who may not enter.
            self._refuse(envelope, Refusal(appraisal.reason, "may not enrol"), group)
            return
        self._challenges.close(applicant.device_id)
        # Enrolling again changes nothing but the counter.
        device = known or DeviceRecord(
            device_id=applicant.device_id,
            suite=applicant.suite,
            public_key=applicant.public_key,
            post_quantum_digest=applicant.post_quantum_digest,
            next_key_digest=applicant.next_key_digest,
            owner=self._terms.owner,
            device_class=self._terms.device_class,
            environment=applicant.environment,
            status=Status.ENROLLED,
            counter=0,
        )
        enrolment = None
        if appraisal.allow:
            device = replace(device, counter=verified.counter)
            enrolment = Enrolment(device, verified.registration_signature)
        self._decide(envelope, verified, device, appraisal, group, enrolment=enrolment)

    def _decide(
        self,
        envelope: Envelope,
        verified: VerifiedEvidence | VerifiedProof,
        device: DeviceRecord,
        appraisal: Appraisal,
        group: Group,
        enrolment: Enrolment | None = None,
        status: Status | None = None,
    ) -> None:
        """Sign the verdict and put it among what will be durable."""
        freshness = group.freshness
        result = codec.seal_result(
            {
                "gateway_id": self._key.gateway_id,
                "device_id": device.device_id,
                "subject": verified.subject,
                "allow": appraisal.allow,
                "reason": appraisal.reason,
                "mode": freshness.mode,
                "age_s": freshness.age_s,
                "policy_version": appraisal.policy_version,
                "revocation_epoch": REVOCATION_EPOCH,
                "counter": verified.counter,
            },
            self._key.sign,
        )
        decision = Decision(
            device_id=device.device_id,
            counter=verified.counter,
            message=envelope.payload,
            result=result,
            commitment=messages.commitment(verified.subject, messages.digest(result)),
            enrolment=enrolment,
            status=status,
        )
        group.decide(decision, device, verified.subject, appraisal)

    def _refuse(self, envelope: Envelope, refusal: Refusal, group: Group) -> None:
        name = reasons.NAMES[refusal.reason]
        self._tally.refuse(name)
        self._log.event(
            "refused",
            device_id=envelope.device_id,
            kind=envelope.kind,
            reason=name,
            detail=refusal.detail,
        )
        reply = self._error(envelope.device_id, envelope.payload, refusal.reason)
        if reply is not None:
            group.replies.append(reply)

    def _error(self, device_id: bytes | None, payload: bytes, reason: int) -> Reply | None:
        """A signed Error for the topic's device, unless there is none or it had its share."""
        if device_id is None or not self._throttle.allow(device_id):
            return None
        error = messages.seal(
            messages.ERROR,
            {
                "gateway_id": self._key.gateway_id,
                "device_id": device_id,
                "subject": messages.digest(payload),
                "reason": reason,
            },
            self._key.sign,
        )
        return Reply(device_id, "error", error)

    def _make_durable(self, group: Group) -> None:
        """One transaction for the group; where that fails one for each, to save what can be."""
        if not group.verdicts:
            return
        try:
            self._registry.store([decision for decision, _ in group.verdicts])
            stored = group.verdicts
        except Exception as error:  # noqa: BLE001 - whatever failed, nothing of it is stored
            self._log.fault("record_fault", error, decisions=len(group.verdicts))
            stored = [
                verdict for verdict in group.verdicts if self._stored_alone(verdict[0], group)
            ]
        for decision, appraisal in stored:
            group.replies.append(Reply(decision.device_id, "result", decision.result))
            self._note(decision, appraisal, group.freshness)

    def _stored_alone(self, decision: Decision, group: Group) -> bool:
        """Store one decision by itself. If even that fails its device is told INTERNAL instead."""
        try:
            self._registry.store([decision])
        except Exception as error:  # noqa: BLE001
            self._log.fault("record_fault", error, device_id=decision.device_id)
            self._tally.refuse(reasons.NAMES[reasons.INTERNAL])
            reply = self._error(decision.device_id, decision.message, reasons.INTERNAL)
            if reply is not None:
                group.replies.append(reply)
            return False
        return True

    def _note(self, decision: Decision, appraisal: Appraisal, freshness: Freshness) -> None:
        """Count and log a verdict that is durable."""
        if decision.enrolment is not None:
            event = "enrolled"
        elif appraisal.allow:
            event = "evidence_verified"
        else:
            event = "denied"
        degraded = freshness.mode == messages.MODE_DEGRADED
        self._tally.note_verdict(event, degraded)
        self._log.event(
            event,
            device_id=decision.device_id,
            counter=decision.counter,
            reason=reasons.NAMES[appraisal.reason],
            mode=messages.MODE_NAMES[freshness.mode],
            age_s=freshness.age_s,
            commitment=decision.commitment,
        )
