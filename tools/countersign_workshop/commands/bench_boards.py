"""`countersign bench-boards`: measure emulated boards at a site; the last line is one JSON object.

Each board runs its whole image, joins a real gateway over its serial line, and checks in there. The
image is the one that `countersign build` made last. What each figure means, and whose clock it is
in, is printed before, on standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from countersign_cli.mendable import Mendable
from countersign_gateway.model import OperatorError
from countersign_workshop.bench_boards import figures
from countersign_workshop.images import firmware_build


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only",
        nargs="+",
        choices=firmware_build.IMAGES,
        metavar="BOARD",
        help=f"of {', '.join(firmware_build.IMAGES)}",
    )
    parser.add_argument(
        "--check-ins", type=int, default=1024, metavar="N", help="back to back; 1024 if absent"
    )
    parser.add_argument("--boots", type=int, default=5, metavar="N", help="5 if absent")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if every board was measured without trouble and RPI_PICO meets its bounds."""
    if arguments.check_ins < 1 or arguments.boots < 1:
        print("bench-boards: --check-ins and --boots are 1 or more", file=sys.stderr)
        return 2
    names = list(arguments.only or firmware_build.IMAGES)
    result: dict[str, Any] = {}
    failed = False
    for name in names:

        def say(line: str, name: str = name) -> None:
            _say(f"{name}: {line}")

        try:
            result[name] = figures.measure(name, arguments.check_ins, arguments.boots, say)
        except (Mendable, OperatorError, OSError) as fault:
            say(f"not measured: {fault}")
            result[name] = None
            failed = True
            continue
        if result[name]["troubles"]:
            say(f"there was trouble: {result[name]['troubles']}")
            failed = True
        if name == "RPI_PICO":
            for miss in figures.missed(result[name]):
                say(miss)
                failed = True
    for about, note in figures.NOTES.items():
        _say(f"note: {about}: {note}")
    print(json.dumps(result), flush=True)
    return 1 if failed else 0


_STARTED_S = time.monotonic()


def _say(line: str) -> None:
    print(f"[{time.monotonic() - _STARTED_S:5.1f} s] {line}", file=sys.stderr, flush=True)
