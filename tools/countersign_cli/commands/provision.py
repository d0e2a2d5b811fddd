"""`countersign provision`: make a board that runs MicroPython a device with an identity.

    countersign provision --port /dev/ttyACM0 --name bed-7 --settings site.json
    countersign provision --batch boards.csv --settings site.json

What a row may say is in tools/PROVISIONING.md. The private key is made on the board and stays
there; a board that has an identity keeps it. Run the same command again after anything went wrong.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from countersign_cli import device_id_argument

EXTRAS = ("boards",)


def register(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--port", help="one board: /dev/ttyACM0 or socket://host:port")
    what.add_argument("--batch", type=Path, metavar="CSV", help="the boards of this file")
    parser.add_argument("--name", help="of the one board")
    parser.add_argument("--board", help="of the one board: refuse another kind")
    parser.add_argument("--baud", help="of the one board's port")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SETTING=VALUE",
        help="for the one board, over --settings",
    )
    parser.add_argument(
        "--settings", type=Path, metavar="JSON", help="what all boards share: site, broker, keys"
    )
    parser.add_argument("--check", action="store_true", help="check the input, touch no board")
    parser.add_argument("--parallel", type=int, default=4, help="ports at a time (4)")
    parser.add_argument("--report", type=Path, help="a .csv or .json file; by default beside CSV")
    parser.add_argument("--no-start", action="store_true", help="leave the agents unstarted")
    parser.add_argument(
        "--pure-engine", action="store_true", help="install no native engine: proofs take longer"
    )
    parser.add_argument(
        "--provisioner-key",
        type=Path,
        metavar="FILE",
        help="opens the prompt of the devices it provisioned; made if there is none. Without it, "
        "a running device needs its BOOTSEL button",
    )
    parser.add_argument(
        "--device-id",
        type=device_id_argument.device_id,
        metavar="ID",
        help="the running device for which the provisioner key signs: 64 digits, from its report",
    )
    identity = parser.add_argument_group("identities")
    identity.add_argument(
        "--new-identity", action="store_true", help="end the identity that a board has"
    )
    identity.add_argument(
        "--next-key",
        choices=("board", "owner"),
        default="board",
        help="who holds the next key of a new identity (board)",
    )
    identity.add_argument(
        "--next-key-folder",
        type=Path,
        metavar="DIR",
        help="where the owner's next keys are kept, each in an encrypted file",
    )
    identity.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="the passphrase of those files; without it, it is asked for",
    )
    identity.add_argument(
        "--erase-files",
        action="store_true",
        help="make files anew that a board cannot read: ends the identity that may be in them",
    )
    identity.add_argument(
        "--abandon",
        action="append",
        default=[],
        metavar="ID",
        help="device id or unique id of a board for which that is meant",
    )
    identity.add_argument(
        "--release",
        action="append",
        default=[],
        metavar="NAME",
        help="begin this row of the batch anew, on whatever board is there",
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if every board is done, 1 if one is not, 2 if the input cannot be used."""
    from countersign_cli.provisioning import runbook

    return runbook.run(arguments)
