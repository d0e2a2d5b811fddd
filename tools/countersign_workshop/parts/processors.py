"""Debian's QEMU: emulated processors that run single programs, and whole emulated machines.

The processors are RV32 and Xtensa. They run the native engine's arithmetic, which needs no board
around it. 32-bit Arm has a processor of its own (micropython.py), because a whole MicroPython runs
on it. The machines are those that our QEMU boards run on (qemu.py).
"""

from __future__ import annotations

from pathlib import Path

from countersign_workshop.checkout import cache_folder
from countersign_workshop.parts import debian
from countersign_workshop.parts.part_missing import PartMissing, require_start

PART = "qemu-riscv-xtensa"
NAMES = ("riscv32", "xtensa")
MACHINES_PART = "qemu-system"


class ProcessorMissing(PartMissing):
    """A processor or a machine is missing. The text names the command that mends it."""


def fetch() -> None:
    """Unpack both processors, which are static programs, and check that they start."""
    debian.fetch(
        PART,
        ["qemu-user"],
        debian.host_architecture(),
        cache_folder(),
        dependencies=False,
        members=[f"usr/bin/qemu-{name}" for name in NAMES],
    )
    for name in NAMES:
        require_start([program(name), "--version"])


def program(name: str) -> Path:
    """The program that runs programs for the processor `name` (one of NAMES) on this machine."""
    path = cache_folder() / PART / f"usr/bin/qemu-{name}"
    if not path.is_file():
        raise ProcessorMissing(f"{PART} is missing: countersign fetch {PART}")
    return path


def fetch_machines() -> None:
    """Unpack the programs for Arm and RISC-V machines, without what other machines boot from."""
    debian.fetch(
        MACHINES_PART,
        ["qemu-system-arm", "qemu-system-riscv"],
        debian.host_architecture(),
        cache_folder(),
        left_out=["./usr/share/*"],
    )
    machine()


def machine(name: str = "qemu-system-arm") -> list[str]:
    """The command that starts an emulated machine."""
    tree = cache_folder() / MACHINES_PART
    if not (tree / "usr/bin" / name).is_file():
        raise ProcessorMissing(f"{MACHINES_PART} is missing: countersign fetch {MACHINES_PART}")
    return debian.loader_argv(tree, debian.host_architecture(), f"usr/bin/{name}")
