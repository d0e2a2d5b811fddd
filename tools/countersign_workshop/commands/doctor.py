"""`countersign doctor`: what this machine has and lacks, each with the command that mends it.

Exit status 0 if everything that `make demo` needs is there (with `--for test`: what `make test`
needs), otherwise 1. A first `make demo` fetches it all by itself; this says what it would fetch.
"""

from __future__ import annotations

import argparse

from countersign_cli import diagnosis
from countersign_workshop.checks import machine

_TARGETS = {
    "demo": ("demo",),
    "test": ("demo", "test"),
    "test-boards": ("demo", "test", "test-boards"),
}


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON array instead")
    parser.add_argument(
        "--for",
        dest="target",
        choices=_TARGETS,
        default="demo",
        help="the make target that decides the exit status (demo)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 1 if something is missing that the target needs."""
    return diagnosis.show(list(machine.examine()), _TARGETS[arguments.target], arguments.json)
