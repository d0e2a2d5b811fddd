"""Stops verified messages that must leave no trace in the record, and sees clones.

revoked           its messages are shed: an Error at most, at a limited rate, and no row
far ahead         would use up the device's counters: an alarm, and the device is quarantined
used counters     many of them from one device: an alarm
"""

from __future__ import annotations

from collections.abc import Callable

from countersign import reasons
from countersign_gateway.governance import counters
from countersign_gateway.governance.counters import CloneWatch
from countersign_gateway.governance.lifecycle import Lifecycle
from countersign_gateway.model import DeviceRecord, Envelope, Standing, Status
from countersign_gateway.operations.alarms import Alarms
from countersign_gateway.pipeline.group import Group
from countersign_gateway.pipeline.refusing import Refusals
from countersign_gateway.verification.findings import Refusal


class Guard:
    """Used by the pipeline's thread. `clock_s` is monotonic."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        refusals: Refusals,
        alarms: Alarms,
        clock_s: Callable[[], float],
    ) -> None:
        self._lifecycle = lifecycle
        self._refusals = refusals
        self._alarms = alarms
        self._clock_s = clock_s
        self._clones = CloneWatch()

    def stops(
        self, envelope: Envelope, device: DeviceRecord | None, counter: int, group: Group
    ) -> bool:
        """Whether a verified message ends here; it has been answered then, with the budget of
        messages that anybody can send again: none of them uses its counter up.

        device: its record, or None if it is about to enrol for the first time.
        """
        if device is not None and device.status is Status.REVOKED:
            self._refusals.refuse(
                envelope, Refusal(reasons.REVOKED, "shed", Standing.SIGNED), group
            )
            return True
        last = 0 if device is None else device.counter
        if not counters.too_far_ahead(counter, last):
            return False
        detail = f"counter {counter} after {last}"
        refusal = Refusal(reasons.COUNTER_TOO_HIGH, detail, Standing.SIGNED)
        self._refusals.refuse(envelope, refusal, group)
        if device is not None:
            group.suspects[device.device_id] = counter
        return True

    def refused(self, envelope: Envelope, refusal: Refusal, group: Group) -> None:
        """Answer a message that was not verified; note a used counter."""
        self._refusals.refuse(envelope, refusal, group)
        # These two reasons come only after the signature has been verified.
        if refusal.reason not in (reasons.REPLAYED, reasons.OUT_OF_ORDER):
            return
        device_id = envelope.device_id
        if device_id is not None and self._clones.note(device_id, self._clock_s()):
            self._alarms.sound(
                "used_counters",
                device_id=device_id,
                count=counters.SUSPICIOUS,
                meaning="two devices may hold this key, or somebody replays its messages",
            )

    def settle(self, group: Group) -> bool:
        """Quarantine the group's suspects, after its decisions are durable. True if any was."""
        changed = False
        for device_id, counter in group.suspects.items():
            if self._lifecycle.quarantine(device_id):
                changed = True
                self._alarms.sound(
                    "counter_too_high",
                    device_id=device_id,
                    counter=counter,
                    meaning="quarantined: a clone or a damaged store; countersign device reinstate",
                )
        return changed
