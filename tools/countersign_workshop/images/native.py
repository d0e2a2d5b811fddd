"""The native engine as MicroPython modules: firmware/native compiled for each architecture.

Each module is one file, countersign_native.mpy, which a device imports like any other module. The
flags are those of MicroPython's own py/dynruntime.mk. Its linker (tools/mpy_ld.py) makes the module
from the object files. The same sources give the same bytes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from countersign_cli import installation
from countersign_cli.mendable import Mendable
from countersign_workshop.checkout import ROOT, alone
from countersign_workshop.parts import board_sources, cross

SOURCES = ROOT / "firmware/native"
MODULE = installation.NATIVE_MODULE
UNITS = (
    "words",
    "field",
    "inverse",
    "scalar",
    "eisenstein",
    "group",
    "tables",
    "prover",
    "verifier",
    "freestanding",
)
"""The source files of the arithmetic, without the module's interface. Tests build them as well."""

# The files with the loops are compiled for speed and all others for size, which costs a proof less
# than a percent. Where field arithmetic is assembly, the C code that is left is called rarely.
_FAST_UNITS: tuple[str, ...] = ()
_FAST_UNITS_WITHOUT_ASSEMBLY = ("field", "words")

_FLAGS = (
    "-std=gnu99",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-parameter",  # MicroPython's headers
    "-Wno-unused-but-set-variable",  # wiping only ever sets variables
    "-Wno-sign-compare",  # MicroPython's headers
    "-fpic",
    "-fno-common",
    "-fno-stack-protector",
    "-ffreestanding",
    "-fno-tree-loop-distribute-patterns",  # otherwise memset would call itself
    "-fno-jump-tables",  # an address in a jump table depends on a value
    "-U_FORTIFY_SOURCE",
    "-DNDEBUG",
    "-DNO_QSTR",
    "-DMICROPY_ENABLE_DYNRUNTIME",
)


class NativeBuildError(Mendable):
    """A module could not be built. The text is the end of the build's output."""


@dataclass(frozen=True)
class Target:
    """One architecture, in MicroPython's naming.

    assembly: whether its field arithmetic is the generated Thumb assembly. windowed: whether some
    instructions must be kept from its assembler (firmware/native/windowed.py). muluh: whether a
    windowed core has the instruction MULUH; only QEMU's cores lack it.
    """

    compiler: Callable[[], str]
    flags: tuple[str, ...]
    float_kind: str
    assembly: bool = False
    windowed: bool = False
    muluh: bool = True


TARGETS = {
    "x64": Target(cross.host, (), "DOUBLE"),
    "armv6m": Target(
        cross.arm,
        ("-mthumb", "-mcpu=cortex-m0plus", "-masm-syntax-unified"),
        "NONE",
        assembly=True,
    ),
    # The same assembly serves here: its only multiplication is MULS, which no Cortex-M ends early.
    "armv7m": Target(
        cross.arm,
        ("-mthumb", "-mcpu=cortex-m3", "-masm-syntax-unified"),
        "NONE",
        assembly=True,
    ),
    "rv32imc": Target(
        cross.riscv,
        ("-march=rv32imac", "-mabi=ilp32", "-mno-relax", "--specs=picolibc.specs"),
        "NONE",
    ),
}


# Its arithmetic ran in an emulator, but its module ran nowhere (firmware/native/README.md). Boards
# use the pure engine there unless the self-test of countersign/proofs/engines.py passes.
TARGETS["xtensawin"] = Target(cross.xtensa, ("-mabi=windowed",), "FLOAT", windowed=True)


# A linker for several processors must be told which one, if it links objects only.
_LINKER: dict[Callable[[], str], tuple[str, ...]] = {
    cross.arm: (),
    cross.riscv: ("-m", "elf32lriscv"),
}


def module(architecture: str) -> Path:
    """The module that `build` made last; NativeBuildError with the command if there is none."""
    path = installation.native_module(architecture)
    if not path.is_file():
        raise NativeBuildError(f"{path.name} for {architecture} is missing: make native")
    return path


def build(architecture: str) -> Path:
    """Build one module from nothing. Returns its path.

    Several processes may do so at once. They build one after another, and a reader always gets a
    whole module.
    """
    if architecture not in TARGETS:
        raise NativeBuildError(f"not built for {architecture} (only {', '.join(TARGETS)})")
    path = installation.native_module(architecture)
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.parent):
        work = path.parent / "build"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        return _make(architecture, work).replace(path)


