"""How a device's MQTT client names itself at the site's broker (PROTOCOL.md, section 12)."""

from __future__ import annotations

from dataclasses import dataclass, field

from countersign import accounts as lobby
from countersign_workshop.bench_perimeter.cast import Cast

LOBBY_DEVICE = bytes(32)  # any device whose first byte has its place in this account


@dataclass(frozen=True)
class Account:
    """username is None for an anonymous client."""

    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def of_device(cast: Cast, name: str) -> Account:
    """The account of a device that is enrolled at the site. `name`: as in the cast."""
    username, password = cast.device(name).broker_account(cast.site_account_key, cast.site)
    return Account(username, username, password)


def of_lobby(cast: Cast) -> Account:
    """One of the accounts that devices use before the site knows them."""
    name = lobby.lobby_username(LOBBY_DEVICE)
    return Account(name, name, lobby.lobby_password(cast.site_account_key, cast.site))


def of_gateway(cast: Cast) -> Account:
    """What an attacker may guess of the gateway's own account, whose name is made anew at each
    start."""
    return Account(f"countersign-gateway-{cast.gateway_id.hex()[:16]}")


def anonymous(client_id: str) -> Account:
    """A client without any credentials."""
    return Account(client_id)
