"""Receipts: the batches whose receipts have not been handed out."""

from __future__ import annotations

from typing import Protocol


class ReceiptsOwed(Protocol):
    """Finalized batches whose receipts have not all been handed out."""

    def unreceipted(self) -> list[int]:
        """Sequences of finalized batches whose receipts have not been handed out, ascending."""

    def note_receipted(self, sequence: int) -> None:
        """Note that all receipts of the batch were handed out. A crash before repeats them."""
