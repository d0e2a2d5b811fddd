"""Brings each row of the outbox onto the ledger exactly once, even if a process dies on the way.

    pending ─▶ signed ─▶ sent ─▶ included ─▶ finalized
                 │         ▲         │
                 │         └─────────┘  a reorganisation: send the same bytes again
                 └─ raw bytes, hash and nonce are durable BEFORE anything is sent

One `step` does five things. Each may be interrupted at any point; the next step repeats it:

    recede   rows that the chain no longer has go back to sent
    settle   used-up nonces are looked up on the chain; final blocks make rows final
    sign     pending rows get a nonce and a stored transaction, in order
    send     signed transactions are sent, and sent again from time to time
    bump     the first transaction in line offers higher fees if it waits too long

Each effect happens exactly once for three reasons. The chain uses a nonce only once. Each nonce
serves one row permanently. The contracts refuse to repeat an effect, so two transactions of a row
under two nonces have one effect. The outbox never drops a row: it ends finalized, or failed with
the ledger's reason and an event in the log. A failed append holds back only later appends, which
would revert.

settlement.py settles; submission.py signs, sends and bumps.
"""

from __future__ import annotations

from typing import Protocol

from countersign_gateway.anchoring.fees import FeePolicy, Fees
from countersign_gateway.anchoring.gas import Gas
from countersign_gateway.anchoring.ledger import Head, Ledger, Rejected, Tip, UpstreamDown
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.anchoring.rows import (
    ON_CHAIN,
    PENDING,
    UNDER_WAY,
    UNMINED,
    Rows,
    RowsRegistry,
    View,
)
from countersign_gateway.anchoring.settlement import Settlement
from countersign_gateway.anchoring.submission import Submission
from countersign_gateway.model import Anchored
from countersign_gateway.operations.log import EventLog
from countersign_gateway.registry.interface import (
    LedgerBinding,
    LedgerBound,
    OutboxKind,
    OutboxRow,
    OutboxState,
)


class OutboxRegistry(RowsRegistry, LedgerBound, Protocol):
    """The part of the registry that the outbox needs."""


