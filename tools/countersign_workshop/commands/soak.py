"""`countersign soak`: one emulated board checks in for long; the last line is one JSON object."""

from __future__ import annotations

import argparse
import json
import sys

from countersign_workshop.bench_boards import soak
from countersign_workshop.images import firmware_build


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--board", default="RPI_PICO", choices=firmware_build.IMAGES)
    parser.add_argument(
        "--check-ins", type=int, default=10_000, metavar="N", help="10000 if absent"
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if the board passes; 1 if it does not, or if the run could not be finished."""
    if arguments.check_ins < soak.LEAST_CHECK_INS:
        print(f"soak: --check-ins is {soak.LEAST_CHECK_INS} or more", file=sys.stderr)
        return 2
    result = soak.soak(arguments.board, arguments.check_ins)
    for reason in result["faults"]:
        print(f"soak: {reason}", file=sys.stderr)
    print(json.dumps(result), flush=True)
    return 1 if result["faults"] else 0
