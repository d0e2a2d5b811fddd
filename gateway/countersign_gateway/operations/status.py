"""The gateway's own state, as a file: what a supervisor or the demonstration reads.

Written whole to a new file and moved into place, so that a reader sees one moment or the one
before, never half of one. It is a convenience: nothing in the gateway reads it back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from countersign_gateway.operations.log import EventLog

INTERVAL_S = 1.0


class StatusWriter:
    """Writes `read()` to `path` once a second. Used by one thread."""

    def __init__(self, path: Path, read: Callable[[], Mapping[str, object]], log: EventLog) -> None:
        self._path = path
        self._read = read
        self._log = log
        self._written_s = 0.0

    def tick(self, now_s: float) -> None:
        """Write if it is time to. now_s: monotonic."""
        if now_s - self._written_s >= INTERVAL_S:
            self._written_s = now_s
            self.write()

    def write(self) -> None:
        """Write now; a folder that cannot be written is an event in the log and no more."""
        status = self._read()
        try:
            write_status(self._path, status)
        except OSError as error:
            self._log.event("status_unwritable", error=type(error).__name__)


def write_status(path: Path, status: Mapping[str, object]) -> None:
    """Replace `path` with `status` as one JSON object. OSError if the folder cannot be written."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(status, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(partial, path)
