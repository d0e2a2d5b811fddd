"""How a device's MQTT client names itself at the site's broker.

This is the one place of the benchmark that changes when the default broker asks for accounts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from countersign_workshop.bench_perimeter.cast import Cast


@dataclass(frozen=True)
class Account:
    """username is None for an anonymous client."""

    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def of_device(cast: Cast, name: str) -> Account:
    """The account of a device that is enrolled at the site. `name`: as in the cast."""
    return Account("cs-" + cast.device(name).device_id.hex()[:20])


def of_gateway(cast: Cast) -> Account:
    """What an attacker can know of the gateway's own account: its client id is no secret."""
    return Account(f"countersign-gateway-{cast.gateway_id.hex()[:16]}")


def anonymous(client_id: str) -> Account:
    """A client without any credentials."""
    return Account(client_id)
