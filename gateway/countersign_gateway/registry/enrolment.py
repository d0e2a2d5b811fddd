"""The check that every backend makes before it enters an enrolment."""

from __future__ import annotations

from countersign_gateway.model import Decision, DeviceRecord, Enrolment
from countersign_gateway.registry.interface import RegistryError


def check_enrolment(decision: Decision, enrolment: Enrolment, known: DeviceRecord | None) -> None:
    """RegistryError unless the enrolment is for this decision's device and keeps its keys."""
    device = enrolment.device
    if device.device_id != decision.device_id or device.counter != decision.counter:
        raise RegistryError("an enrolment of another device, or with another counter")
    if known is None:
        return
    if (device.suite, device.public_key, device.post_quantum_digest, device.next_key_digest) != (
        known.suite,
        known.public_key,
        known.post_quantum_digest,
        known.next_key_digest,
    ):
        raise RegistryError("a known device enrols with another key")
