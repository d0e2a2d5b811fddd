"""Processors that run single programs on this machine: RV32 and Xtensa, by Debian's qemu-user.

For the native engine's arithmetic, which needs no board around it. 32-bit Arm has the same of its
own (micropython.py), as a whole MicroPython runs on it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from countersign_tools import debian
from countersign_tools.checkout import cache_folder

PART = "qemu-riscv-xtensa"
NAMES = ("riscv32", "xtensa")


class ProcessorMissing(Exception):
    """A processor is not there; the text names the command that mends it."""


def fetch() -> None:
    """Unpack both, which are static programs, and see them start."""
    debian.fetch(
        PART,
        ["qemu-user"],
        debian.host_architecture(),
        cache_folder(),
        dependencies=False,
        members=[f"usr/bin/qemu-{name}" for name in NAMES],
    )
    for name in NAMES:
        subprocess.run([program(name), "--version"], check=True, capture_output=True)


def program(name: str) -> Path:
    """The program that runs programs of one of NAMES on this machine."""
    path = cache_folder() / PART / f"usr/bin/qemu-{name}"
    if not path.is_file():
        raise ProcessorMissing(f"{PART} is missing: countersign fetch {PART}")
    return path
