"""The gateway's log: one JSON object a line, for people, tools and the demonstration alike.

Every line has `at` (seconds since the log was opened, suspend included), `time` (the wall clock's
word, RFC 3339 in UTC; no decision depends on it), `event`, and fields whose names stay stable.
Bytes are written as hexadecimal.

A flood is folded: above a rate the log counts lines instead of writing them. Each kind of event has
an allowance of its own, and refusals have one for each reason, so that no flood silences another
kind. What a stranger can cause without a key has a small one: what it makes the log write in a day
stays below 50 MB. No folded line goes unsaid: the next line of its kind gives their number in
`folded`, or `tell_folded` says it in a line of its own.
"""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

from countersign_gateway.operations.clock import since_boot_s, utc_text

LINES_PER_S = 200.0
BURST_LINES = 1000.0
# Of each kind that a stranger can cause, without a device's key.
STRANGERS = frozenset(
    {
        "refused",
        "challenge_sent",
        "oversized_dropped",
        "reply_dropped",
        "line_noise",
        "broker_refused_client",
    }
)
STRANGERS_LINES_PER_S = 1 / 12
STRANGERS_BURST_LINES = 100.0
TELL_FOLDED_S = 60.0

# The event, and the reason of a refusal: of both there is a fixed number.
_Kind = tuple[str, str | None]


class _Allowance:
    __slots__ = ("burst", "folded", "lines", "per_s", "refilled_s", "written_s")

    def __init__(self, event: str, now_s: float) -> None:
        strange = event in STRANGERS
        self.burst = STRANGERS_BURST_LINES if strange else BURST_LINES
        self.per_s = STRANGERS_LINES_PER_S if strange else LINES_PER_S
        self.lines = self.burst
        self.refilled_s = self.written_s = now_s
        self.folded = 0


class EventLog:
    """Writes events to `stream`. Safe from any thread. A failing stream never stops a caller."""

    def __init__(
        self,
        stream: TextIO,
        clock_s: Callable[[], float] = since_boot_s,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._stream = stream
        self._clock_s = clock_s
        self._wall_s = wall_s
        self._opened_s = self._told_s = clock_s()
        self._lock = threading.Lock()
        # Event names are literals of this program, and reasons have names in the protocol: both
        # are bounded by the source, and so is this table.
        self._allowances: dict[_Kind, _Allowance] = {}
        self.lost_lines = 0

    def event(self, event: str, **fields: Any) -> None:
        """Write one line. Field values: str, int, float, bool, None, bytes, or lists of these."""
        kind = (event, fields.get("reason") if event == "refused" else None)
        with self._lock:
            now_s = self._clock_s()
            folded = self._take(kind, now_s)
            if folded is None:
                return
            if folded:
                fields["folded"] = folded
            self._write(now_s, event, fields)

    def tell_folded(self, at_once: bool = False) -> None:
        """Write how many lines of each kind were folded, if no line has told it for a minute.

        Call it often; `at_once` before the log ends.
        """
        with self._lock:
            now_s = self._clock_s()
            if now_s - self._told_s < 1 and not at_once:
                return
            self._told_s = now_s
            for (event, reason), allowance in self._allowances.items():
                silent = now_s - allowance.written_s >= TELL_FOLDED_S
                if allowance.folded and (silent or at_once):
                    fields = {"of": event, "reason": reason, "lines": allowance.folded}
                    self._write(now_s, "folded", fields)
                    allowance.folded = 0
                    allowance.written_s = now_s

    def _write(self, now_s: float, event: str, fields: dict[str, Any]) -> None:
        line: dict[str, Any] = {
            "at": round(now_s - self._opened_s, 3),
            "time": utc_text(self._wall_s()),
            "event": event,
        }
        for name, value in fields.items():
            line[name] = value.hex() if isinstance(value, bytes | bytearray) else value
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

    def _take(self, kind: _Kind, now_s: float) -> int | None:
        """The number of lines folded before this one, or None to fold this one too."""
        allowance = self._allowances.get(kind)
        if allowance is None:
            allowance = self._allowances[kind] = _Allowance(kind[0], now_s)
        earned = (now_s - allowance.refilled_s) * allowance.per_s
        allowance.lines = min(allowance.burst, allowance.lines + earned)
        allowance.refilled_s = now_s
        if allowance.lines < 1:
            allowance.folded += 1
            return None
        allowance.lines -= 1
        allowance.written_s = now_s
        folded, allowance.folded = allowance.folded, 0
        return folded
