"""Devices: the record of each."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Protocol

from countersign_gateway.model import DeviceRecord, Status


class Devices(Protocol):
    """The devices that enrolled here, and the status of each."""

    def device(self, device_id: bytes) -> DeviceRecord | None:
        """The device as of the last durable decision, or None. Cheap: called for each message."""

    def devices(self) -> Iterator[DeviceRecord]:
        """All devices, in order of first enrolment, as they were at one moment."""

    def account_mark(self) -> Hashable:
        """Changes whenever a device enters or is revoked. Cheap: called a few times a second."""

    def set_status(self, device_id: bytes, status: Status) -> None:
        """Change a device's status, durably. Only governance/lifecycle calls this.

        RegistryError for an unknown device, or for leaving REVOKED, which is final.
        """
