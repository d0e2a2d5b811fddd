"""`countersign runtime`: start a real MicroPython on this machine, with our modules on its path.

countersign runtime                       a prompt on this machine's own architecture
countersign runtime --on armhf script.py  a script on 32-bit ARM, with a heap like an RP2040's
"""

from __future__ import annotations

import argparse
import os

from countersign_workshop.checkout import ROOT
from countersign_workshop.parts import micropython


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--on",
        choices=micropython.runtimes(),
        help="the runtime; this machine's own architecture if absent",
    )
    parser.add_argument("--heap-bytes", type=int, metavar="N", help="a device's heap if absent")
    parser.add_argument("script", nargs=argparse.REMAINDER, help="a script and its arguments")


def run(arguments: argparse.Namespace) -> int:
    """Replace this process by the runtime. RuntimeMissing if it is not there."""
    argv = micropython.argv(arguments.on, arguments.heap_bytes)
    folders = [ROOT / "firmware/lib", ROOT / "firmware/agent"]
    script = arguments.script[arguments.script[:1] == ["--"] :]
    os.execve(argv[0], [*argv, *script], micropython.environment(folders))
