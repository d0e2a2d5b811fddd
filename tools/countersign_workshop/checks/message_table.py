"""The table of PROTOCOL.md that says what carries each message and why it may be refused.

    python -m countersign_workshop.checks.message_table [--write]

The table is generated from the definitions of `countersign.messages`. Without --write the exit
status is 1 if the page is stale.
"""

from __future__ import annotations

import argparse
import sys

from countersign import messages, reasons
from countersign_workshop.checkout import ROOT

PAGE = ROOT / "firmware/lib/countersign/PROTOCOL.md"
BEGIN, END = "<!-- messages: begin -->\n", "<!-- messages: end -->\n"


def table() -> str:
    """The lines between the markers."""
    rows = [
        "| message | sent by | topic ends in | frame | may be refused as |",
        "|---|---|---|---|---|",
    ]
    for definition in messages.DEFINITIONS:
        kind = definition.kind
        refusals = _names(definition.refusals) or "–"
        cells = (definition.name, definition.sender, f"`{kind.path}`", kind.frame, refusals)
        rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    rows.append(f"| any of them, and any other bytes | | | | {_names(reasons.OF_ANY)} |")
    return "\n".join(rows) + "\n"


def _names(codes: tuple[int, ...]) -> str:
    return ", ".join(reasons.NAMES[code] for code in sorted(codes))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    arguments = parser.parse_args()
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = before + BEGIN + table() + END + after
    if wanted == text:
        return 0
    if arguments.write:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    print(f"{PAGE.name}: the table of messages is stale: run this check with --write")
    return 1


if __name__ == "__main__":
    sys.exit(main())
