"""Totals, for people to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals of the record, for people and for the last line of the demonstration."""

    devices: int
    commitments: int
    batched: int  # commitments in any batch
    batches: int
    anchored: int  # commitments in finalized batches, up to the first that is not
    anchored_batches: int
    registered: int  # devices whose registration is finalized
    outbox_open: int  # neither finalized nor failed
    outbox_failed: int


class Counted(Protocol):
    """Totals of what the registry holds."""

    def counts(self) -> Counts:
        """All totals, taken at one moment."""
