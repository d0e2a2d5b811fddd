"""Whether the documents are true: paths, names, decision pages and generated blocks.

    python -m countersign_workshop.checks.documents check|write

`check` prints a line for each fault. `write` makes DECISIONS.md and the blocks of figures anew.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from countersign_workshop.checkout import ROOT
from countersign_workshop.checks import decision_pages, named_paths, prose_figures


def faults(root: Path = ROOT) -> list[str]:
    """What is wrong with the documents of the checkout at `root`, a line for each fault."""
    return [
        *named_paths.faults(root),
        *decision_pages.faults(root),
        *prose_figures.faults(root),
    ]


def main() -> int:
    """Exit status 1 if a document is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("action", choices=("check", "write"))
    if parser.parse_args().action == "write":
        decision_pages.write(ROOT)
        prose_figures.write(ROOT)
    found = faults()
    print("\n".join(found) or f"documents: {len(named_paths.documents(ROOT))} documents, all true")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
