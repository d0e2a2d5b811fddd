"""The folder of a new site: its keys, and the settings that `countersign gateway run` takes."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coincurve import PublicKey, PublicKeyXOnly
from Crypto.Hash import keccak

from countersign_cli.mendable import Mendable
from countersign_gateway import config
from countersign_gateway.ingress.mqtt.private_file import replace_private
from countersign_gateway.registry.sqlite.connection import gateway_of
from countersign_gateway.statements.keys import (
    SigningKey,
    create_key_file,
    read_key_file,
)

CONFIG_NAME = "gateway.toml"
GATEWAY_KEY_NAME = "gateway.key"
LEDGER_KEY_NAME = "ledger.key"
SITE_ACCOUNT_KEY_NAME = "site_account.key"
BROKER_PASSWORD_NAME = "broker.password"  # noqa: S105 - a file's name
ACCOUNTS_NAME = "accounts"


_TLS = """\
# For TLS take away the "# " of these two lines, write the names that devices have as broker_host,
# and run `countersign gateway init`. Without it passwords cross the network in the clear.
# authority_file = "authority.pem"
# tls_names = ["gateway.example"]
"""

_OTHER_BROKER = f"""\
# The gateway's own account there. `site init` made the password.
username = "gateway"
password_file = "{BROKER_PASSWORD_NAME}"
# Where the gateway writes all accounts and rights for a Mosquitto.
accounts_folder = "{ACCOUNTS_NAME}"
"""


class SiteError(Mendable):
    """The site cannot be made. The text says why."""


@dataclass(frozen=True, slots=True)
class LedgerAddresses:
    """Where the site anchors. Contract addresses are 20 bytes."""

    rpc_urls: Sequence[str]
    chain_id: int
    commitment_log: bytes
    device_registry: bytes
    batch_max: int = 1000
    batch_age_s: float = 5.0
    blocks: str = "steady"


@dataclass(frozen=True, slots=True)
class Site:
    """A site folder that create_site made."""

    config_path: Path
    gateway_id: bytes
    gateway_public_key: bytes
    ledger_account: bytes
    site_account_key: bytes | None  # the public half; None for a site without a broker


def create_site(
    folder: Path,
    name: str,
    *,
    broker: str | None = "own",
    listen: str = "127.0.0.1:1883",
    lines: Sequence[str] = (),
    owner: bytes | None = None,
    allow_emulated: bool = False,
    device_class: int = 1,
    enrolment: str = "listed",
    provisioners: Sequence[bytes] = (),
    beacon_interval_s: float = 30.0,
    degraded_after_s: float = 120.0,
    ledger: LedgerAddresses | None = None,
    device_bytes_per_day: int | None = None,
) -> Site:
    """Make the folder of a site.

    owner: the account (20 bytes) that answers for the site's devices; by default the site's own
    ledger account. broker: None for a site that has serial lines only. lines: the ports of those
    lines. enrolment: who may enrol (`listed`, `approve` or `open`). provisioners: the public keys
    whose lists are taken. device_bytes_per_day: for devices that check in oftener than people's do;
    None leaves it to the gateway.

    SiteError if the folder holds a site already; OperatorError if a key or a setting is wrong.
    """
    config_path = folder / CONFIG_NAME
    if config_path.exists():
        raise SiteError(f"{config_path} exists already; a site is never overwritten")

    def settings(account: bytes) -> str:
        text = _toml(
            name=name,
            broker=broker,
            listen=listen,
            lines=lines,
            owner=account if owner is None else owner,
            allow_emulated=allow_emulated,
            device_class=device_class,
            enrolment=enrolment,
            provisioners=provisioners,
            beacon_interval_s=beacon_interval_s,
            degraded_after_s=degraded_after_s,
            ledger=ledger,
            device_bytes_per_day=device_bytes_per_day,
        )
        config.parse(text, folder)
        return text

    settings(bytes(20))  # what is refused leaves no folder behind
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_names = [GATEWAY_KEY_NAME, LEDGER_KEY_NAME]
    key_names += [] if broker is None else [SITE_ACCOUNT_KEY_NAME]
    for key_name in key_names:
        create_missing_key(folder / key_name)
    if broker not in (None, "own"):
        (folder / ACCOUNTS_NAME).mkdir(mode=0o700, exist_ok=True)
        if not (folder / BROKER_PASSWORD_NAME).exists():
            replace_private(folder / BROKER_PASSWORD_NAME, [secrets.token_urlsafe(32) + "\n"])
    gateway_key = SigningKey.from_file(folder / GATEWAY_KEY_NAME)
    ledger_account = account_address(read_key_file(folder / LEDGER_KEY_NAME))
    text = settings(ledger_account)
    # An RPC address may carry an access token.
    descriptor = os.open(config_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    account_key = None if broker is None else site_account_key(folder / SITE_ACCOUNT_KEY_NAME)
    return Site(
        config_path, gateway_key.gateway_id, gateway_key.public_key, ledger_account, account_key
    )


def create_missing_key(path: Path) -> bool:
    """Make a new secret key in `path`, unless there is something. Whether it was made."""
    if path.exists():
        return False
    create_key_file(path)
    return True


def check_gateway_key(key_file: Path, registry_path: Path) -> None:
    """SiteError if the registry belongs to another gateway than the key in key_file makes.

    Without the key file a new key would be made, and that is always another gateway.
    """
    bound = gateway_of(registry_path)
    if bound is None:
        return
    belongs = f"the registry {registry_path} belongs to gateway {bound.hex()[:16]}…"
    if not key_file.exists():
        raise SiteError(
            f"{belongs}, and its key is not at {key_file}: correct gateway.key_file or bring the "
            "key back; a new key would make a new gateway, which needs a registry of its own"
        )
    if SigningKey.from_file(key_file).gateway_id != bound:
        raise SiteError(f"{belongs}, and the key at {key_file} is another gateway's")


def site_account_key(path: Path) -> bytes:
    """The public half (32 bytes, x-only) of the site account key in `path`."""
    return PublicKeyXOnly.from_secret(read_key_file(path)).format()


def account_address(secret_key: bytes) -> bytes:
    """The ledger's 20-byte address of a key: the end of its public key's Keccak-256 hash.

    It is computed here because a site without a ledger has no EVM library.
    """
    point = PublicKey.from_secret(secret_key).format(compressed=False)
    return keccak.new(data=point[1:], digest_bits=256).digest()[-20:]


def _toml(
    *,
    name: str,
    broker: str | None,
    listen: str,
    lines: Sequence[str],
    owner: bytes,
    allow_emulated: bool,
    device_class: int,
    enrolment: str,
    provisioners: Sequence[bytes],
    beacon_interval_s: float,
    degraded_after_s: float,
    ledger: LedgerAddresses | None,
    device_bytes_per_day: int | None,
) -> str:
    share = (
        "" if device_bytes_per_day is None else f"\ndevice_bytes_per_day = {device_bytes_per_day}"
    )
    sections = [
        f"""\
