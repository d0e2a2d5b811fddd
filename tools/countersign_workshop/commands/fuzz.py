"""`countersign fuzz`: malformed input for every reader; the last line is one JSON object."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from pathlib import Path

from countersign_workshop.checkout import cache_folder
from countersign_workshop.fuzzing import run as fuzzing
from countersign_workshop.fuzzing.targets import TARGETS


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--executions", type=int, default=10_000_000, metavar="N", help="inputs")
    parser.add_argument("--seed", type=int, metavar="N", help="to repeat a run; random if absent")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="0: one for each core")
    parser.add_argument(
        "--only", nargs="+", default=(), choices=tuple(TARGETS), metavar="TARGET", help="of these"
    )
    parser.add_argument(
        "--again", type=Path, metavar="FILE", help="feed one finding's file again, and nothing else"
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 1 if there is a finding."""
    if arguments.again is not None:
        name = arguments.again.name.partition("-")[0]
        what = fuzzing.fed(TARGETS[name][0](), arguments.again.read_bytes())
        print(what or "it breaks nothing")
        return 1 if what else 0
    seed = secrets.randbelow(2**32) if arguments.seed is None else arguments.seed
    print(f"fuzz: seed {seed}", file=sys.stderr)
    outcome = fuzzing.fuzz(arguments.executions, seed, arguments.only, arguments.workers)
    folder = cache_folder() / "fuzz"
    fuzzing.write(outcome.findings, folder)
    for finding in outcome.findings:
        print(f"{folder / finding.file_name()}.bin: {finding.what}", file=sys.stderr)
    print(json.dumps({"seed": seed, **outcome.figures()}))
    return 1 if outcome.findings else 0
