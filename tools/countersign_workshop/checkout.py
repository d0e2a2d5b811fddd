"""This checkout, and the lock that keeps two processes apart in its cache."""

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
    """Wait until no other process builds in this folder, which must exist. The lock ends with the
    process.

    Returns True if it had to wait, since another process has then just built there. A build must be
    put in place at once (os.replace), because readers take no lock.
    """
    with (folder / "lock").open("w") as lock:
        waited = False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield waited
