"""The state that the parts of the outbox share: rows, and times in memory."""

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

IN_FLIGHT = 16  # nonces under way; below the 64 that geth keeps for an account
MOST_ROWS = 1000  # rows read in one step

PENDING = (OutboxState.PENDING,)
UNMINED = (OutboxState.SIGNED, OutboxState.SENT)
UNDER_WAY = (*UNMINED, OutboxState.INCLUDED)
ON_CHAIN = (OutboxState.INCLUDED, OutboxState.FINALIZED)


@dataclass(frozen=True, slots=True)
class View:
    """The chain as one step sees it. nonce: the account's next; now_s: monotonic seconds."""

    now_s: float
    nonce: int
    tip: Tip
    head: Head


class RowsRegistry(Batches, Outbox, Protocol):
    """The part of the registry that the parts of the outbox need."""


class Rows:
    """The rows of the registry, with the ledger and one account. For one thread."""

    def __init__(
        self, registry: RowsRegistry, ledger: Ledger, account: bytes, log: EventLog
    ) -> None:
        self.registry = registry
        self.ledger = ledger
        self.account = account
        self._log = log
        # By row, in monotonic seconds. A restart loses these times, and they count from then on.
        self.signed_at_s: dict[int, float] = {}
        self.missing_since_s: dict[int, float] = {}
        self.ask_again_at_s: dict[int, float] = {}
        # What blocked a row in this step, in words for a person.
        self.problems: list[str] = []

    def append(self, sequence: int) -> OutboxRow | None:
        """The row of one batch."""
        return self.registry.outbox_row(OutboxKind.APPEND, sequence.to_bytes(8, "big"))

    def call(self, row: OutboxRow) -> Call:
        """The call of the row's transaction; it is the same for every attempt."""
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
        """Record and log that the ledger refuses the row permanently."""
        self.registry.mark_failed(row.row_id, detail)
        self.forget(row)
        self.tell("ledger_failed", row, cause=detail)

    def forget(self, row: OutboxRow) -> None:
        """Drop the times of a row that is finalized or failed."""
        for times in (self.signed_at_s, self.missing_since_s, self.ask_again_at_s):
            times.pop(row.row_id, None)

    def tell(self, event: str, row: OutboxRow, **fields: object) -> None:
        """Write an event about this row to the log."""
        subject: dict[str, object] = (
            {"batch": row.sequence} if row.kind is OutboxKind.APPEND else {"device_id": row.subject}
        )
        self._log.event(event, **subject, **fields)
