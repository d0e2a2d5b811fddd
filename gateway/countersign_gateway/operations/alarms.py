"""Alarms: what a person should look at. Each is an event in the log, and stands in the status.

An alarm changes nothing by itself. Kinds are literals of this program, so their table is bounded.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from countersign_gateway.operations.clock import utc_text
from countersign_gateway.operations.log import EventLog

LATEST = 16


class Alarms:
    """Safe from any thread. wall_s: seconds since the epoch, for people to read."""

    def __init__(self, log: EventLog, wall_s: Callable[[], float] = time.time) -> None:
        self._log = log
        self._wall_s = wall_s
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._latest: deque[dict[str, object]] = deque(maxlen=LATEST)

    def sound(self, kind: str, **fields: Any) -> None:
        """Log one alarm and keep it for the status. Fields are as those of an event."""
        with self._lock:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            shown = {name: _shown(value) for name, value in fields.items()}
            self._latest.append({"kind": kind, "at": utc_text(self._wall_s()), **shown})
        self._log.event("alarm", kind=kind, **fields)

    def status(self) -> dict[str, object]:
        """Alarms of this run: how many of each kind, and the latest, oldest first."""
        with self._lock:
            return {"counts": dict(self._counts), "latest": list(self._latest)}


def _shown(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
