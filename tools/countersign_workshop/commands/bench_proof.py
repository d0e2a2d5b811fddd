"""`countersign bench-proof`: measure proofs on emulated boards; the last line is one JSON object.

bench_proof/places.py says where, in which units, and what a null means.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from countersign_workshop.bench_proof import boards, places


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--only",
        nargs="+",
        choices=places.PLACES,
        metavar="PLACE",
        help=f"of {', '.join(places.PLACES)}",
    )
    parser.add_argument("--engines", nargs="+", choices=boards.ENGINES, default=boards.ENGINES)
    parser.add_argument(
        "--secrets", type=int, default=1000, metavar="N", help="for ct_spread; 0: not measured"
    )
    parser.add_argument(
        "--details", type=Path, metavar="FILE", help="write every figure and every note as JSON"
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if every place was measured and the prover's time is equal for every secret."""
    return places.run(arguments)
