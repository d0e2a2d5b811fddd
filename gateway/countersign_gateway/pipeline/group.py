"""One group of messages while the pipeline works on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from countersign_gateway.governance.appraisal import Appraisal
from countersign_gateway.model import Decision, DeviceRecord, Freshness, Reply, Status
from countersign_gateway.verification.findings import Memory


@dataclass(frozen=True, slots=True)
class Verdict:
    """A signed decision, with what it was made of. origin: of its message."""

    decision: Decision
    appraisal: Appraisal
    freshness: Freshness
    origin: str


class Group:
    """The registry as one group sees it, with the group's own changes on top.

    One group can hold two messages of one device; the second must see what the first changed.
    """

    __slots__ = ("_moved", "_registry", "_subjects", "freshness", "replies", "suspects", "verdicts")

    def __init__(self, registry: Memory, freshness: Callable[[], Freshness]) -> None:
        self._registry = registry
        self._moved: dict[bytes, tuple[DeviceRecord, int, Status | None]] = {}
        self._subjects: set[bytes] = set()
        self.freshness = freshness
        # What becomes durable, in order.
        self.verdicts: list[Verdict] = []
        self.replies: list[Reply] = []
        # Devices to be quarantined, with the counter that they sent; see guarding.py.
        self.suspects: dict[bytes, int] = {}

    def device(self, device_id: bytes) -> DeviceRecord | None:
        moved = self._moved.get(device_id)
        if moved is None:
            return self._registry.device(device_id)
        device, counter, status = moved
        return replace(device, counter=counter, status=status or device.status)

    def seen(self, device_id: bytes, counter: int, message_digest: bytes) -> bool:
        if message_digest in self._subjects:
            return True
        return self._registry.seen(device_id, counter, message_digest)

    def decide(
        self,
        verdict: Verdict,
        device: DeviceRecord,
        subject: bytes,
    ) -> None:
        """Keep a verdict; `device` is the record before its counter and status change."""
        decision = verdict.decision
        self.verdicts.append(verdict)
        self._moved[decision.device_id] = (device, decision.counter, decision.status)
        self._subjects.add(subject)
