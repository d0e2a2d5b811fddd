"""Answers a refused message with a signed Error, at a limited rate."""

from __future__ import annotations

from countersign import messages, reasons
from countersign_gateway.model import Envelope, Reply, Standing
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.tally import Tally
from countersign_gateway.operations.throttle import ErrorBudget
from countersign_gateway.pipeline.group import Group
from countersign_gateway.statements import error
from countersign_gateway.statements.signer import Signer
from countersign_gateway.verification.findings import Refusal


class Refusals:
    """Logs, counts and answers refusals. `error` may be called from any thread."""

    def __init__(self, signer: Signer, budget: ErrorBudget, log: EventLog, tally: Tally) -> None:
        self._signer = signer
        self._budget = budget
        self._log = log
        self._tally = tally

    def refuse(self, envelope: Envelope, refusal: Refusal, group: Group) -> None:
        name = reasons.NAMES[refusal.reason]
        self._tally.refuse(name)
        self._log.event(
            "refused",
            device_id=envelope.device_id,
            kind=envelope.kind,
            reason=name,
            detail=refusal.detail,
        )
        reply = self.error(
            envelope.device_id,
            envelope.payload,
            refusal.reason,
            envelope.origin,
            refusal.standing,
        )
        if reply is not None:
            group.replies.append(reply)

    def error(
        self,
        device_id: bytes | None,
        payload: bytes,
        reason: int,
        origin: str,
        standing: Standing = Standing.UNVERIFIED,
    ) -> Reply | None:
        """A signed Error for the topic's device. None without a device or above its rate."""
        subject = messages.digest(payload)
        if device_id is None or not self._budget.allow(standing, device_id, subject):
            return None
        sealed = error.seal(self._signer, device_id=device_id, payload=payload, reason=reason)
        return Reply(device_id, "error", sealed, origin)