class Outbox:
    """For one thread. Times are monotonic seconds, passed to `step`."""

    def __init__(
        self,
        registry: OutboxRegistry,
        ledger: Ledger,
        key: LedgerKey,
        binding: LedgerBinding,
        log: EventLog,
        *,
        gas: Gas,
        fees: FeePolicy | None = None,
        resend_s: float = 15.0,
        bump_after_s: float = 60.0,
        missing_after_s: float = 10.0,
        ask_again_s: float = 30.0,
    ) -> None:
        """gas: what may be spent on one day.
        resend_s: the interval at which unmined transactions are sent again.
        bump_after_s: the time that the first in line waits before it offers higher fees.
        missing_after_s: the time that a used-up nonce may have no known transaction.
        ask_again_s: the interval at which a registration that would be refused is tried again.

        RegistryUnusable if the record is bound to another ledger account.
        """
        registry.bind_ledger(binding)
        self._binding = binding
        self._log = log
        self._rows = Rows(registry, ledger, key.address, log)
        self._settlement = Settlement(self._rows, missing_after_s)
        self._submission = Submission(
            self._rows,
            self._settlement,
            key,
            binding.chain_id,
            Fees(fees or FeePolicy()),
            gas,
            resend_s=resend_s,
            bump_after_s=bump_after_s,
            ask_again_s=ask_again_s,
        )
        self._connected = False
        self._tip: Tip | None = None  # of the last step
        # The newest and the final block, as the nodes last agreed on them in this contact.
        self.head: Head | None = None
        # What blocks a row, in words for a person; None if nothing does.
        self.problem: str | None = None

    def step(self, now_s: float) -> None:
        """Do all five now. UpstreamDown without usable answers, Rejected on a wrong ledger."""
        self._rows.begin_step()
        try:
            view = self._look(now_s)
            self._tip = view.tip
            self.head = view.head
            self._recede(view)
            self._settlement.settle(view)
            self._submission.sign(view)
            self._submission.send(view)
            self._submission.bump(view)
        except (UpstreamDown, Rejected):
            self.disconnected()
            raise
        problem = "; ".join(self._rows.problems) or None
        if problem != self.problem:
            self._log.event("ledger_problem", cause=problem)
        self.problem = problem

    @property
    def anchoring_blocked(self) -> bool:
        """Whether something keeps batches off the ledger, by the last step: see `problem`."""
        return self._rows.anchoring_blocked

    def busy(self, now_s: float) -> bool:
        """Whether a row could move: one is under way, or waits and may be signed."""
        registry = self._rows.registry
        return bool(registry.outbox(UNDER_WAY, 1)) or self._submission.waiting(now_s)

    def awaits_block(self) -> bool:
        """Whether a transaction of ours is under way and in no block, as far as is known."""
        return bool(self._rows.registry.outbox(UNMINED, 1))

    def oldest_open(self) -> int | None:
        """The sequence of the oldest batch that is not final; None if all are."""
        open_rows = self._rows.registry.outbox((*PENDING, *UNDER_WAY), 1, OutboxKind.APPEND)
        return open_rows[0].sequence if open_rows else None

    def confirm(self, *, with_head: bool) -> bool:
        """Ask only whether our log is as the last step saw it. False: do a step.

        with_head: ask for the newest block too.

        UpstreamDown and Rejected as of `step`.
        """
        try:
            if not self._connected or self._rows.ledger.tip(self._rows.account) != self._tip:
                return False
            if with_head:
                self.head = self._rows.ledger.head()
            return True
        except (UpstreamDown, Rejected):
            self.disconnected()
            raise

    def disconnected(self) -> None:
        """Note a lost contact: the next step checks the ledger and sends everything again."""
        self._connected = False
        self.head = None
        self._submission.resend_now()

    def anchored(self, sequence: int) -> Anchored:
        """The content of a receipt about a finalized batch. ValueError if it is not finalized."""
        row = self._rows.append(sequence)
        batch = self._rows.registry.batch(sequence)
        if row is None or batch is None or row.state is not OutboxState.FINALIZED:
            raise ValueError("not a finalized batch")
        if row.block_number is None or row.transaction_hash is None:
            raise ValueError("a finalized batch without its block")
        return Anchored(
            sequence=sequence,
            root=batch.root,
            size=batch.size,
            chain_id=self._binding.chain_id,
            contract=self._binding.commitment_log,
            block_number=row.block_number,
            transaction_hash=row.transaction_hash,
        )

    def _look(self, now_s: float) -> View:
        ledger, account = self._rows.ledger, self._rows.account
        if not self._connected:
            ledger.check()
            self._connected = True
        # Nonce and tip are those after one block, so that the tip includes every transaction that
        # the nonce counts, and nodes of which one is a block behind give the same answer.
        head = ledger.head()
        nonce = ledger.account_nonce(account, head.latest)
        return View(now_s, nonce, ledger.tip(account, head.latest), head)

    def _recede(self, view: View) -> None:
        """Move rows whose block the chain no longer has back to sent, or to pending.

        This includes final rows. No healthy chain reverts a final block, but a chain restored from
        an older state does, and a gateway must not claim what the ledger does not hold.
        """
        gone: dict[int, OutboxRow] = {
            row.row_id: row
            for row in self._rows.registry.outbox_from_nonce(view.nonce)
            if row.state in ON_CHAIN
        }
        sequence = view.tip.sequence + 1
        while row := self._rows.append(sequence):
            if row.state not in ON_CHAIN:
                break
            gone[row.row_id] = row
            sequence += 1
        for row in gone.values():
            self._rows.tell("ledger_went_back", row, was=row.state.name.lower())
            if row.nonce is None:
                self._rows.registry.mark_pending(row.row_id, "no longer on the ledger")
            else:
                self._rows.registry.mark_sent(row.row_id)
            self._submission.resend_now()
