"""A gateway without transport and ledger: the pipeline on a registry, with replies in a list."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

from coincurve import PublicKeyXOnly

from countersign import messages, reasons
from countersign_gateway.governance.admission import MOST_DEVICES, Gate, Window
from countersign_gateway.governance.appraisal import SitePolicy
from countersign_gateway.governance.budget import DailyBudget, alarmed_by
from countersign_gateway.governance.freshness import UpstreamFreshness
from countersign_gateway.model import EnrolmentMode, Envelope, Reply
from countersign_gateway.operations.alarms import Alarms
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.tally import Tally
from countersign_gateway.operations.throttle import ErrorBudget
from countersign_gateway.pipeline.pipeline import Pipeline
from countersign_gateway.pipeline.room import Room
from countersign_gateway.registry.interface import Registry
from countersign_gateway.statements.keys import SigningKey
from countersign_gateway.verification.beacons import Beacons
from countersign_gateway.verification.challenges import Challenges
from countersign_gateway.verification.verifier import Verifier
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.memory_registry import MemoryRegistry

GATEWAY_SECRET = bytes(31) + b"\x2a"
OWNER = b"\x0a" * 20
LEDGER = (31337, b"\x0c" * 20)


class FakeClock:
    """Monotonic seconds that move only when a test moves them."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class SiteUnderTest:
    def __init__(
        self,
        registry: Registry | None = None,
        *,
        allow_emulated: bool = True,
        ledger: tuple[int, bytes] | None = None,
        device_class: int = 1,
        budget: ErrorBudget | None = None,
        device_bytes_per_day: float = 1e15,
        enrolment: EnrolmentMode = EnrolmentMode.OPEN,
        enrolments_per_day: int = 1_000_000,
    ) -> None:
        """enrolment: "open" with a window that never closes, unless a test says otherwise."""
        self.clock = FakeClock()
        self.key = SigningKey(GATEWAY_SECRET)
        self.registry = registry if registry is not None else MemoryRegistry()
        self.beacons = Beacons(30.0, self.clock())
        self.challenges = Challenges(60.0, self.clock())
        self.verifier = Verifier(self.key.gateway_id, self.beacons, self.challenges, self.clock)
        self.freshness = UpstreamFreshness(30.0, self.clock, self.clock, lambda _: None)
        self.tally = Tally()
        self.has_disk = True
        self.log = io.StringIO()
        self.replies: list[Reply] = []
        self.acknowledged = 0
        generous = ErrorBudget(
            self.clock,
            each_burst=1e9,
            all_burst=1e9,
            each_per_s=0.0,
            all_per_s=0.0,
            again_after_s=1e-9,
        )
        event_log = EventLog(self.log, self.clock)
        self.alarms = Alarms(event_log)
        self.wall = FakeClock()
        self.window = Window(lambda: 0.0)
        if enrolment is EnrolmentMode.OPEN:
            self.window.open(60, "a test", MOST_DEVICES)
        self.gate = Gate(
            mode=enrolment,
            owner=OWNER,
            device_class=device_class,
            record=self.registry,
            budget=DailyBudget(
                "enrolments",
                enrolments_per_day,
                self.registry,
                self.wall,
                alarmed_by(self.alarms),
            ),
            window=self.window,
            wall_s=self.wall,
            on_crowd=lambda waiting, places: self.alarms.sound(
                "waiting", waiting=waiting, places=places
            ),
        )
        self.changes = 0
        self.pipeline = Pipeline(
            key=self.key,
            verifier=self.verifier,
            challenges=self.challenges,
            policy=SitePolicy(1, allow_emulated),
            gate=self.gate,
            ledger=ledger,
            freshness=self.freshness.current,
            registry=self.registry,
            outlet=self,
            log=event_log,
            tally=self.tally,
            budget=generous if budget is None else budget,
            alarms=self.alarms,
            room=Room(device_bytes_per_day, lambda: self.has_disk, self.clock),
            clock_s=self.clock,
            on_change=self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    # The pipeline's outlet.

    def send(self, reply: Reply) -> None:
        self.replies.append(reply)

    def flush(self) -> None:
        pass

    # For tests.

    def device(self, name: str, **settings: Any) -> SimulatedDevice:
        return SimulatedDevice.named(name, self.key.gateway_id, **settings)

    def enrolled(self, name: str, **settings: Any) -> SimulatedDevice:
        device = self.device(name, **settings)
        challenge = self.one(device, device.request(), "enrol", "challenge")
        result = self.one(device, device.proof(challenge), "enrol", "result")
        assert messages.open_message(result).fields["allow"], result.hex()
        return device

    def process(self, *envelopes: Envelope) -> list[Reply]:
        """Process one group of envelopes. Returns its replies."""
        self.replies.clear()
        self.pipeline.process([self._counted(envelope) for envelope in envelopes])
        return list(self.replies)

    def one(self, device: SimulatedDevice, payload: bytes, kind: str, expected: str) -> bytes:
        """Send one message and return the one reply, which must be of the expected kind."""
        replies = self.process(device.envelope(payload, kind))
        assert [reply.kind for reply in replies] == [expected], (replies, self.log.getvalue())
        assert replies[0].device_id == device.device_id
        return replies[0].payload

    def verdict(self, device: SimulatedDevice, payload: bytes, kind: str = "evidence") -> str:
        """The name of the reason in the one signed reply to a message."""
        replies = self.process(device.envelope(payload, kind))
        assert len(replies) == 1, replies
        return self.reason(replies[0].payload)

    def reason(self, payload: bytes) -> str:
        message = messages.open_message(payload)
        assert message.type in (messages.ERROR, messages.ATTESTATION_RESULT)
        assert self.signed_by_gateway(message)
        name: str = reasons.NAMES[message.fields["reason"]]
        return name

    def signed_by_gateway(self, message: messages.Message) -> bool:
        public_key = PublicKeyXOnly(self.key.public_key)
        return public_key.verify(message.signature, message.signing_digest())

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if line["event"] == name]

    def _counted(self, envelope: Envelope) -> Envelope:
        def acknowledge() -> None:
            self.acknowledged += 1
            envelope.acknowledge()

        return replace(envelope, acknowledge=acknowledge)
