"""Where a record and the ledger stand to each other: what both have, and what only one has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from countersign import merkle
from countersign_gateway.anchoring.batcher import following
from countersign_gateway.anchoring.ledger import AnchoredBatch, Succession, Tip
from countersign_gateway.registry.interface import Batches


class State(Enum):
    """AGREES: the ledger's last batch is in the record. AHEAD: the ledger has more batches, and the
    record's commitments make the very same. FOREIGN: it has batches that the record cannot make.
    CLOSED: the gateway closed the log, and another account goes on."""

    AGREES = "agrees"
    AHEAD = "ahead"
    FOREIGN = "foreign"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Standing:
    """common: the last batch that both have, or that the record can make. tip: the ledger's last.
    missing: batches on the ledger that the record lacks and can make. successor: who goes on.
    """

    state: State
    common: Tip
    tip: Tip
    missing: tuple[AnchoredBatch, ...] = ()
    successor: bytes | None = None


class History(Protocol):
    """What a ledger says of a log."""

    def tip(self, account: bytes) -> Tip:
        """Its last batch."""

    def batches(self, account: bytes) -> tuple[AnchoredBatch, ...]:
        """All that the account appended."""

    def succession(self, account: bytes) -> Succession | None:
        """Where it was closed."""


def examine(record: Batches, ledger: History, account: bytes) -> Standing | None:
    """How the record stands to the log of `account`. None if they have no beginning in common."""
    tip = ledger.tip(account)
    closed = ledger.succession(account)
    if closed is not None:
        common = Tip(closed.sequence, closed.head)
        return Standing(State.CLOSED, common, tip, successor=closed.successor)
    if _holds(record, tip.sequence, tip.head):
        return Standing(State.AGREES, tip, tip)
    anchored = ledger.batches(account)
    common_found = _common(record, anchored)
    if common_found is None:
        return None
    later = [batch for batch in anchored if batch.sequence > common_found.sequence]
    missing = _made_again(record, common_found, later)
    state = State.AHEAD if len(missing) == len(later) else State.FOREIGN
    common = Tip(missing[-1].sequence, missing[-1].head) if missing else common_found
    return Standing(state, common, tip, tuple(missing))


def _holds(record: Batches, sequence: int, head: bytes) -> bool:
    if sequence == 0:
        return True
    ours = record.batch(sequence)
    return ours is not None and ours.head == head


def _common(record: Batches, anchored: tuple[AnchoredBatch, ...]) -> Tip | None:
    """The last of these batches that the record has, or the batch before the first."""
    for batch in reversed(anchored):
        if _holds(record, batch.sequence, batch.head):
            return Tip(batch.sequence, batch.head)
    before = anchored[0].sequence - 1 if anchored else 0
    if before == 0:
        return Tip(0, bytes(32))
    ours = record.batch(before)
    return None if ours is None else Tip(before, ours.head)


def _made_again(record: Batches, common: Tip, later: list[AnchoredBatch]) -> list[AnchoredBatch]:
    """Those of the later batches that the record's unbatched commitments make, from the first."""
    last = record.last_batch()
    if (0 if last is None else last.sequence) != common.sequence:
        return []  # it made other batches of them, and a batch never changes
    made: list[AnchoredBatch] = []
    position = 0 if last is None else last.first_position + last.size
    for batch in later:
        if position + batch.size > record.commitment_count():
            break
        leaves = record.commitments(position, batch.size)
        if merkle.root(leaves) != batch.root:
            break
        last = following(last, leaves)
        if last.head != batch.head:
            break
        made.append(batch)
        position += batch.size
    return made
