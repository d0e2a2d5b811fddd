"""`countersign gateway`: run a site's gateway, see how it is, make its keys, check its broker.

    countersign gateway run --config gateway.toml
    countersign gateway status --config gateway.toml [--json]
    countersign gateway init --config gateway.toml
    countersign gateway check --config gateway.toml
    countersign gateway repair --config gateway.toml [--apply] [--new-ledger-key]

`status` says in words what status.json holds, which the gateway writes beside its registry each
second. Exit status 1 if the gateway is stopped, or the file is old.

`init` makes the keys that the configuration names and that are not there yet, and the site's
authority for TLS. What exists is never overwritten. `check` attacks the running broker with two
accounts of its own, and says which rules it keeps. Exit status 1 if it does not keep all of them.
`repair` says where the record, the ledger and the receipts stand, and with `--apply` lets the
record go on; the gateway must be stopped.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

EXTRAS = ("gateway", "ledger")


def register(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="gateway_command", required=True)
    for name, help_text in (
        ("run", "run until SIGTERM or Ctrl-C"),
        ("status", "say how the gateway is"),
        ("init", "make the keys that the configuration names"),
        ("check", "test whether the running broker is safe"),
        ("repair", "say where the record and the ledger stand, and go on"),
    ):
        command = commands.add_parser(name, help=help_text)
        command.add_argument("--config", type=Path, required=True, help="the site's gateway.toml")
        if name == "status":
            command.add_argument("--json", action="store_true", help="print status.json as it is")
        if name == "repair":
            command.add_argument("--apply", action="store_true", help="mend what is wrong")
            command.add_argument(
                "--new-ledger-key", action="store_true", help="go on under a new ledger account"
            )


def run(arguments: argparse.Namespace) -> int:
    """The exit status of the gateway, or of the command."""
    if arguments.gateway_command == "run":
        from countersign_gateway import run as running

        status: int = running.main(["run", "--config", str(arguments.config)])
        return status
    if arguments.gateway_command == "repair":
        return _repair(arguments)
    if arguments.gateway_command == "status":
        return _status(arguments.config, as_json=arguments.json)
    return {"init": _init, "check": _check}[arguments.gateway_command](arguments.config)


def _repair(arguments: argparse.Namespace) -> int:
    # Only this user may read a key that it makes.
    os.umask(0o077)
    from countersign_gateway.anchoring import repair_command

    status: int = repair_command.run(
        arguments.config, apply=arguments.apply, new_ledger_key=arguments.new_ledger_key
    )
    return status


def _status(config_path: Path, *, as_json: bool) -> int:
    from countersign_cli import site_status
    from countersign_gateway import config

    path = config.load(config_path).registry_path.with_name("status.json")
    status = site_status.load(path, datetime.now(UTC))
    if as_json:
        print(status.text, end="")
        if status.fault is not None:
            print(f"countersign gateway: {status.fault}", file=sys.stderr)
    else:
        print("\n".join(site_status.lines(status)))
    return 0 if status.fault is None else 1


def _init(config_path: Path) -> int:
    from countersign_cli import site_folder
    from countersign_gateway import config
    from countersign_gateway.statements.keys import SigningKey

    settings = config.load(config_path)
    site_folder.check_gateway_key(settings.key_file, settings.registry_path)
    files = {"gateway key": settings.key_file}
    if settings.mqtt is not None and settings.mqtt.site_account_key_file is not None:
        files["site account key"] = settings.mqtt.site_account_key_file
    if settings.anchoring is not None:
        files["ledger key"] = settings.anchoring.ledger_key_file
    for name, path in files.items():
        made = site_folder.create_missing_key(path)
        print(f"{name:<18}  {path}  ({'made' if made else 'was there'})")
        if made and name == "gateway key":
            new_key = SigningKey.from_file(path).public_key.hex()
            print(
                "This is a NEW gateway with a NEW key: devices that trust another gateway's key do "
                f"not hear it until they have gateway_public_key {new_key}"
            )
    if settings.mqtt is not None and settings.mqtt.authority_file is not None:
        _init_authority(settings.mqtt.authority_file, settings.site)
    if "site account key" in files:
        public = site_folder.site_account_key(files["site account key"])
        print(f"site_account_key    {public.hex()}  (in the devices)")
    return 0


def _init_authority(path: Path, site: str) -> None:
    from countersign_gateway.ingress.mqtt.site_authority import SiteAuthority, create_authority

    was_there = path.exists()
    if not was_there:
        create_authority(path, site)
    for_devices = path.with_suffix(".der")
    for_devices.write_bytes(SiteAuthority.from_file(path).certificate_der())
    print(f"authority           {path}  ({'was there' if was_there else 'made'})")
    print(f"tls_ca_path         {for_devices}  (in the devices)")


def _check(config_path: Path) -> int:
    from countersign_cli import broker_check
    from countersign_gateway import config

    findings = list(broker_check.of_site(config.load(config_path)).findings())
    for finding in findings:
        print(f"{'holds' if finding.holds else 'FAILS'}  {finding.sentence}")
    return 0 if all(finding.holds for finding in findings) else 1
