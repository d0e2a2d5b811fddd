"""What the wheel carries beside our packages; pyproject.toml says everything else.

The records of the boards stand in boards/, and the native engine is built into the cache (`make
native`). A wheel gets copies of both as package data of the command line, which looks for them in
countersign_cli/installation.py. An editable installation needs none: it has the checkout.
"""

import os
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("COUNTERSIGN_CACHE") or ROOT / ".cache")


class BuildWithRecords(build_py):
    """The packages from nothing, so that no module of an earlier build stays, and the copies."""

    def run(self) -> None:
        if self.editable_mode:
            super().run()
            return
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        carried = Path(self.build_lib) / "countersign_cli" / "carried"
        shutil.copytree(ROOT / "boards", carried / "boards")
        for module in sorted((CACHE / "native").glob("*/*.mpy")):
            target = carried / "native" / module.parent.name
            target.mkdir(parents=True)
            shutil.copyfile(module, target / module.name)


setup(cmdclass={"build_py": BuildWithRecords})
