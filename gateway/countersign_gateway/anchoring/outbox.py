"""Brings everything that the ledger must hold onto it, exactly once, whatever dies on the way.

    pending ─▶ signed ─▶ sent ─▶ included ─▶ finalized
                 │         ▲         │
                 │         └─────────┘  a reorganisation: send the same bytes again
                 └─ raw bytes, hash and nonce are durable BEFORE anything is sent

One `step` does five things, each of which may be cut off anywhere and is simply done again:

    recede   what the chain no longer has goes back to sent
    settle   what a nonce was used up for is looked up; final blocks make rows final
    sign     pending rows get a nonce and a stored transaction, in order
    send     signed transactions go out, and again from time to time
    bump     the first one in line offers more if it waits too long

Exactly once rests on three things: a nonce can be used up only once, each nonce serves one row
for ever, and the contracts refuse to do the same thing twice, so that what was signed twice
under two nonces still happens once. A row is never dropped: it ends finalized, or failed with
the ledger's reason, loudly. A failed append holds back later appends, which could only revert,
and nothing else.

Settling is in settlement.py; signing, sending and bumping are in submission.py.
"""

from __future__ import annotations

from typing import Protocol

from countersign_gateway.anchoring.fees import FeePolicy
from countersign_gateway.anchoring.ledger import Ledger, Rejected, UpstreamDown
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.anchoring.rows import ON_CHAIN, Rows, RowsRegistry, View
from countersign_gateway.anchoring.settlement import Settlement
from countersign_gateway.anchoring.submission import Submission
from countersign_gateway.model import Anchored
from countersign_gateway.operations.log import EventLog
from countersign_gateway.registry.interface import (
    LedgerBinding,
    LedgerBound,
    OutboxRow,
    OutboxState,
)


class OutboxRegistry(RowsRegistry, LedgerBound, Protocol):
    """The part of the registry that this needs."""


class Outbox:
    """Used by one thread. Times are monotonic seconds, handed to `step`."""

    def __init__(
        self,
        registry: OutboxRegistry,
        ledger: Ledger,
        key: LedgerKey,
        binding: LedgerBinding,
        log: EventLog,
        *,
        fees: FeePolicy | None = None,
        resend_s: float = 15.0,
        bump_after_s: float = 60.0,
        missing_after_s: float = 10.0,
        ask_again_s: float = 30.0,
    ) -> None:
        """resend_s: how often unmined transactions are handed to the node again.
        bump_after_s: how long the first in line waits before it offers more.
        missing_after_s: how long a used-up nonce may go without a known transaction.
        ask_again_s: how often a registration that the ledger would refuse is tried again.

        RegistryUnusable if the record anchors elsewhere.
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
            fees or FeePolicy(),
            resend_s=resend_s,
            bump_after_s=bump_after_s,
            ask_again_s=ask_again_s,
        )
        self._connected = False
        # What keeps something from going on, for a person to read; None if nothing does.
        self.problem: str | None = None

    def step(self, now_s: float) -> None:
        """Do what can be done now. UpstreamDown: nothing is known. Rejected: a wrong ledger."""
        self._rows.problems = []
        try:
            view = self._look(now_s)
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

    def disconnected(self) -> None:
        """Contact was lost: whatever comes back is checked, and sent everything, anew."""
        self._connected = False
        self._submission.resend_now()

    def anchored(self, sequence: int) -> Anchored:
        """What a receipt says of a finalized batch. ValueError if it is not finalized."""
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
        # The nonce first: what is counted here is then in the tip, and not the other way round.
        nonce = ledger.account_nonce(account)
        return View(now_s, nonce, ledger.tip(account), ledger.head())

    def _recede(self, view: View) -> None:
        """What was in a block that the chain no longer has is on its way again.

        Also what was final: no healthy chain takes that back, but one restored from an older
        state does, and a gateway must not claim what the ledger does not hold.
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
