"""What the parts of the outbox share: the rows they move, and the times they remember."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from countersign_gateway.anchoring.ledger import Call, Head, Ledger, Tip
from countersign_gateway.operations.log import EventLog
from countersign_gateway.registry.interface import (
    Batches,
    Outbox,
    OutboxKind,
    OutboxRow,
    OutboxState,
)

IN_FLIGHT = 16  # below the 64 that geth keeps for an account
MOST_ROWS = 1000  # looked at in one step

PENDING = (OutboxState.PENDING,)
UNMINED = (OutboxState.SIGNED, OutboxState.SENT)
UNDER_WAY = (*UNMINED, OutboxState.INCLUDED)
ON_CHAIN = (OutboxState.INCLUDED, OutboxState.FINALIZED)


@dataclass(frozen=True, slots=True)
class View:
    """What one step knows of the chain. nonce: the account's next; now_s: monotonic seconds."""

    now_s: float
    nonce: int
    tip: Tip
    head: Head


class RowsRegistry(Batches, Outbox, Protocol):
    """The part of the registry that the parts of the outbox need."""


class Rows:
    """The record and the ledger side by side, for one account. Used by one thread."""

    def __init__(
        self, registry: RowsRegistry, ledger: Ledger, account: bytes, log: EventLog
    ) -> None:
        self.registry = registry
        self.ledger = ledger
        self.account = account
        self._log = log
        # By row, in monotonic seconds. Lost at a restart, and then counted from there.
        self.signed_at_s: dict[int, float] = {}
        self.missing_since_s: dict[int, float] = {}
        self.ask_again_at_s: dict[int, float] = {}
        # What this step found in its way, for a person to read.
        self.problems: list[str] = []

    def append(self, sequence: int) -> OutboxRow | None:
        """The row of one batch."""
        return self.registry.outbox_row(OutboxKind.APPEND, sequence.to_bytes(8, "big"))

    def call(self, row: OutboxRow) -> Call:
        """What the row's transaction does; the same for every attempt."""
        if row.kind is OutboxKind.APPEND:
            batch = self.registry.batch(row.sequence)
            if batch is None:
                raise LookupError("an append without its batch")
            return self.ledger.append_call(batch)
        registration = self.registry.signed_registration(row.subject)
        if registration is None:
            raise LookupError("a registration without its signature")
        return self.ledger.register_call(registration)

    def fail(self, row: OutboxRow, detail: str) -> None:
        """The ledger refuses it for good: recorded, and said."""
        self.registry.mark_failed(row.row_id, detail)
        self.forget(row)
        self.tell("ledger_failed", row, cause=detail)

    def forget(self, row: OutboxRow) -> None:
        """The row has reached its end: drop what was remembered of it."""
        for times in (self.signed_at_s, self.missing_since_s, self.ask_again_at_s):
            times.pop(row.row_id, None)

    def tell(self, event: str, row: OutboxRow, **fields: object) -> None:
        """Write an event of this row into the log."""
        subject: dict[str, object] = (
            {"batch": row.sequence} if row.kind is OutboxKind.APPEND else {"device_id": row.subject}
        )
        self._log.event(event, **subject, **fields)
