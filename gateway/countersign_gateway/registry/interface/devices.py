"""Devices: the record of each."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Protocol

from countersign_gateway.model import Act, DeviceRecord, Status


class Devices(Protocol):
    """The devices that enrolled here, and the status of each."""

    def device(self, device_id: bytes) -> DeviceRecord | None:
        """The device as of the last durable decision, or None. Cheap: called for each message."""

    def devices(self) -> Iterator[DeviceRecord]:
        """All devices, in order of first enrolment, as they were at one moment."""

    def account_mark(self) -> Hashable:
        """Changes whenever a device enters or is revoked, and with each act of a person.

        Cheap: called a few times a second.
        """

    def set_status(self, device_id: bytes, status: Status, act: Act | None = None) -> None:
        """Change a device's status, durably. Only governance/lifecycle calls this.

        act: recorded in the same transaction. RegistryError for an unknown device, or for leaving
        REVOKED, which is final.
        """

    def raise_counter(self, device_id: bytes, counter: int, act: Act) -> None:
        """Take `counter` as the last one accepted of a device, and record the act.

        RegistryError for an unknown device, or if the counter would not grow.
        """
