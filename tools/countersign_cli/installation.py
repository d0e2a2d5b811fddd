"""Where the command finds what it works with: in its checkout, or in the installed package.

In a checkout everything is taken from its folders, and what is made goes into its `.cache`. A wheel
carries the records of the boards and the native engine as package data (setup.py puts them there).
The modules for boards are the installed packages themselves. Only the standard library is imported
here: the tools that fetch the first parts use this module before anything is installed.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from countersign_cli.mendable import Mendable

NATIVE_MODULE = "countersign_native"
"""The name that a device imports the native engine by."""

_PACKAGE = Path(__file__).resolve().parent
_CARRIED = _PACKAGE / "carried"


class NotInCheckout(Mendable):
    """Something that only a checkout has was asked for."""


def checkout() -> Path | None:
    """The root folder of the checkout that this code runs from; None if it was installed."""
    root = _PACKAGE.parents[1]
    return root if (root / "boards/board.schema.json").is_file() else None


def require_checkout(what: str) -> Path:
    """The checkout's root folder; NotInCheckout, which names `what`, if there is none."""
    root = checkout()
    if root is None:
        raise NotInCheckout(f"{what} needs a checkout: git clone the project, then make setup")
    return root


def cache_folder() -> Path:
    """What is made or fetched: `.cache` of the checkout, else the user's cache folder.

    COUNTERSIGN_CACHE moves it.
    """
    named = os.environ.get("COUNTERSIGN_CACHE")
    if named:
        return Path(named).resolve()
    root = checkout()
    if root is not None:
        return root / ".cache"
    users = os.environ.get("XDG_CACHE_HOME")
    # The XDG specification says that a relative path is to be ignored.
    base = Path(users) if users and Path(users).is_absolute() else Path.home() / ".cache"
    return base / "countersign"


def boards_folder() -> Path:
    """The records of the boards, one folder each."""
    root = checkout()
    return _CARRIED / "boards" if root is None else root / "boards"


def module_sources(package: str) -> Path:
    """The folder of a package of ours that boards get: its name, such as `countersign_agent`."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Mendable(f"the package {package} is not installed beside countersign_cli")
    return Path(spec.origin).parent


def native_module(architecture: str) -> Path:
    """Where the native engine for an architecture is once it was built."""
    folder = _CARRIED if checkout() is None else cache_folder()
    return folder / "native" / architecture / f"{NATIVE_MODULE}.mpy"


def image_folder(board: str) -> Path:
    """Where a checkout builds a board's image."""
    return cache_folder() / "boards" / board


def place() -> str:
    """What a sentence calls the place that this code runs from."""
    return "this installation" if checkout() is None else "this checkout"


def mend(extra: str) -> str:
    """The command that installs what an extra of the distribution names."""
    return f"pip install 'countersign[{extra}]'" if checkout() is None else "make setup"
