"""What the running parts say of themselves, in one list that a story can wait on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from countersign_cli.mendable import Mendable

Event = dict[str, Any]


class Stuck(Mendable):
    """Something that the story waits for did not happen in time."""


class Events:
    """Every JSON line of every part, in order of arrival, with `source` naming the part."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._changed = threading.Condition()

    def listener(self, source: str) -> Callable[[str], None]:
        """A function that takes the output lines of one part; other lines than JSON are passed."""

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
        """A position to wait or count from."""
        with self._changed:
            return len(self._events)

    def select(self, name: str, since: int = 0, **wanted: Any) -> list[Event]:
        """Events of that name since a mark whose fields equal those given."""
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
        """Return the first true value of `found()`, asked anew after each event.

        `alive` raises if a part has ended that should run. Stuck after `timeout_s`.
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
