"""What the record takes of the disk, and dropping old messages from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sizes:
    """used_bytes: what the record takes. free_bytes: what it has on disk beside, for new rows."""

    used_bytes: int
    free_bytes: int


class Retention(Protocol):
    """Messages may go one day; commitments, batches, devices and the outbox stay for ever.

    So every commitment stays provable: whoever has the message and its result can show where they
    are on the ledger, with this record's help, after the record itself has dropped them.
    """

    def prune(self, most: int, before_s: float | None = None) -> int:
        """Drop the oldest messages, at most `most`. Returns how many were dropped.

        before_s: only messages recorded before this wall-clock time; None for any. A time in the
        future is not believed: such a message goes with the next one whose time is. In a record
        that is bound to a ledger, only messages whose receipts have been handed out. `seen` then
        gives False for them, so a replay is refused as OUT_OF_ORDER.
        """

    def sizes(self) -> Sizes:
        """How large the record is now."""
