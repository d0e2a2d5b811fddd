"""The events that the running parts report, in one list on which a caller can wait."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from countersign_cli.mendable import Mendable

Event = dict[str, Any]


class Stuck(Mendable):
    """An event that the caller waits for did not happen in time."""


class Events:
    """Every JSON line of every part in order of arrival. `source` names the part."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._changed = threading.Condition()

    def listener(self, source: str) -> Callable[[str], None]:
        """A function that takes one part's output lines, and ignores those that are not JSON."""

        def on_line(line: str) -> None:
            try:
                event = json.loads(line)
            except ValueError:
                return
            if isinstance(event, dict) and isinstance(event.get("event"), str):
                self.add(source, event)

        return on_line

    def add(self, source: str, event: Event) -> None:
        with self._changed:
            self._events.append({**event, "source": source, "arrived_s": time.monotonic()})
            self._changed.notify_all()

    def mark(self) -> int:
        """A position from which to wait or count."""
        with self._changed:
            return len(self._events)

    def select(self, name: str, since: int = 0, **wanted: Any) -> list[Event]:
        """The events of that name since a mark whose fields equal those given."""
        with self._changed:
            return [
                event
                for event in self._events[since:]
                if event["event"] == name
                and all(event.get(key) == value for key, value in wanted.items())
            ]

    def wait(
        self,
        what: str,
        found: Callable[[], Any],
        timeout_s: float = 60.0,
        alive: Callable[[], None] = lambda: None,
    ) -> Any:
        """Return the first true value of `found()`, which is called again after each event.

        alive: raises if a part that should run has ended. Raises Stuck after `timeout_s`.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            value = found()
            if value:
                return value
            alive()
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise Stuck(f"waited {timeout_s:.0f} s for {what}")
            with self._changed:
                self._changed.wait(min(left_s, 0.25))
