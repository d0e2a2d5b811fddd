"""How much an image may take of its board: boards/<board>/board.json, key `budget`.

    "budget": {"image_bytes": 900000, "heap_free_bytes": 150000}

image_bytes limits what is stored in flash: code, constants and the first values of variables.
heap_free_bytes is the memory that must be free while the agent runs. An image alone shows only the
size of its whole heap, so `require` refuses an image whose heap is too small for that. The free
memory itself is measured on the emulated board (tests/system/boards/test_images.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from countersign_cli.mendable import Mendable


class BudgetError(Mendable):
    """An image exceeds its board's budget, or the board has no budget."""


@dataclass(frozen=True)
class Budget:
    image_bytes: int
    heap_free_bytes: int


@dataclass(frozen=True)
class Use:
    image_bytes: int
    heap_bytes: int


def read(board_folder: Path) -> Budget:
    """The budget in a board's folder."""
    path = board_folder / "board.json"
    try:
        budget = json.loads(path.read_text(encoding="utf-8"))["budget"]
        return Budget(int(budget["image_bytes"]), int(budget["heap_free_bytes"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise BudgetError(
            f"{board_folder.name}/board.json has no budget of image_bytes and heap_free_bytes"
        ) from None


def measure(elf: Path) -> Use:
    """The sizes of a linked image."""
    with elf.open("rb") as file:
        program = ELFFile(file)
        stored = sum(
            section["sh_size"]
            for section in program.iter_sections()
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_type"] != "SHT_NOBITS"
        )
        symbols = program.get_section_by_name(".symtab")
        if not isinstance(symbols, SymbolTableSection):
            raise BudgetError(f"{elf.name} has no symbols that tell its heap")
        return Use(stored, _heap_bytes(symbols))


def require(board: str, board_folder: Path, elf: Path) -> None:
    """BudgetError, with one sentence, if an image exceeds its board's budget."""
    budget, use = read(board_folder), measure(elf)
    if use.image_bytes > budget.image_bytes:
        raise BudgetError(
            f"the image for {board} takes {use.image_bytes} bytes, "
            f"{use.image_bytes - budget.image_bytes} more than its budget in board.json"
        )
    if use.heap_bytes < budget.heap_free_bytes:
        raise BudgetError(
            f"the image for {board} leaves a heap of {use.heap_bytes} bytes, less than the "
            f"{budget.heap_free_bytes} that its budget in board.json wants free"
        )


def _heap_bytes(symbols: SymbolTableSection) -> int:
    """The size of MicroPython's heap: an array in QEMU's port, two symbols' distance in
    RP2040's."""
    value, size = (
        {
            symbol.name: symbol[field]
            for symbol in symbols.iter_symbols()
            if symbol.name in ("gc_heap", "__GcHeapStart", "__GcHeapEnd")
        }
        for field in ("st_value", "st_size")
    )
    if "gc_heap" in size:
        return int(size["gc_heap"])
    return int(value["__GcHeapEnd"] - value["__GcHeapStart"])