def _make(architecture: str, folder: Path) -> Path:
    target = TARGETS[architecture]
    objects = compile_units(target, folder)
    if target.windowed:
        # MicroPython's headers include these of a C library. Nothing in them is used.
        (folder / "assert.h").write_text("#define assert(e) ((void)0)\n", encoding="ascii")
        for header in ("errno.h", "string.h", "stdio.h"):
            (folder / header).touch()

    tools = board_sources.micropython() / "tools"
    link: list[str | Path] = [sys.executable, tools / "mpy_ld.py", "--arch", architecture]
    config = folder / "module.config.h"
    source = SOURCES / "module.c"
    _run([*link, "--preprocess", "-o", config, source], folder)
    objects.append(
        compile_unit(
            target,
            folder,
            source,
            f"-I{board_sources.micropython()}",
            f"-DMP_CONFIGFILE=<{config.name}>",
            f"-DMICROPY_FLOAT_IMPL=MICROPY_FLOAT_IMPL_{target.float_kind}",
        )
    )
    path = folder / f"{MODULE}.mpy"
    # The module holds the name under which it was written, so that name must not be a path.
    _run([*link, "--qstrs", config, "-o", path.name, *objects], folder)
    return path


def arithmetic(architecture: str, folder: Path) -> Path:
    """The arithmetic as one object file in `folder`, to link into an image.

    Each function is a section of its own. An image's code stays where it is linked to, and the
    image has the C library's memcpy and memset, so this is not position-independent and has no
    replacements for them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = TARGETS[architecture]
    objects = compile_units(target, folder, "-fno-pic", "-ffunction-sections")
    result = folder / "arithmetic.o"
    whole = [path for path in objects if path.stem != "freestanding"]
    _run([f"{target.compiler()}ld", "-r", *_LINKER[target.compiler], "-o", result, *whole], folder)
    return result


def compile_units(target: Target, folder: Path, *flags: str) -> list[Path]:
    """Generate the generated sources, then compile the arithmetic. Returns the object files."""
    _run([sys.executable, SOURCES / "generate_tables.py", folder / "tables.h"], folder)
    objects = []
    if target.assembly:
        assembly = folder / "field_thumb.S"
        _run([sys.executable, SOURCES / "generate_field.py", assembly], folder)
        objects.append(compile_unit(target, folder, assembly, *flags))
    units = (compile_unit(target, folder, SOURCES / f"{unit}.c", *flags) for unit in UNITS)
    return [*objects, *units]


def compile_unit(target: Target, folder: Path, source: Path, *flags: str) -> Path:
    """Compile or assemble one source file into the folder. Returns the object file."""
    result = folder / f"{source.stem}.o"
    if target.windowed:
        text, rewritten = result.with_suffix(".s"), result.with_suffix(".windowed.s")
        _compile(target, folder, source, ("-S", *flags), text)
        options = () if target.muluh else ("without-muluh",)
        _run([sys.executable, SOURCES / "windowed.py", text, rewritten, *options], folder)
        _run([f"{target.compiler()}as", rewritten, "-o", result], folder)
    else:
        _compile(target, folder, source, ("-c", *flags), result)
    return result


def _compile(
    target: Target, folder: Path, source: Path, flags: Sequence[str], result: Path
) -> None:
    assembly = ("-DCOUNTERSIGN_FIELD_ASSEMBLY",) if target.assembly else ()
    fast_units = _FAST_UNITS if target.assembly else _FAST_UNITS_WITHOUT_ASSEMBLY
    _run(
        [
            f"{target.compiler()}gcc",
            *_FLAGS,
            *target.flags,
            "-O2" if source.stem in fast_units else "-Os",
            *assembly,
            *flags,
            f"-I{SOURCES}",
            f"-I{folder}",
            f"-ffile-prefix-map={folder}=.",
            f"-ffile-prefix-map={ROOT}=.",
            source,
            "-o",
            result,
        ],
        folder,
    )


def _run(argv: Sequence[str | Path], folder: Path) -> None:
    finished = subprocess.run(
        [str(word) for word in argv],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode != 0:
        last_lines = "\n".join(finished.stdout.splitlines()[-40:])
        name = re.sub(r".*/", "", str(argv[1] if argv[0] == sys.executable else argv[0]))
        raise NativeBuildError(f"{name} failed:\n{last_lines}")
