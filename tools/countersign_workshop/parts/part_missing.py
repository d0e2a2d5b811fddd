"""Why a part that comes from elsewhere cannot be used, and how a fetched program is tried."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from countersign_cli.mendable import Mendable


class PartMissing(Mendable):
    """A part is missing or does not work. The text names the command that mends it."""


def require_start(argv: Sequence[str | Path]) -> None:
    """Start a program that was just fetched. PartMissing, with its output, if that fails."""
    finished = subprocess.run(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode != 0:
        raise PartMissing(f"{Path(argv[0]).name} does not start:\n{finished.stdout.strip()}")
