"""Commitments, the messages that they commit to, and the batches that they form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from countersign_gateway.model import Batch


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One verified message as stored, with all that its commitment is made of.

    recorded_s: the wall clock's seconds since the epoch at that time, for people.
    """

    position: int
    device_id: bytes
    counter: int
    message: bytes
    result: bytes
    commitment: bytes
    recorded_s: int


class Batches(Protocol):
    """Positions are 0-based and gapless: the order in which commitments became durable."""

    def commitment_count(self) -> int:
        """The number of durable commitments, which is also the next position."""

    def commitments(self, first_position: int, count: int) -> list[bytes]:
        """The commitments at exactly these positions. RegistryError if one is missing."""

    def messages(self, first_position: int, count: int) -> Iterator[StoredMessage]:
        """The messages at these positions, in order, but for those that were dropped.

        It reads in slices, not all at once.
        """

    def last_batch(self) -> Batch | None:
        """The batch with the highest sequence; None before the first."""

    def batch(self, sequence: int) -> Batch | None:
        """The batch with this sequence, if there is one."""

    def create_batch(self, batch: Batch) -> None:
        """Store the next batch and its APPEND in the outbox, in one transaction.

        RegistryError unless the batch follows the last one in sequence, position and head, and all
        of its commitments are durable.
        """
