"""Makes a group's verdicts durable in one transaction, then counts, logs and answers them."""

from __future__ import annotations

from collections.abc import Callable

from countersign import messages, reasons
from countersign_gateway.model import Reply, Standing
from countersign_gateway.operations.alarms import Alarms
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.tally import Tally
from countersign_gateway.pipeline.group import Group, Verdict
from countersign_gateway.pipeline.refusing import Refusals
from countersign_gateway.registry.interface import Decisions, RegistryFull

ALARM_AGAIN_S = 3600.0  # a disk stays full, and each group would sound the alarm anew


class Recording:
    """Used by the pipeline's thread. `clock_s` is monotonic."""

    def __init__(
        self,
        registry: Decisions,
        refusals: Refusals,
        log: EventLog,
        tally: Tally,
        alarms: Alarms,
        clock_s: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._refusals = refusals
        self._log = log
        self._tally = tally
        self._alarms = alarms
        self._clock_s = clock_s
        self._alarmed_s = float("-inf")

    def make_durable(self, group: Group) -> None:
        """Store the group in one transaction; if that fails, each decision in one of its own.

        When this returns, the group's replies hold the results of all durable decisions.
        """
        if not group.verdicts:
            return
        try:
            self._registry.store([verdict.decision for verdict in group.verdicts])
            stored = group.verdicts
        except RegistryFull:
            self._note_full(len(group.verdicts))
            for verdict in group.verdicts:
                self._refuse(verdict, reasons.BUSY, group)
            return
        except Exception as error:  # noqa: BLE001 - the failed transaction stored nothing
            self._log.fault("record_fault", error, decisions=len(group.verdicts))
            stored = [verdict for verdict in group.verdicts if self._stored_alone(verdict, group)]
        for verdict in stored:
            decision = verdict.decision
            reply = Reply(decision.device_id, "result", decision.result, verdict.origin)
            group.replies.append(reply)
            self._note(verdict)

    def _stored_alone(self, verdict: Verdict, group: Group) -> bool:
        """Store one decision by itself. If that fails too, answer its device with INTERNAL."""
        try:
            self._registry.store([verdict.decision])
        except Exception as error:  # noqa: BLE001 - the others can still be stored
            self._log.fault("record_fault", error, device_id=verdict.decision.device_id)
            self._refuse(verdict, reasons.INTERNAL, group)
            return False
        return True

    def _refuse(self, verdict: Verdict, reason: int, group: Group) -> None:
        """Answer a message whose decision was not stored."""
        decision = verdict.decision
        self._tally.refuse(reasons.NAMES[reason])
        reply = self._refusals.error(
            decision.device_id, decision.message, reason, verdict.origin, Standing.FRESH
        )
        if reply is not None:
            group.replies.append(reply)

    def _note_full(self, decisions: int) -> None:
        now_s = self._clock_s()
        if now_s - self._alarmed_s >= ALARM_AGAIN_S:
            self._alarmed_s = now_s
            self._alarms.sound("disk_full", decisions=decisions)

    def _note(self, verdict: Verdict) -> None:
        """Count and log a verdict that is durable."""
        decision, appraisal, freshness = verdict.decision, verdict.appraisal, verdict.freshness
        if decision.enrolment is not None:
            event = "enrolled"
        elif appraisal.allow:
            event = "evidence_verified"
        else:
            event = "denied"
        self._tally.note_verdict(event, freshness.mode == messages.MODE_DEGRADED)
        self._log.event(
            event,
            device_id=decision.device_id,
            counter=decision.counter,
            reason=reasons.NAMES[appraisal.reason],
            mode=messages.MODE_NAMES[freshness.mode],
            age_s=freshness.age_s,
            commitment=decision.commitment,
        )
