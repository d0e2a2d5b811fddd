"""`countersign build`: a board's firmware image from sources, the same bytes every time."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from countersign_workshop.images import firmware_build, image_budget


def register(parser: argparse.ArgumentParser) -> None:
    boards = ", ".join(firmware_build.IMAGES)
    parser.add_argument("--board", required=True, metavar="BOARD", help=f"of {boards}")
    parser.add_argument("--output", type=Path, metavar="FILE", help="copy the image here as well")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if the image was built; its name, size and hash are printed."""
    image = firmware_build.build(arguments.board)
    if arguments.output:
        shutil.copyfile(image.file, arguments.output)
    used = image_budget.measure(image.elf)
    print(f"{arguments.output or image.file}: {image.file.stat().st_size} bytes")
    print(f"image {used.image_bytes} bytes, heap {used.heap_bytes} bytes")
    print(f"sha256 {image.digest()}")
    return 0
