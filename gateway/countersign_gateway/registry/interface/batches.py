"""Commitments, the messages behind them, and the batches that they are cut into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from countersign_gateway.model import Batch


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One verified message as stored: enough to recompute its commitment."""

    position: int
    device_id: bytes
    counter: int
    message: bytes
    result: bytes
    commitment: bytes


class Batches(Protocol):
    """Positions are 0-based and gapless: the order in which commitments became durable."""

    def commitment_count(self) -> int:
        """How many commitments are durable: the next position."""

    def commitments(self, first_position: int, count: int) -> list[bytes]:
        """The commitments of exactly these positions; RegistryError if they are not all there."""

    def messages(self, first_position: int, count: int) -> Iterator[StoredMessage]:
        """The recorded messages of these positions, in order; read in slices, not all at once."""

    def last_batch(self) -> Batch | None:
        """The batch with the highest sequence."""

    def batch(self, sequence: int) -> Batch | None:
        """One batch."""

    def create_batch(self, batch: Batch) -> None:
        """Store the next batch and its APPEND in the outbox, in one transaction.

        RegistryError unless it follows the last batch in sequence, position and head, and all
        of its commitments are durable.
        """
