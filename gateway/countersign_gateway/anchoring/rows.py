"""The state that the parts of the outbox share: rows, and times in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from countersign_gateway.anchoring.ledger import Call, Effect, Head, Ledger, Tip
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
LONGEST_WAIT_S = 900.0  # of a row that the ledger would refuse now

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
        # How often a row was put off, for the length of the next wait.
        self.put_off: dict[int, int] = {}
        # What blocked a row in this step, in words for a person.
        self.problems: list[str] = []
        # Whether one of them keeps batches off the ledger.
        self.anchoring_blocked = False

    def begin_step(self) -> None:
        """Forget what blocked rows in the last step."""
        self.problems = []
        self.anchoring_blocked = False

    def block_anchoring(self, problem: str) -> None:
        """Note a problem that keeps batches off the ledger."""
        self.problems.append(problem)
        self.anchoring_blocked = True

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

    def effect(self, row: OutboxRow) -> Effect:
        """What shows that the ledger has the row's effect."""
        if row.kind is OutboxKind.APPEND:
            batch = self.registry.batch(row.sequence)
            if batch is None:
                raise LookupError("an append without its batch")
            return self.ledger.append_effect(self.account, batch)
        registration = self.registry.signed_registration(row.subject)
        if registration is None:
            raise LookupError("a registration without its signature")
        return self.ledger.register_effect(registration)

    def put_off_until(self, row: OutboxRow, now_s: float, wait_s: float) -> None:
        """Let the row wait for `wait_s`, and twice as long each time again, up to LONGEST_WAIT_S.

        Whoever has another reason to wait calls `start_anew` first.
        """
        times = self.put_off.get(row.row_id, 0)
        self.put_off[row.row_id] = min(times + 1, 16)
        self.ask_again_at_s[row.row_id] = now_s + min(wait_s * 2.0**times, LONGEST_WAIT_S)

    def start_anew(self, row: OutboxRow) -> None:
        """Forget how often the row was put off."""
        self.ask_again_at_s.pop(row.row_id, None)
        self.put_off.pop(row.row_id, None)

    def waits(self, row: OutboxRow, now_s: float) -> bool:
        """Whether the row was put off until later than `now_s`."""
        return self.ask_again_at_s.get(row.row_id, now_s) > now_s

    def fail(self, row: OutboxRow, detail: str) -> None:
        """Record and log that the ledger refuses the row permanently."""
        self.registry.mark_failed(row.row_id, detail)
        self.forget(row)
        self.tell("ledger_failed", row, cause=detail)

    def forget(self, row: OutboxRow) -> None:
        """Drop the times of a row that is finalized or failed."""
        for times in (self.signed_at_s, self.missing_since_s, self.ask_again_at_s):
            times.pop(row.row_id, None)
        self.put_off.pop(row.row_id, None)

    def tell(self, event: str, row: OutboxRow, **fields: object) -> None:
        """Write an event about this row to the log."""
        subject: dict[str, object] = (
            {"batch": row.sequence} if row.kind is OutboxKind.APPEND else {"device_id": row.subject}
        )
        self._log.event(event, **subject, **fields)