[site]
name = {json.dumps(name)}

[gateway]
key_file = "{GATEWAY_KEY_NAME}"

{_ingress(broker, listen, lines)}
[verification]
beacon_interval_s = {beacon_interval_s}
challenge_ttl_s = 60

[policy]
# Emulated devices have no entropy worth the name: true is for demonstrations only.
allow_emulated = {str(allow_emulated).lower()}
# The account that answers for the devices on the ledger: the site's own, unless --owner named one.
owner = "0x{owner.hex()}"
# 1 standard, 2 life-critical (quarantined and alarmed, never cut)
device_class = {device_class}
# "listed": only devices that are admitted enrol here (countersign device admit). "approve": others
# wait until a person approves. "open": any, in a window of minutes (countersign device open).
enrolment = {json.dumps(enrolment)}
# Whose signed lists `countersign device admit` takes: public keys of `countersign device key`.
provisioners = {json.dumps([key.hex() for key in provisioners])}
policy_version = 1

[registry]
path = "registry.sqlite3"{share}

[freshness]
degraded_after_s = {degraded_after_s}
"""
    ]
    if ledger is None:
        sections.append(
            "# No [anchoring] section: nothing is anchored, and every verdict says degraded.\n"
        )
    else:
        sections.append(
            f"""\
[anchoring]
rpc_urls = {json.dumps(list(ledger.rpc_urls))}
chain_id = {ledger.chain_id}
commitment_log = "0x{ledger.commitment_log.hex()}"
device_registry = "0x{ledger.device_registry.hex()}"
ledger_key_file = "{LEDGER_KEY_NAME}"
batch_max = {ledger.batch_max}
batch_age_s = {ledger.batch_age_s}
# "steady": the chain makes blocks all the time. "on_demand": for transactions only.
blocks = "{ledger.blocks}"
"""
        )
    return "\n".join(sections)


def _ingress(broker: str | None, listen: str, lines: Sequence[str]) -> str:
    sections = [f"[[ingress.serial]]\nurl = {json.dumps(line)}\n" for line in lines]
    if broker is not None:
        sections.insert(
            0,
            f"""\
[ingress.mqtt]
# "own" runs Mosquitto; "mqtts://host:port" uses a broker that runs elsewhere, and "mqtt://" one
# on this machine. gateway/examples/mosquitto says which settings make another broker safe.
broker = {json.dumps(broker)}
# Where the own broker listens: devices must reach it. Port 0 takes a free one.
listen = {json.dumps(listen)}
{_TLS if broker == "own" else ""}# From this secret follow the devices' passwords at the broker.
site_account_key_file = "{SITE_ACCOUNT_KEY_NAME}"
{"" if broker == "own" else _OTHER_BROKER}""",
        )
    return "\n".join(sections)
