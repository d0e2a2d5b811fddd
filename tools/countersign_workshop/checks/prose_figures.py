"""The figures that documents state, written from the records that tests compare with measurements.

A block stands between two comments, `<!-- figures NAME: ... -->` and `<!-- end of figures -->`. Its
sources are boards/RPI_PICO/board.json and firmware/native/figures.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_COMMAND = "python -m countersign_workshop.checks.documents write"
_BLOCK = re.compile(
    r"(<!-- figures (\w+): written by `[^`]+` -->\n\n)(.*?)(\n\n<!-- end of figures -->)", re.DOTALL
)


def _pico(root: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(
        (root / "boards/RPI_PICO/board.json").read_text(encoding="utf-8")
    )
    return record


def _pico_table(root: Path) -> str:
    """The table in README.md: one board, one column."""
    record = _pico(root)
    proof, site = record["proof"], record["at_a_site"]

    def ms(name: str) -> str:
        return f"{proof[name] * 1000 / proof['clock_hz']:.1f} ms"

    rows = [
        ("a proof", ms("prove")),
        ("a proof from a coupon made ahead", ms("prove_from_coupon")),
        ("a verification, a key not seen before", ms("verify_new_key")),
        ("a verification, the key of the last time", ms("verify_known_key")),
        ("power on to verified", f"{site['boot_to_verified_ms'] / 1000:.1f} s"),
        ("check-ins, back to back", f"{site['checkins_per_s']} a second"),
        ("free heap beside the running agent", f"{site['heap_free_bytes']:,} bytes"),
    ]
    head = f"| emulated Pico, proofs at {proof['clock_hz'] // 1_000_000} MHz | |\n|---|---|\n"
    return head + "\n".join(f"| {name} | {figure} |" for name, figure in rows)


def _module_sizes(root: Path) -> str:
    """The list of modules in firmware/native/README.md."""
    table = json.loads((root / "firmware/native/figures.json").read_text(encoding="utf-8"))
    head = "| module for | bytes |\n|---|---|\n"
    return head + "\n".join(f"| {name} | {size:,} |" for name, size in table["mpy_bytes"].items())


BLOCKS: dict[str, tuple[str, Callable[[Path], str]]] = {
    "pico": ("README.md", _pico_table),
    "modules": ("firmware/native/README.md", _module_sizes),
}
"""For each block's name: the document that holds it, and the function that writes it."""


def written(text: str, root: Path) -> str:
    """The document's text with the present figures in its blocks. KeyError for an unknown block."""
    return _BLOCK.sub(lambda m: m.group(1) + BLOCKS[m.group(2)][1](root) + m.group(4), text)


def write(root: Path) -> None:
    for document in {name for name, _ in BLOCKS.values()}:
        path = root / document
        path.write_text(written(path.read_text(encoding="utf-8"), root), encoding="utf-8")


def faults(root: Path) -> list[str]:
    """Blocks that are missing, occur twice, or state other figures than the records."""
    found = []
    for block, (document, _) in BLOCKS.items():
        text = (root / document).read_text(encoding="utf-8")
        if [match[1] for match in _BLOCK.findall(text)].count(block) != 1:
            found.append(f"{document}: the block of figures {block!r} is not there once")
        elif written(text, root) != text:
            found.append(f"{document}: {_COMMAND}")
    return found
