"""firmware/package.json: the modules that `mip install` takes. `make write` runs this file.

The list is generated, so that a new module is on it.
"""

from __future__ import annotations

import json
import sys

from countersign_workshop.checkout import ROOT

FIRMWARE = ROOT / "firmware"
PACKAGES = {"countersign": "lib", "countersign_agent": "agent"}


def modules() -> list[list[str]]:
    """Each module as [its path on the board, its path below firmware/], in order."""
    return [
        [path.relative_to(FIRMWARE / folder).as_posix(), path.relative_to(FIRMWARE).as_posix()]
        for package, folder in PACKAGES.items()
        for path in sorted((FIRMWARE / folder / package).rglob("*.py"))
    ]


def main() -> int:
    """Write the list anew. The version stays, because a release sets it."""
    file = FIRMWARE / "package.json"
    described = json.loads(file.read_text(encoding="utf-8"))
    lines = ",\n".join("    " + json.dumps(pair) for pair in modules())
    version, deps = json.dumps(described["version"]), json.dumps(described["deps"])
    file.write_text(
        f'{{\n  "version": {version},\n  "deps": {deps},\n  "urls": [\n{lines}\n  ]\n}}\n',
        encoding="utf-8",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
