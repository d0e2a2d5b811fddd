"""Writes the gateway's own state to a file, for a supervisor or the demonstration.

The writer writes a whole new file and moves it into place, so that a reader sees one state or its
predecessor, never half of one. The gateway itself never reads the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from countersign_gateway.operations.log import EventLog

INTERVAL_S = 1.0
# The states of a gateway. One that was killed leaves the first behind, with an old `time`.
RUNNING, STOPPED = "running", "stopped"


class StatusWriter:
    """Writes `read()` to `path` once a second. Used by one thread."""

    def __init__(self, path: Path, read: Callable[[], Mapping[str, object]], log: EventLog) -> None:
        self._path = path
        self._read = read
        self._log = log
        self._written_s = 0.0

    def tick(self, now_s: float) -> None:
        """Write if a second has passed. now_s: monotonic seconds."""
        if now_s - self._written_s >= INTERVAL_S:
            self._written_s = now_s
            self.write()

    def write(self) -> None:
        """Write now. A folder that cannot be written causes an event in the log, no error."""
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
