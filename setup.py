"""What the wheel carries beside our packages; pyproject.toml says everything else.

The records of the boards stand in boards/, and the native engine is built into the cache (`make
native`). A wheel gets copies of both as package data of the command line, which looks for them in
countersign_cli/installation.py. An editable installation needs none: it has the checkout.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build import build
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("COUNTERSIGN_CACHE") or ROOT / ".cache")


# The files of a board that its records are made of. Nothing else of boards/ leaves the checkout:
# somebody's settings, with a password in them, may lie beside these.
RECORDS = ("board.json", "deploy.md", "pins.csv")


class BuildApart(build):
    """In a folder of its own, so that no module of another build stays or goes meanwhile."""

    def initialize_options(self) -> None:
        super().initialize_options()
        self.build_base = tempfile.mkdtemp(prefix="countersign-build-")
        atexit.register(shutil.rmtree, self.build_base, ignore_errors=True)


class BuildWithRecords(build_py):
    """The packages, and the copies."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        carried = Path(self.build_lib) / "countersign_cli" / "carried"
        _copy(ROOT / "boards/board.schema.json", carried / "boards")
        for folder in sorted((ROOT / "boards").iterdir()):
            for name in RECORDS:
                _copy(folder / name, carried / "boards" / folder.name)
        for module in sorted((CACHE / "native").glob("*/countersign_native.mpy")):
            _copy(module, carried / "native" / module.parent.name)


def _copy(file: Path, folder: Path) -> None:
    """Copy a file, if it is one. A link could lead out of the checkout."""
    if file.is_file() and not file.is_symlink():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / file.name)


setup(cmdclass={"build": BuildApart, "build_py": BuildWithRecords})
