"""`countersign package`: what `provision` installs on a board, for MicroPython's own installers.

    countersign package --board RPI_PICO_W          build/RPI_PICO_W/

The folder serves each way of installing; images/package.py says how.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from countersign_workshop.checkout import ROOT
from countersign_workshop.images import package


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--board", required=True, metavar="BOARD")
    parser.add_argument(
        "--engine",
        choices=("native", "pure"),
        help="native: with the module of machine code, which the device tests before it uses it. "
        "By default as board.json says: without it where it was never executed",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="build/<board> if absent; made anew"
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if the package was made; its size, engine and hash are printed."""
    board = arguments.board
    engine = arguments.engine or package.default_engine(board)
    made = package.make(board, arguments.output or ROOT / "build" / board, engine)
    total = sum(map(len, made.files.values()))
    print(f"{made.folder}: {len(made.files)} files, {total} bytes, {engine} engine")
    digest = hashlib.sha256((made.folder / package.index_path("latest")).read_bytes()).hexdigest()
    print(f"sha256 {digest} of the list of all files' hashes")
    return 0
