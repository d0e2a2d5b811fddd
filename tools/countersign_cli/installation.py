"""Where the command finds its files: in its checkout, or in the installed package.

In a checkout every file comes from the checkout's folders, and everything that is made goes into
its `.cache`. A wheel carries the records of the boards and the native engine as package data
(setup.py puts them there). The modules for boards are the installed packages themselves. This
module imports the standard library alone, because the tools that fetch the first parts use it
before any package is installed.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from countersign_cli.mendable import Mendable

NATIVE_MODULE = "countersign_native"
"""The name under which a device imports the native engine."""

_PACKAGE = Path(__file__).resolve().parent
_CARRIED = _PACKAGE / "carried"


class NotInCheckout(Mendable):
    """The caller asked for something that only a checkout has."""


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
    """The folder for what is made or fetched: `.cache` of the checkout, else the user's cache
    folder.

    COUNTERSIGN_CACHE names another folder.
    """
    named = os.environ.get("COUNTERSIGN_CACHE")
    if named:
        return Path(named).resolve()
    root = checkout()
    if root is not None:
        return root / ".cache"
    users = os.environ.get("XDG_CACHE_HOME")
    # The XDG specification says to ignore a relative path.
    base = Path(users) if users and Path(users).is_absolute() else Path.home() / ".cache"
    return base / "countersign"


def boards_folder() -> Path:
    """The folder with the records of the boards, a folder for each."""
    root = checkout()
    return _CARRIED / "boards" if root is None else root / "boards"


def module_sources(package: str) -> Path:
    """The folder of a package of ours that boards get. `name`: such as `countersign_agent`."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Mendable(f"the package {package} is not installed beside countersign_cli")
    return Path(spec.origin).parent


def native_module(architecture: str) -> Path:
    """Where the native engine for an architecture is, once it has been built."""
    folder = _CARRIED if checkout() is None else cache_folder()
    return folder / "native" / architecture / f"{NATIVE_MODULE}.mpy"


def image_folder(board: str) -> Path:
    """The folder in which a checkout builds a board's image."""
    return cache_folder() / "boards" / board


def place() -> str:
    """What a sentence calls the place that this code runs from."""
    return "this installation" if checkout() is None else "this checkout"


def mend(extra: str) -> str:
    """The command that installs the packages of an extra of the distribution."""
    return f"pip install 'countersign[{extra}]'" if checkout() is None else "make setup"
