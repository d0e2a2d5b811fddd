"""Who takes part in one attack: the site, its honest devices, and what the attacker has.

Devices are derived from their names, so that every process can make the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from countersign.identity import ENVIRONMENT_HARDWARE
from countersign_workshop.simulation.simulated_device import SimulatedDevice

INSIDER = "insider"


@dataclass(frozen=True)
class Cast:
    """One site under attack. Times are monotonic seconds, which all processes share.

    host, port: of the broker. honest: the names of the devices. starts_s, ends_s: the attack.
    interval_s: each honest device checks in that often.
    """

    host: str
    port: int
    site: str
    gateway_id: bytes
    gateway_key: bytes
    site_account_key: bytes
    honest: tuple[str, ...]
    starts_s: float
    ends_s: float
    interval_s: float

    def device(self, name: str) -> SimulatedDevice:
        """A device as it came from provisioning: its next counter is 1."""
        return device(name, self.gateway_id)

    def old_request(self, name: str) -> bytes:
        """The EnrolRequest that this device sent once, as somebody on the network kept it."""
        return self.device(name).request(b"\x01" * 32)


def device(name: str, gateway_id: bytes) -> SimulatedDevice:
    return SimulatedDevice.named(f"perimeter/{name}", gateway_id, ENVIRONMENT_HARDWARE)
