"""Write constraints.txt anew: the newest versions that both pyproject.toml files allow together.

    python -m countersign_workshop.checks.lock

The versions are resolved in a temporary virtual environment, so that no package from yours gets in.
The lock holds names and versions only, because each machine decides where packages come from.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from countersign_workshop.checkout import ROOT

HEADER = """\
# Every version that `make setup` installs, proven together on Python 3.11.
# Written by `make lock`; change the ranges in pyproject.toml, then run it again.
"""


def main() -> int:
    if sys.version_info[:2] != (3, 11):
        print("lock: the lock is made with Python 3.11", file=sys.stderr)
        return 1
    environment = {name: v for name, v in os.environ.items() if name != "PIP_CONSTRAINT"}
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        pip = [str(Path(scratch) / "bin/pip"), "--quiet"]
        # The build backend is locked too, because an isolated build takes it from the same list.
        ours = ["--editable", str(ROOT), "--editable", f"{ROOT / 'tools'}[dev]"]
        for wanted in (["--upgrade", "setuptools"], ours):
            subprocess.run([*pip, "install", *wanted], env=environment, check=True)
        frozen = subprocess.run(
            [*pip, "freeze", "--all", "--exclude-editable", "--exclude", "pip"],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
    lines = sorted((_normal(line) for line in frozen.stdout.split()), key=lambda x: x.split("=="))
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"lock: {len(lines)} packages")
    return 0


def _normal(line: str) -> str:
    """A package's name in one spelling, so that the lock changes only when a version does."""
    name, version = line.split("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


if __name__ == "__main__":
    sys.exit(main())
