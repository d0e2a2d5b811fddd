"""The real programs that tests of contracts and chains need. Without one the test is skipped."""

from __future__ import annotations

from pathlib import Path

from countersign_workshop.parts import toolchain
from support.skip import skip


def anvil() -> Path:
    """The chain's program."""
    try:
        return toolchain.anvil()
    except toolchain.PartMissing as fault:
        skip(f"no chain to test against: {fault}")


def compiler() -> None:
    """Skips without forge and the compiler that it starts."""
    try:
        toolchain.forge()
        toolchain.solc_module()
        toolchain.node()
    except toolchain.PartMissing as fault:
        skip(f"no compiler to compare with: {fault}")
