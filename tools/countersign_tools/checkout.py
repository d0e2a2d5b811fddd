"""Where this checkout keeps what it did not write itself."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The repository's root folder."""


def cache_folder() -> Path:
    """The folder for downloads and unpacked parts; `COUNTERSIGN_CACHE` moves it."""
    named = os.environ.get("COUNTERSIGN_CACHE")
    return Path(named).resolve() if named else ROOT / ".cache"
