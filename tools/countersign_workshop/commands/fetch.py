"""`countersign fetch`: fetch a part that comes from elsewhere into this checkout's cache."""

from __future__ import annotations

import argparse

from countersign_workshop.parts import toolchain


def register(parser: argparse.ArgumentParser) -> None:
    names = [part.name for part in toolchain.parts()]
    parser.add_argument("part", nargs="+", choices=names, help=", ".join(names), metavar="PART")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if each part is there now."""
    return toolchain.main(["fetch", *arguments.part])
