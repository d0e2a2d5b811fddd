"""Signs a result and adds its decision to those that the group will make durable."""

from __future__ import annotations

from countersign import messages
from countersign_gateway.governance.appraisal import Appraisal
from countersign_gateway.model import Decision, DeviceRecord, Enrolment, Envelope, Status
from countersign_gateway.pipeline.group import Group, Verdict
from countersign_gateway.statements import verdict
from countersign_gateway.statements.signer import Signer
from countersign_gateway.verification.findings import VerifiedEvidence, VerifiedProof


def decide(
    signer: Signer,
    envelope: Envelope,
    verified: VerifiedEvidence | VerifiedProof,
    device: DeviceRecord,
    appraisal: Appraisal,
    group: Group,
    *,
    enrolment: Enrolment | None = None,
    status: Status | None = None,
) -> None:
    """enrolment, status: what this decision changes of the device; see model.Decision."""
    # Read for each verdict: work on a group takes time, in which the knowledge ages.
    freshness = group.freshness()
    result = verdict.seal(
        signer,
        device_id=device.device_id,
        subject=verified.subject,
        allow=appraisal.allow,
        reason=appraisal.reason,
        freshness=freshness,
        policy_version=appraisal.policy_version,
        counter=verified.counter,
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
    group.decide(Verdict(decision, appraisal, freshness, envelope.origin), device, verified.subject)
