"""The lifecycle of a device. Only this file changes a device's status.

    enrolled ──▶ active ⇄ suspended ──▶ revoked        a device of any ordinary class
    enrolled ──▶ active ⇄ quarantined ──▶ revoked      a life-critical device: never cut off
    enrolled, active ──▶ quarantined                   any device whose counter makes no sense

`revoked` is final. This file reads no clock, and no status changes by the passing of time: only an
explicit act of a person brings a device back to `active`.
"""

from __future__ import annotations

from collections.abc import Callable

from countersign import identity
from countersign_gateway.model import Act, DeviceRecord, Status

_ORDINARY: dict[Status, frozenset[Status]] = {
    # The gateway itself quarantines a device; a person suspends one.
    Status.ENROLLED: frozenset(
        {Status.ACTIVE, Status.SUSPENDED, Status.QUARANTINED, Status.REVOKED}
    ),
    Status.ACTIVE: frozenset({Status.SUSPENDED, Status.QUARANTINED, Status.REVOKED}),
    Status.SUSPENDED: frozenset({Status.ACTIVE, Status.REVOKED}),
    Status.QUARANTINED: frozenset({Status.ACTIVE, Status.SUSPENDED, Status.REVOKED}),
    Status.REVOKED: frozenset(),
}

# Revoking a life-critical device takes two acts, by way of quarantine: one act cannot cut it off.
_LIFE_CRITICAL: dict[Status, frozenset[Status]] = {
    Status.ENROLLED: frozenset({Status.ACTIVE, Status.QUARANTINED}),
    Status.ACTIVE: frozenset({Status.QUARANTINED}),
    Status.SUSPENDED: frozenset({Status.ACTIVE, Status.QUARANTINED}),
    Status.QUARANTINED: frozenset({Status.ACTIVE, Status.REVOKED}),
    Status.REVOKED: frozenset(),
}


class IllegalTransition(Exception):
    """The requested change of status is not one of the arrows above."""


def allows(device_class: int, present: Status, wanted: Status) -> bool:
    """Whether a device of this class may go from `present` to `wanted`."""
    life_critical = device_class == identity.CLASS_LIFE_CRITICAL
    arrows = _LIFE_CRITICAL if life_critical else _ORDINARY
    return wanted in arrows[present]


class Lifecycle:
    """The only writer of status.

    device, set_status: the registry's methods. The pipeline calls `on_accepted` and stores the
    change in the same transaction as the decision. The other methods store the change at once, an
    operator's with the act. They raise KeyError for an unknown device, and IllegalTransition.
    """

    def __init__(
        self,
        device: Callable[[bytes], DeviceRecord | None],
        set_status: Callable[[bytes, Status, Act | None], None],
    ) -> None:
        self._device = device
        self._set_status = set_status

    @staticmethod
    def on_accepted(device: DeviceRecord) -> Status | None:
        """The status after accepted evidence, or None if it stays as it is."""
        return Status.ACTIVE if device.status is Status.ENROLLED else None

    def quarantine(self, device_id: bytes) -> bool:
        """Quarantine a device because of what it sent. False if a person has acted already."""
        device = self._known(device_id)
        if not allows(device.device_class, device.status, Status.QUARANTINED):
            return False
        self._move(device, Status.QUARANTINED, None)
        return True

    def suspend(self, device_id: bytes, act: Act | None = None) -> Status:
        """Suspend a device, or quarantine it if it is life-critical. Returns the new status."""
        device = self._known(device_id)
        life_critical = device.device_class == identity.CLASS_LIFE_CRITICAL
        return self._move(device, Status.QUARANTINED if life_critical else Status.SUSPENDED, act)

    def reinstate(self, device_id: bytes, act: Act | None = None) -> Status:
        return self._move(self._known(device_id), Status.ACTIVE, act)

    def revoke(self, device_id: bytes, act: Act | None = None) -> Status:
        return self._move(self._known(device_id), Status.REVOKED, act)

    def _known(self, device_id: bytes) -> DeviceRecord:
        device = self._device(device_id)
        if device is None:
            raise KeyError("no such device")
        return device

    def _move(self, device: DeviceRecord, wanted: Status, act: Act | None) -> Status:
        if not allows(device.device_class, device.status, wanted):
            raise IllegalTransition(
                f"a device of class {device.device_class} cannot go from "
                f"{device.status.name} to {wanted.name}"
            )
        self._set_status(device.device_id, wanted, act)
        return wanted
