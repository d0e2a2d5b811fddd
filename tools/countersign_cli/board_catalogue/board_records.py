"""What boards/ says of each board, and whether that is true.

A board is a folder in upstream MicroPython's naming and layout. board.json has upstream's keys and
ours (boards/board.schema.json), manifest.py says what the board's image freezes, deploy.md says how
to set the board up, and pins.csv names its pins, where there are any.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from countersign_cli import installation
from countersign_cli.mendable import Mendable

FOLDER = installation.boards_folder()
SCHEMA = FOLDER / "board.schema.json"

BoardRecord = dict[str, Any]
"""One board.json, of the shape that the schema gives."""

# A proof's costs: our names for them, and the rows of the native engine's table.
COSTS = {
    "prove": "prove",
    "prove_from_coupon": "prove from a coupon",
    "verify_new_key": "verify, a key not known yet",
    "verify_known_key": "verify, the key of the last time",
}

_PIN = re.compile(r"-?[A-Z][A-Z0-9_]*,GPIO\d+")
_FALSE_CLAIM = re.compile(
    r"emulated\s+ESP32|ESP32[-\w]*\s+(is\s+|was\s+|are\s+)?emulated", re.IGNORECASE
)


class BoardUnknown(Mendable):
    """There is no such board. The text lists the boards there are."""


def names(boards: Path = FOLDER) -> list[str]:
    """The boards there are: the folders of boards/, sorted."""
    return sorted(path.name for path in boards.iterdir() if path.is_dir())


def load(name: str, boards: Path = FOLDER) -> BoardRecord:
    """What board.json says of one board. Raises BoardUnknown."""
    if name not in names(boards):
        raise BoardUnknown(f"no such board: {name} (there are: {', '.join(names(boards))})")
    record: BoardRecord = json.loads((boards / name / "board.json").read_text(encoding="utf-8"))
    return record


def is_to_be_bought(record: BoardRecord) -> bool:
    """Whether the board is hardware, and not an emulator's machine or the workstation."""
    return record["port"] in ("rp2", "esp32")


def runs_native(architecture: str) -> bool:
    """Whether machine code for this architecture was ever executed here.

    Machine code that was never executed is not installed by default.
    """
    records = [load(name) for name in names()]
    return any(
        record["architecture"] == architecture and record["native_module"] == "included"
        for record in records
    )


def false_claims(text: str) -> list[str]:
    """The places where a text claims an emulated chip that no emulator here emulates."""
    return [claim.group() for claim in _FALSE_CLAIM.finditer(text)]


def faults(boards: Path, root: Path) -> list[str]:
    """Everything that is wrong in boards/, a line for each fault. Needs the jsonschema package.

    root: the folder below which the files lie that a board names: its tests, and the table of
    figures.
    """
    from jsonschema import Draft202012Validator

    schema = json.loads((boards / SCHEMA.name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    found = []
    for name in names(boards):
        missing = [
            f"{name}/{file} is missing"
            for file in ("board.json", "deploy.md", "manifest.py")
            if not (boards / name / file).is_file()
        ]
        found += missing
        if missing:
            continue
        record = load(name, boards)
        wrong = [
            f"{name}/board.json: {error.json_path}: {error.message}"
            for error in validator.iter_errors(record)
        ]
        # The checks below rely on the shape that the schema has confirmed.
        found += wrong or [
            f"{name}/{fault}" for fault in _inconsistent(record, boards / name, root)
        ]
    return found


def _inconsistent(record: BoardRecord, folder: Path, root: Path) -> Iterator[str]:
    if record["id"] != folder.name:
        yield f"board.json: id is {record['id']}"
    yield from _pin_faults(record, folder)
    for test in record["tested"]["by"]:
        if not _is_test(test, root):
            yield f"board.json: there is no test {test}"
    if record["proof"]:
        yield from _figure_faults(record, root)
    for path in sorted(folder.iterdir()):
        for claim in false_claims(path.read_text(encoding="utf-8")):
            yield f"{path.name}: says {claim!r}, and there is no emulator of it"


def _pin_faults(record: BoardRecord, folder: Path) -> Iterator[str]:
    path = folder / "pins.csv"
    if not is_to_be_bought(record):
        return
    if not path.is_file():
        yield "pins.csv is missing"
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#") and not _PIN.fullmatch(line):
            yield f"pins.csv: not a line NAME,GPIO<number>: {line}"


def _is_test(test: str, root: Path) -> bool:
    file, _, function = test.partition("::")
    if not (root / file).is_file():
        return False
    source = (root / file).read_text(encoding="utf-8")
    wanted = rf"{function}\(" if function else "test_"
    return re.search(rf"^def {wanted}", source, re.MULTILINE) is not None


def _figure_faults(record: BoardRecord, root: Path) -> Iterator[str]:
    """Faults unless board.json's figures of proofs are those of the table that it names."""
    proof = record["proof"]
    table = _rows(root / proof["figures"])
    for cost, row_name in COSTS.items():
        stated = f"{proof[cost]:,}"
        if proof["unit"] == "cycles":
            cell = table.get(row_name, [""])[0].split(" ")[0]
        else:
            label = next((n for n in table if f"({record['id']})" in n and "native" in n), "")
            cell = dict(zip(COSTS, table.get(label, []), strict=False)).get(cost, "")
        if cell != stated:
            yield f"board.json: {cost} is {stated}, and {cell or 'nothing'} in {proof['figures']}"


def _rows(path: Path) -> dict[str, list[str]]:
    """The rows of all tables of a Markdown file: the first cell, and the other cells."""
    rows = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("| "):
            first, *others = (cell.strip() for cell in line.strip().strip("|").split("|"))
            rows[first] = others
    return rows
