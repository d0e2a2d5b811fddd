"""Answers verified evidence: appraises it and signs a result."""

from __future__ import annotations

from countersign_gateway.governance.appraisal import Policy
from countersign_gateway.governance.lifecycle import Lifecycle
from countersign_gateway.model import Envelope
from countersign_gateway.pipeline.deciding import decide
from countersign_gateway.pipeline.group import Group
from countersign_gateway.pipeline.guarding import Guard
from countersign_gateway.statements.signer import Signer
from countersign_gateway.verification.findings import VerifiedEvidence


class CheckingIn:
    def __init__(self, signer: Signer, policy: Policy, guard: Guard) -> None:
        self._signer = signer
        self._policy = policy
        self._guard = guard

    def evidence(self, envelope: Envelope, verified: VerifiedEvidence, group: Group) -> None:
        device = verified.device
        if self._guard.stops(envelope, device, verified.counter, group):
            return
        appraisal = self._policy.evidence(verified.claims, device)
        status = Lifecycle.on_accepted(device) if appraisal.allow else None
        decide(self._signer, envelope, verified, device, appraisal, group, status=status)
