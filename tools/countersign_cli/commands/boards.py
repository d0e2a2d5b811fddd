"""`countersign boards`: which board to buy, and what is proven about it.

    countersign boards                  all boards, those to buy first
    countersign boards RPI_PICO         everything that is said of one
    countersign boards --readme         the table for README.md (--readme=write puts it there)
    countersign boards --check          whether boards/ and README.md's table are true

README.md's table stands between two comments; where they are not, nothing is checked or written.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from countersign_cli import installation
from countersign_cli.board_catalogue import board_records
from countersign_cli.board_catalogue.board_records import BoardRecord
from countersign_cli.mendable import Mendable

README = "README.md"
BEGIN = "<!-- boards: written by `countersign boards --readme=write` -->"
END = "<!-- end of boards -->"

# The strongest kind of proof comes first.
_PROVEN = ("hardware", "emulated image", "instruction set only", "workstation", "not run")


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", nargs="?", metavar="BOARD")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true")
    choice.add_argument("--readme", nargs="?", const="print", choices=("print", "write"))


def run(arguments: argparse.Namespace) -> int:
    """Exit status 1 if the check finds something. BoardUnknown if there is no such board."""
    if arguments.check:
        found = check()
        print("\n".join(found) or f"boards: {len(board_records.names())} boards, all true")
        return 1 if found else 0
    if arguments.readme:
        return _readme(arguments.readme)
    if arguments.board is None:
        print(overview())
        return 0
    record = board_records.load(arguments.board)
    print(json.dumps(record, indent=4, ensure_ascii=False))
    return 0


def check() -> list[str]:
    """What is wrong with boards/ and with README.md's table, a line for each."""
    root = installation.require_checkout("boards --check")
    return board_records.faults(board_records.FOLDER, root) or readme_faults(root / README)


def readme_faults(path: Path) -> list[str]:
    """Faults unless the file's table is the one that boards/ gives, where the file has the two
    comments; and each claim of an emulator that does not exist."""
    text = path.read_text(encoding="utf-8")
    claims = board_records.false_claims(text)
    if claims:
        return [f"{path.name}: says {claim!r}, and there is no emulator of it" for claim in claims]
    if BEGIN not in text and END not in text:
        return []
    try:
        current = _with_table(text)
    except ValueError as error:
        return [f"{path.name}: {error}"]
    return [] if current == text else [f"{path.name}: countersign boards --readme=write"]


def table() -> str:
    """The table for README.md, in Markdown."""
    lines = [
        "| board | for whom | what ran | prove, verify | transports | entropy | the key lies in |",
        "|---|---|---|---|---|---|---|",
    ]
    for record in _records():
        if not board_records.is_to_be_bought(record):
            continue
        cells = (
            f"[{record['product']}](boards/{record['id']}/deploy.md)",
            record["purpose"],
            record["tested"]["how"],
            _cost(record),
            ", ".join(record["transports"]),
            record["entropy"]["quality"],
            record["key_storage"]["level"],
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def overview() -> str:
    """All boards for a terminal: which of them to buy, and what is proven about each."""
    root = installation.checkout()
    folder = board_records.FOLDER if root is None else board_records.FOLDER.relative_to(root)
    parts = []
    for record in _records():
        storage = record["key_storage"]
        parts.append(
            f"{record['id']}  ({record['product']})\n"
            f"    {record['purpose']}\n"
            f"    what ran:   {record['tested']['how']}\n"
            f"    proof:      {_cost(record)}\n"
            f"    transports: {', '.join(record['transports']) or 'none'}\n"
            f"    entropy:    {record['entropy']['source']}: {record['entropy']['quality']}\n"
            f"    key:        {storage['level']}, {storage['place']}\n"
            f"    set it up:  {folder / record['id'] / 'deploy.md'}"
        )
    return "\n\n".join(parts)


def _records() -> list[BoardRecord]:
    """The boards to buy come first, and among those the ones about which most is proven."""
    return sorted(
        (board_records.load(name) for name in board_records.names()),
        key=lambda record: (
            not board_records.is_to_be_bought(record),
            _PROVEN.index(record["tested"]["how"]),
            record["mcu"].startswith("esp"),
            -len(record["tested"]["by"]),
            record["mcu"],
            record["id"],
        ),
    )


def _cost(record: BoardRecord) -> str:
    proof = record["proof"]
    if proof is None:
        return "not measured"
    costs = [proof["prove"], proof["verify_new_key"]]
    if proof["unit"] == "instructions":
        return ", ".join(f"{cost:,}" for cost in costs) + " instructions"
    clock_hz = proof["clock_hz"]
    times = ", ".join(f"{cost * 1000 / clock_hz:.1f}" for cost in costs)
    where = "" if record["tested"]["how"] == "hardware" else " in the emulator"
    return f"{times} ms at {clock_hz // 1_000_000} MHz{where}"


def _readme(wanted: str) -> int:
    if wanted == "print":
        print(f"{BEGIN}\n\n{table()}\n\n{END}")
        return 0
    path = installation.require_checkout("boards --readme=write") / README
    try:
        text = _with_table(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Mendable(f"{README}: {error}") from None
    path.write_text(text, encoding="utf-8")
    return 0


def _with_table(text: str) -> str:
    """The text with today's table between the comments. ValueError if they are not a pair."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in before + after:
        raise ValueError("the two comments around the table of boards are not there once each")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
