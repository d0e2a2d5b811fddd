"""`countersign site init FOLDER`: the keys and settings of a new site.

Makes FOLDER with a gateway key, a ledger account key, a site account key (mode 0600 each) and a
gateway.toml that `countersign gateway run` takes as it is. Nothing that exists is overwritten.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from countersign_cli.site_folder import LedgerAddresses

EXTRAS = ("gateway",)


def register(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="site_command", required=True)
    init = commands.add_parser("init", help="make a site folder with keys and settings")
    init.add_argument("folder", type=Path)
    init.add_argument("--name", required=True, help="the site in topics: a-z, 0-9 and '-'")
    init.add_argument(
        "--broker", default="own", help='"own", "mqtt://host:port", "mqtts://host:port", or "none"'
    )
    init.add_argument("--listen", default="127.0.0.1:1883", help="of the own broker")
    init.add_argument(
        "--line",
        action="append",
        default=[],
        metavar="PORT",
        help="a serial line: /dev/ttyACM0 or socket://host:port; may be given again",
    )
    init.add_argument("--owner", help="0x… address that answers for the devices")
    init.add_argument("--device-class", type=int, default=1, help="1 standard, 2 life-critical")
    init.add_argument(
        "--enrolment",
        default="listed",
        choices=("listed", "approve", "open"),
        help="who may enrol: admitted devices, also approved ones, or any in a window of minutes",
    )
    init.add_argument(
        "--provisioner",
        action="append",
        default=[],
        metavar="HEX",
        help="a public key of countersign device key; may be given again",
    )
    init.add_argument("--allow-emulated", action="store_true", help="for demonstrations only")
    ledger = init.add_argument_group("ledger (all four, or none)")
    ledger.add_argument(
        "--rpc-url",
        action="append",
        help="of a ledger's node; give three that different parties run",
    )
    ledger.add_argument("--chain-id", type=int)
    ledger.add_argument("--commitment-log", help="0x… address of CommitmentLog")
    ledger.add_argument("--device-registry", help="0x… address of DeviceID")
    ledger.add_argument(
        "--blocks",
        default="steady",
        choices=("steady", "on_demand"),
        help="when the chain makes blocks: all the time, or for transactions only",
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if the site was made. SiteError if it was not."""
    from countersign_cli.site_folder import SiteError, create_site

    if arguments.broker == "none" and not arguments.line:
        raise SiteError("a site without a broker needs a serial line: give --line PORT")
    site = create_site(
        arguments.folder,
        arguments.name,
        broker=None if arguments.broker == "none" else arguments.broker,
        listen=arguments.listen,
        lines=arguments.line,
        owner=None if arguments.owner is None else _address(arguments.owner),
        allow_emulated=arguments.allow_emulated,
        device_class=arguments.device_class,
        enrolment=arguments.enrolment,
        provisioners=[_public_key(text) for text in arguments.provisioner],
        ledger=_ledger(arguments),
    )
    print(f"site folder         {arguments.folder}")
    print(f"gateway public key  {site.gateway_public_key.hex()}  (pin this one in the devices)")
    if site.site_account_key is not None:
        print(
            f"site account key    {site.site_account_key.hex()}  (site_account_key in the devices)"
        )
    print(f"gateway_id          {site.gateway_id.hex()}")
    use = "not used yet" if arguments.rpc_url is None else "fund it; appoint it in UserID"
    print(f"ledger account      0x{site.ledger_account.hex()}  ({use})")
    if arguments.rpc_url is not None:
        print(f"then claim its log  countersign gateway repair --config {site.config_path} --apply")
    print(f"start it with       countersign gateway run --config {site.config_path}")
    return 0


def _ledger(arguments: argparse.Namespace) -> LedgerAddresses | None:
    from countersign_cli.site_folder import LedgerAddresses, SiteError

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
        blocks=arguments.blocks,
    )


def _public_key(text: str) -> bytes:
    from countersign_cli.site_folder import SiteError

    try:
        return bytes.fromhex(text)
    except ValueError:
        raise SiteError(f"{text} is not a public key: 64 hexadecimal digits") from None


def _address(text: str) -> bytes:
    from countersign_cli.site_folder import SiteError

    try:
        address = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        address = b""
    if len(address) != 20:
        raise SiteError(f"{text} is not an address: 0x and 40 hexadecimal digits")
    return address
