"""Where this checkout keeps what it did not write itself."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The repository's root folder."""


def cache_folder() -> Path:
    """The folder for downloads and unpacked parts; `COUNTERSIGN_CACHE` moves it."""
    named = os.environ.get("COUNTERSIGN_CACHE")
    return Path(named).resolve() if named else ROOT / ".cache"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else builds in this folder, which exists; the lock ends with the process.

    What is built there must then be put in place at once (os.replace): readers take no lock.
    """
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
