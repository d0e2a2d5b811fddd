"""Writes files whole or not at all, which others cannot read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def private_folder(path: Path) -> None:
    """Make the folder with mode 0700, or give it that mode."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


def replace_private(path: Path, pieces: Iterable[str], mode: int = 0o600) -> None:
    """Put a new file of this mode in place of `path`, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(pieces)
        os.fchmod(file.fileno(), mode)
    os.replace(partial, path)
