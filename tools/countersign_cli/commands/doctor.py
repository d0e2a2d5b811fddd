"""`countersign doctor`: what this machine has and lacks, each with the command that mends it.

Exit status 0 if everything is there that the extra named with `--for` needs; without `--for`, what
the command itself needs.
"""

from __future__ import annotations

import argparse

from countersign_cli import diagnosis, extras


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON array instead")
    parser.add_argument(
        "--for",
        dest="extra",
        choices=tuple(extras.MODULES),
        help="the extra that decides the exit status",
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 1 if something is missing that the extra needs."""
    needed = {diagnosis.DISTRIBUTION, arguments.extra}
    if arguments.extra == "ledger":
        needed.add("gateway")
    return diagnosis.show(list(diagnosis.of_operators()), needed, arguments.json)
