"""Which devices have an account at the site's broker."""

from __future__ import annotations

from typing import Protocol

from countersign_gateway.model import Status
from countersign_gateway.registry.interface import Admissions, Devices


class Roster(Devices, Admissions, Protocol):
    """The part of the registry that says who may connect."""


def accounts_of(registry: Roster) -> dict[bytes, bytes]:
    """The public key of each device that is known or admitted, and not revoked, by device_id.

    A suspended device keeps its account: it must learn why it is refused.
    """
    accounts = {one.device_id: one.public_key for one in registry.admissions()}
    for device in registry.devices():
        if device.status is Status.REVOKED:
            accounts.pop(device.device_id, None)
        else:
            accounts[device.device_id] = device.public_key
    return accounts
