"""Cuts durable commitments into batches: contiguous, in order, by count or by age.

A batch holds the positions [first, first + size). Its root is the RFC 9162 tree head over those
commitments, and its head chains it to all earlier batches. A stored batch never changes, so the
outbox always sends the same batch.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from countersign import merkle
from countersign_gateway.model import Batch
from countersign_gateway.registry.interface import Batches, OutboxKind, OutboxRows, OutboxState

# While this many batches wait to be included, age no longer cuts new ones: during an outage the
# backlog collects into full batches instead of thousands of small ones, each of which costs gas.
_WAITING_BATCHES = 4


class BatcherRegistry(Batches, OutboxRows, Protocol):
    """The part of the registry that the batcher needs."""


class Batcher:
    """For one thread. batch_max: commitments in a batch; batch_age_s: the longest wait of one."""

    def __init__(self, registry: BatcherRegistry, batch_max: int, batch_age_s: float) -> None:
        if not 1 <= batch_max <= 0xFFFFFFFF:
            raise ValueError("batch_max must be from 1 to 2**32 - 1")
        self._registry = registry
        self._batch_max = batch_max
        self._batch_age_s = batch_age_s
        last = registry.last_batch()
        self._next_position = 0 if last is None else last.first_position + last.size
        self._waiting_since_s: float | None = None

    def step(self, now_s: float) -> list[Batch]:
        """Cut the batches due at `now_s` (monotonic seconds). Returns them; they are durable."""
        cut = []
        waiting = self._registry.commitment_count() - self._next_position
        while waiting >= self._batch_max:
            cut.append(self._cut(self._batch_max))
            waiting -= self._batch_max
        if waiting == 0:
            self._waiting_since_s = None
        elif cut or self._waiting_since_s is None:
            # The remaining commitments arrived after the last step, so their age counts from now.
            self._waiting_since_s = now_s
        elif now_s - self._waiting_since_s >= self._batch_age_s and not self._backlogged():
            cut.append(self._cut(waiting))
            self._waiting_since_s = None
        return cut

    def _backlogged(self) -> bool:
        states = (OutboxState.PENDING, OutboxState.SIGNED, OutboxState.SENT)
        waiting = self._registry.outbox(states, _WAITING_BATCHES, OutboxKind.APPEND)
        return len(waiting) == _WAITING_BATCHES

    def _cut(self, size: int) -> Batch:
        last = self._registry.last_batch()
        batch = following(last, self._registry.commitments(self._next_position, size))
        self._registry.create_batch(batch)
        self._next_position += size
        return batch


def following(last: Batch | None, commitments: list[bytes]) -> Batch:
    """The batch of `commitments` that follows `last`."""
    previous_head = bytes(32) if last is None else last.head
    root = merkle.root(commitments)
    return Batch(
        sequence=1 if last is None else last.sequence + 1,
        first_position=0 if last is None else last.first_position + last.size,
        size=len(commitments),
        root=root,
        previous_head=previous_head,
        head=next_head(previous_head, root, len(commitments)),
    )


def next_head(previous_head: bytes, root: bytes, size: int) -> bytes:
    """The 32-byte head after a batch, as CommitmentLog computes it."""
    return hashlib.sha256(previous_head + root + size.to_bytes(4, "big")).digest()
