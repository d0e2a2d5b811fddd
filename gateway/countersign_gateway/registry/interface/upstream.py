"""The last contact with the ledger, kept across restarts for people to read."""

from __future__ import annotations

from typing import Protocol


class Upstream(Protocol):
    """The time at which upstream knowledge was last confirmed."""

    def last_upstream_s(self) -> float | None:
        """Unix seconds of the last confirmed contact with the ledger; None if there was none.

        After a restart it may be up to 10 s too early. It is the wall clock's word: no statement
        about the age of knowledge may depend on it.
        """

    def note_upstream(self, wall_s: float) -> None:
        """Store the time of a confirmed contact. Cheap enough to call every second."""
