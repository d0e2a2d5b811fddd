"""Which devices have an account at the site's broker."""

from __future__ import annotations

from countersign_gateway.model import Status
from countersign_gateway.registry.interface import Devices


def accounts_of(registry: Devices) -> dict[bytes, bytes]:
    """The public key of each device that is known and not revoked, by device_id.

    A suspended device keeps its account: it must learn why it is refused.
    """
    return {
        device.device_id: device.public_key
        for device in registry.devices()
        if device.status is not Status.REVOKED
    }
