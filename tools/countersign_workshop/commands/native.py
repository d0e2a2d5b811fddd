"""`countersign native [ARCHITECTURE...]`: build the native engine as MicroPython modules."""

from __future__ import annotations

import argparse
import hashlib

from countersign_cli.mendable import Mendable
from countersign_workshop.images import native


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "architectures", nargs="*", metavar="ARCHITECTURE", help=f"of {', '.join(native.TARGETS)}"
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if every module was built; each one's name, size and hash are printed."""
    for architecture in arguments.architectures or native.TARGETS:
        try:
            path = native.build(architecture)
        except Mendable as fault:
            raise Mendable(f"{architecture}: {fault}") from None
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        print(f"native: {architecture}: {len(data)} bytes, sha256 {digest}", flush=True)
    return 0
