"""The gateway's log: one JSON object a line, for people, tools and the demonstration alike.

Every line has `at` (seconds since the log was opened, from a monotonic clock; the log trusts no
wall clock), `event`, and fields whose names stay stable. Bytes are written as hexadecimal. A flood
of one event is folded: above a rate the log counts lines instead of writing them, and the next line
of that event gives the number of missing lines in `folded`.
"""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

LINES_PER_S = 200
BURST_LINES = 1000


class _Allowance:
    __slots__ = ("folded", "lines", "refilled_s")

    def __init__(self, now_s: float) -> None:
        self.lines = float(BURST_LINES)
        self.refilled_s = now_s
        self.folded = 0


class EventLog:
    """Writes events to `stream`. Safe from any thread. A failing stream never stops a caller."""

    def __init__(self, stream: TextIO, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock_s = clock_s
        self._opened_s = clock_s()
        self._lock = threading.Lock()
        # Event names are literals of this program, so the source bounds this table.
        self._allowances: dict[str, _Allowance] = {}
        self.lost_lines = 0

    def event(self, event: str, **fields: Any) -> None:
        """Write one line. Field values: str, int, float, bool, None, bytes, or lists of these."""
        with self._lock:
            now_s = self._clock_s()
            folded = self._take(event, now_s)
            if folded is None:
                return
            line: dict[str, Any] = {"at": round(now_s - self._opened_s, 3), "event": event}
            for name, value in fields.items():
                line[name] = value.hex() if isinstance(value, bytes | bytearray) else value
            if folded:
                line["folded"] = folded
            try:
                self._stream.write(json.dumps(line, separators=(",", ":")) + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                # The reader of the log has closed it. The loss is counted, and verifying goes on.
                self.lost_lines += 1

    def fault(self, event: str, error: BaseException, **fields: Any) -> None:
        """Write an event with the place of an unexpected exception.

        The exception's own text is left out: a library may quote its input in it.
        """
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames[-8:]]
        self.event(event, error=type(error).__name__, trace=places, **fields)

    def _take(self, event: str, now_s: float) -> int | None:
        """The number of lines folded before this one, or None to fold this one too."""
        allowance = self._allowances.get(event)
        if allowance is None:
            allowance = self._allowances[event] = _Allowance(now_s)
        earned = (now_s - allowance.refilled_s) * LINES_PER_S
        allowance.lines = min(float(BURST_LINES), allowance.lines + earned)
        allowance.refilled_s = now_s
        if allowance.lines < 1:
            allowance.folded += 1
            return None
        allowance.lines -= 1
        folded, allowance.folded = allowance.folded, 0
        return folded
