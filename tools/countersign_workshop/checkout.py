"""This checkout, and how two processes keep out of each other's way in its cache."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from countersign_cli.installation import cache_folder

__all__ = ["ROOT", "alone", "cache_folder"]

ROOT = Path(__file__).resolve().parents[2]
"""The repository's root folder."""


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Wait until nobody else builds in this folder, which exists; the lock ends with the process.

    True if it had to wait: somebody else has just built there. What is built must be put in place
    at once (os.replace): readers take no lock.
    """
    with (folder / "lock").open("w") as lock:
        waited = False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield waited
