"""`countersign site init FOLDER`: the keys and settings of a new site.

Makes FOLDER with a gateway key, a ledger account key (mode 0600 each) and a gateway.toml that
`countersign gateway run` takes as it is. Nothing that exists is overwritten.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from countersign_gateway import config
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.statements.keys import KeyFileError, SigningKey, create_key_file

CONFIG_NAME = "gateway.toml"
GATEWAY_KEY_NAME = "gateway.key"
LEDGER_KEY_NAME = "ledger.key"


class SiteError(Exception):
    """The site cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class LedgerAddresses:
    """Where the site anchors. Contract addresses are 20 bytes."""

    rpc_url: str
    chain_id: int
    commitment_log: bytes
    device_registry: bytes
    batch_max: int = 1000
    batch_age_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Site:
    """A site folder that was made."""

    config_path: Path
    gateway_id: bytes
    gateway_public_key: bytes
    ledger_account: bytes


def create_site(
    folder: Path,
    name: str,
    *,
    broker: str | None = "embedded",
    listen: str = "127.0.0.1:1883",
    lines: Sequence[str] = (),
    owner: bytes | None = None,
    allow_emulated: bool = False,
    device_class: int = 1,
    beacon_interval_s: float = 30.0,
    degraded_after_s: float = 30.0,
    ledger: LedgerAddresses | None = None,
) -> Site:
    """Make the folder. `owner` (20 bytes): who answers for its devices; by default the site's own
    ledger account. broker: None for a site of serial lines alone. lines: their ports.

    SiteError if a setting is wrong or the folder holds a site already."""
    config_path = folder / CONFIG_NAME
    if config_path.exists():
        raise SiteError(f"{config_path} exists already; a site is never overwritten")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        for key_name in (GATEWAY_KEY_NAME, LEDGER_KEY_NAME):
            if not (folder / key_name).exists():
                create_key_file(folder / key_name)
        gateway_key = SigningKey.from_file(folder / GATEWAY_KEY_NAME)
        ledger_key = LedgerKey.load_or_create(folder / LEDGER_KEY_NAME)
    except KeyFileError as error:
        raise SiteError(str(error)) from None
    text = _toml(
        name=name,
        broker=broker,
        listen=listen,
        lines=lines,
        owner=ledger_key.address if owner is None else owner,
        allow_emulated=allow_emulated,
        device_class=device_class,
        beacon_interval_s=beacon_interval_s,
        degraded_after_s=degraded_after_s,
        ledger=ledger,
    )
    try:
        config.parse(text, folder)
    except config.ConfigError as error:
        raise SiteError(str(error)) from None
    # An RPC address may carry an access token.
    descriptor = os.open(config_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return Site(config_path, gateway_key.gateway_id, gateway_key.public_key, ledger_key.address)


def _toml(
    *,
    name: str,
    broker: str | None,
    listen: str,
    lines: Sequence[str],
    owner: bytes,
    allow_emulated: bool,
    device_class: int,
    beacon_interval_s: float,
    degraded_after_s: float,
    ledger: LedgerAddresses | None,
) -> str:
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
owner = "0x{owner.hex()}"
# 1 standard, 2 life-critical (quarantined and alarmed, never cut)
device_class = {device_class}
policy_version = 1

[registry]
path = "registry.sqlite3"

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
rpc_url = {json.dumps(ledger.rpc_url)}
chain_id = {ledger.chain_id}
commitment_log = "0x{ledger.commitment_log.hex()}"
device_registry = "0x{ledger.device_registry.hex()}"
ledger_key_file = "{LEDGER_KEY_NAME}"
batch_max = {ledger.batch_max}
batch_age_s = {ledger.batch_age_s}
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
# "embedded" runs a broker in this process; "mqtt://host:port" uses one that runs elsewhere.
# In Mosquitto set max_inflight_messages to 4096 and set_tcp_nodelay to true: its default of 20
# unacknowledged messages keeps a group small, and every group costs one flush of the disk.
broker = {json.dumps(broker)}
# Where the embedded broker listens: devices must reach it. Port 0 takes a free one.
listen = {json.dumps(listen)}
""",
        )
    return "\n".join(sections)


def register(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="site_command", required=True)
    init = commands.add_parser("init", help="make a site folder with keys and settings")
    init.add_argument("folder", type=Path)
    init.add_argument("--name", required=True, help="the site in topics: a-z, 0-9 and '-'")
    init.add_argument(
        "--broker", default="embedded", help='"embedded", "mqtt://host:port", or "none"'
    )
    init.add_argument("--listen", default="127.0.0.1:1883", help="of the embedded broker")
    init.add_argument(
        "--line",
        action="append",
        default=[],
        metavar="PORT",
        help="a serial line: /dev/ttyACM0 or socket://host:port; may be given again",
    )
    init.add_argument("--owner", help="0x… address that answers for the devices")
    init.add_argument("--device-class", type=int, default=1, help="1 standard, 2 life-critical")
    init.add_argument("--allow-emulated", action="store_true", help="for demonstrations only")
    ledger = init.add_argument_group("ledger (all four, or none)")
    ledger.add_argument("--rpc-url")
    ledger.add_argument("--chain-id", type=int)
    ledger.add_argument("--commitment-log", help="0x… address of CommitmentLog")
    ledger.add_argument("--device-registry", help="0x… address of DeviceID")


def run(arguments: argparse.Namespace) -> int:
    """0 if the site was made, 1 if not."""
    try:
        site = create_site(
            arguments.folder,
            arguments.name,
            broker=None if arguments.broker == "none" else arguments.broker,
            listen=arguments.listen,
            lines=arguments.line,
            owner=None if arguments.owner is None else _address(arguments.owner),
            allow_emulated=arguments.allow_emulated,
            device_class=arguments.device_class,
            ledger=_ledger(arguments),
        )
    except SiteError as error:
        print(f"countersign site: {error}", file=sys.stderr)
        return 1
    print(f"site folder         {arguments.folder}")
    print(f"gateway public key  {site.gateway_public_key.hex()}  (pin this one in the devices)")
    print(f"gateway_id          {site.gateway_id.hex()}")
    print(f"ledger account      0x{site.ledger_account.hex()}  (fund it; appoint it in UserID)")
    print(f"start it with       countersign gateway run --config {site.config_path}")
    return 0


def _ledger(arguments: argparse.Namespace) -> LedgerAddresses | None:
    given = (
        arguments.rpc_url,
        arguments.chain_id,
        arguments.commitment_log,
        arguments.device_registry,
    )
    if all(value is None for value in given):
        return None
    if any(value is None for value in given):
        raise SiteError("a ledger needs --rpc-url --chain-id --commitment-log --device-registry")
    return LedgerAddresses(
        arguments.rpc_url,
        arguments.chain_id,
        _address(arguments.commitment_log),
        _address(arguments.device_registry),
    )


def _address(text: str) -> bytes:
    try:
        address = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        address = b""
    if len(address) != 20:
        raise SiteError(f"{text} is not an address: 0x and 40 hexadecimal digits")
    return address
