"""`countersign emulate`: run a script on an emulated board and print what it printed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from countersign_tools import firmware_build, qemu, rp2040, toolchain, uf2
from countersign_tools.raw_repl import ReplError, ScriptFailed

_BOARDS = ("RPI_PICO", *qemu.MACHINES)
_FAULTS = (
    *toolchain.FAULTS,
    *firmware_build.FAULTS,
    ReplError,
    rp2040.EmulatorError,
    rp2040.PowerCut,
    qemu.QemuMissing,
    qemu.EmulatorError,
    uf2.Uf2Error,
    OSError,
)


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--board", required=True, choices=_BOARDS, metavar="BOARD")
    parser.add_argument("--script", required=True, type=Path, metavar="FILE")
    parser.add_argument(
        "--copy",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="copy this file to the board's file system first",
    )
    parser.add_argument("--image", type=Path, metavar="FILE", help="instead of the one built last")
    parser.add_argument("--flash", type=Path, metavar="FILE", help="keep the board's flash here")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if the script ran to its end."""
    try:
        if arguments.flash and arguments.board in qemu.MACHINES:
            print(f"emulate: {arguments.board} has no flash to keep", file=sys.stderr)
            return 1
        image = arguments.image or firmware_build.built(arguments.board).file
        with _board(arguments, image) as board:
            board.copy_in({path.name: path.read_bytes() for path in arguments.copy})
            print(board.run(arguments.script.read_text(encoding="utf-8")), end="")
    except ScriptFailed as failed:
        print(failed.output, end="")
        print(failed, file=sys.stderr)
        return 1
    except _FAULTS as fault:
        print(f"emulate: {fault}", file=sys.stderr)
        return 1
    return 0


def _board(arguments: argparse.Namespace, image: Path) -> qemu.Qemu | rp2040.Rp2040:
    if arguments.board in qemu.MACHINES:
        return qemu.Qemu(arguments.board, image)
    return rp2040.Rp2040(image, flash=arguments.flash)
