"""`countersign bench-perimeter`: attack a site; the last line is one JSON object.

bench_perimeter/measurement.py says what is measured, and how.
"""

from __future__ import annotations

import argparse
import json
import sys

from countersign_workshop.bench_perimeter.attacks import ATTACKS
from countersign_workshop.bench_perimeter.measurement import Plan, measure


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="of each attack")
    parser.add_argument("--devices", type=int, default=50, metavar="N", help="honest ones")
    parser.add_argument(
        "--interval", type=float, default=5.0, metavar="S", help="between a device's check-ins"
    )
    parser.add_argument(
        "--fuzz", type=int, default=10_000_000, metavar="N", help="inputs of the fuzzer, at the end"
    )
    parser.add_argument(
        "--only", nargs="+", default=(), choices=tuple(ATTACKS), metavar="ATTACK", help="of these"
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 once everything is measured, whatever the figures are."""
    if min(arguments.seconds, arguments.devices, arguments.interval) <= 0:
        print("bench-perimeter: every number is above 0", file=sys.stderr)
        return 2
    plan = Plan(
        seconds=arguments.seconds,
        devices=arguments.devices,
        interval_s=arguments.interval,
        only=tuple(arguments.only),
        fuzz_executions=arguments.fuzz,
    )
    figures = measure(plan, lambda line: print(line, file=sys.stderr, flush=True))
    print(json.dumps(figures), flush=True)
    return 0
