"""The last contact with the ledger, kept across restarts."""

from __future__ import annotations

from typing import Protocol


class Upstream(Protocol):
    """When upstream knowledge was last confirmed."""

    def last_upstream_s(self) -> float | None:
        """Unix seconds of the last confirmed contact with the ledger, or None: never.

        After a restart it may be up to 10 s older than the truth, never younger.
        """

    def note_upstream(self, wall_s: float) -> None:
        """Remember a confirmed contact with the ledger. Cheap enough to call every second."""
