"""From envelopes to durable, signed answers, a group at a time.

    take a group ─▶ verify ─▶ appraise ─▶ sign ─▶ make durable ─▶ answer ─▶ acknowledge

The order is the product's promise: a result is durable before the pipeline sends it or acknowledges
its message. Groups make that affordable, since one disk flush serves a whole group. The messages
that arrive during the work on one group form the next, so groups grow with the load.

Each type of verified message is handled in a file of its own (enrolling.py, checking_in.py);
`Pipeline._handlers` is the only list of them.

One thread runs the pipeline. A fault in one message is answered with INTERNAL and never stops the
other messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from countersign import reasons
from countersign_gateway.governance.admission import Gate
from countersign_gateway.governance.appraisal import Policy
from countersign_gateway.governance.lifecycle import Lifecycle
from countersign_gateway.ingress.intake import Intake, sender_of
from countersign_gateway.ingress.repute import Repute
from countersign_gateway.model import BROKER, Act, Envelope, Freshness, Reply, Standing, Status
from countersign_gateway.operations.alarms import Alarms
from countersign_gateway.operations.clock import since_boot_s
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.tally import Tally
from countersign_gateway.operations.throttle import ErrorBudget
from countersign_gateway.pipeline.checking_in import CheckingIn
from countersign_gateway.pipeline.enrolling import Enrolling
from countersign_gateway.pipeline.group import Group
from countersign_gateway.pipeline.guarding import Guard
from countersign_gateway.pipeline.recording import Recording
from countersign_gateway.pipeline.refusing import Refusals
from countersign_gateway.pipeline.room import Room
from countersign_gateway.registry.interface import Decisions
from countersign_gateway.statements.signer import Signer
from countersign_gateway.verification.challenges import Challenges
from countersign_gateway.verification.findings import (
    Memory,
    Refusal,
    VerifiedEvidence,
    VerifiedProof,
    VerifiedRequest,
)
from countersign_gateway.verification.verifier import Verifier

# At about 10,000 messages a second, a full group is flushed every 50 ms.
MAX_GROUP = 512
# A group ends after this time, however few messages it has seen: its first verdict waits for its
# last one, and the acts of people wait between groups.
MAX_GROUP_S = 0.5


class PipelineRegistry(Memory, Decisions, Protocol):
    """The part of the registry that the pipeline needs."""

    def set_status(self, device_id: bytes, status: Status, act: Act | None = None) -> None: ...


class Outlet(Protocol):
    """Takes replies. `send` may buffer; the pipeline calls `flush` once for each group."""

    def send(self, reply: Reply) -> None: ...

    def flush(self) -> None: ...


class Pipeline:
    """`process` takes a group through all stages without a transport; `run` feeds it."""

    def __init__(
        self,
        *,
        key: Signer,
        verifier: Verifier,
        challenges: Challenges,
        policy: Policy,
        gate: Gate,
        ledger: tuple[int, bytes] | None,
        freshness: Callable[[], Freshness],
        registry: PipelineRegistry,
        outlet: Outlet,
        log: EventLog,
        tally: Tally,
        budget: ErrorBudget,
        room: Room,
        alarms: Alarms,
        clock_s: Callable[[], float] = since_boot_s,
        on_change: Callable[[], None] = lambda: None,
        repute: Repute | None = None,
    ) -> None:
        """key signs every answer; freshness says how old upstream knowledge is; clock_s is
        seconds since boot; on_change is called when a device is new or has another status. ledger:
        (chain_id, DeviceID contract), or None. The rest are the stages and tables that this thread
        works with."""
        self._verifier = verifier
        self._freshness = freshness
        self._registry = registry
        self._outlet = outlet
        self._room = room
        self._repute = Repute() if repute is None else repute
        self._log = log
        self._tally = tally
        self._refusals = Refusals(key, budget, log, tally)
        self._recording = Recording(registry, self._refusals, log, tally, alarms, clock_s)
        self._on_change = on_change
        self._clock_s = clock_s
        lifecycle = Lifecycle(registry.device, registry.set_status)
        self._guard = guard = Guard(lifecycle, self._refusals, alarms, clock_s)
        enrolling = Enrolling(
            signer=key,
            challenges=challenges,
            policy=policy,
            gate=gate,
            guard=guard,
            ledger=ledger,
            refusals=self._refusals,
            log=log,
            tally=tally,
            clock_s=clock_s,
        )
        # By the type that the verifier returns. Each takes (envelope, verified, group).
        self._handlers: dict[type, Callable[[Envelope, Any, Group], None]] = {
            VerifiedEvidence: CheckingIn(key, policy, guard).evidence,
            VerifiedRequest: enrolling.request,
            VerifiedProof: enrolling.proof,
            Refusal: guard.refused,
        }

    def run(
        self,
        intake: Intake,
        max_group: int = MAX_GROUP,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        """Work until the intake is closed and empty. between: called before each group."""
        taken: list[Envelope] = []
        while True:
            between()
            taken = taken or intake.take(max_group, timeout_s=1.0)
            if taken:
                try:
                    done = self.process(taken)
                except Exception as error:  # noqa: BLE001 - serving the next group matters more
                    self._log.fault("group_fault", error, envelopes=len(taken))
                    done = len(taken)
                taken = taken[done:]
            elif intake.closed:
                return

    def process(self, envelopes: Sequence[Envelope]) -> int:
        """Take one group through all stages: the first of `envelopes`, as many as MAX_GROUP_S has
        room for, and at least one. Returns how many; each of them is acknowledged by then."""
        group = Group(self._registry, self._freshness)
        begun_s = self._clock_s()
        done = 0
        for envelope in envelopes:
            if done and self._clock_s() - begun_s >= MAX_GROUP_S:
                envelopes = envelopes[:done]
                break
            done += 1
            try:
                verified = self._room.checked(envelope, self._verifier.verify(envelope, group))
                self._repute.note(
                    sender_of(envelope),
                    not isinstance(verified, Refusal) or verified.standing is Standing.FRESH,
                )
                self._handlers[type(verified)](envelope, verified, group)
            except Exception as error:  # noqa: BLE001 - one message must not stop the others
                self._log.fault("message_fault", error, device_id=envelope.device_id)
                refusal = Refusal(reasons.INTERNAL, type(error).__name__)
                self._refusals.refuse(envelope, refusal, group)
        self._recording.make_durable(group)
        for reply in group.replies:
            try:
                self._outlet.send(reply)
            except Exception as error:  # noqa: BLE001 - it is durable; the device will ask again
                self._log.fault("send_fault", error, device_id=reply.device_id)
        for envelope in envelopes:
            envelope.acknowledge()
        self._outlet.flush()
        self._tally.note_group(len(envelopes))
        enrolled = any(verdict.decision.enrolment is not None for verdict in group.verdicts)
        if self._guard.settle(group) or enrolled:
            self._on_change()
        return done

    def refuse_early(
        self, device_id: bytes | None, payload: bytes, reason: int, origin: str = BROKER
    ) -> None:
        """Answer a message that was never queued (shed, or too large). Safe from any thread."""
        self._log.event(
            "refused", device_id=device_id, reason=reasons.NAMES[reason], detail="not queued"
        )
        reply = self._refusals.error(device_id, payload, reason, origin)
        if reply is not None:
            self._outlet.send(reply)
            self._outlet.flush()
