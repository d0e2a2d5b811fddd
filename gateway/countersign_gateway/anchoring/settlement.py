"""What became of the transactions: the nonces that are used up, looked up one by one.

A nonce that is used up has four endings: our transaction did it (included, in time final); ours
was reverted; ours was a no-op, because the ledger had the effect already; or it was not ours. In
the last three the ledger itself is asked whether the effect is there, and the row is adopted, goes
back to pending for another nonce, or fails.
"""

from __future__ import annotations

from countersign_gateway.anchoring.ledger import Inclusion
from countersign_gateway.anchoring.rows import MOST_ROWS, UNDER_WAY, Rows, View
from countersign_gateway.registry.interface import OutboxKind, OutboxRow

_MOST_TRIES = 5  # nonces used up for one row before someone must look


class Settlement:
    """missing_after_s: how long a used-up nonce may go without a known transaction, since a node
    may know of the block before it can find the transaction."""

    def __init__(self, rows: Rows, missing_after_s: float) -> None:
        self._rows = rows
        self._registry = rows.registry
        self._missing_after_s = missing_after_s

    def settle(self, view: View) -> None:
        """Look up everything under way whose nonce is used up."""
        for row in self._registry.outbox(UNDER_WAY, MOST_ROWS):
            if row.block_number is not None and row.block_number > view.head.finalized:
                continue  # included; a reorganisation that removes it shows in the nonce
            if row.nonce is None:
                # Found on the ledger, not sent by us; now its block should be final.
                if not self.adopt(row, view):
                    self._registry.mark_pending(row.row_id, "no longer on the ledger")
                continue
            if row.nonce >= view.nonce:
                continue  # not mined yet
            found = self._mined(row)
            if found is None:
                since_s = self._rows.missing_since_s.setdefault(row.row_id, view.now_s)
                if view.now_s - since_s >= self._missing_after_s:
                    self._judge(row, view, "its nonce was used up by another transaction")
                continue
            self._rows.missing_since_s.pop(row.row_id, None)
            final = found.block_number <= view.head.finalized
            if found.succeeded and found.effective:
                self._place(row, found, view)
            elif final:
                reverted = "reverted" if not found.succeeded else "had no effect"
                self._judge(row, view, f"its transaction {reverted}")

    def _mined(self, row: OutboxRow) -> Inclusion | None:
        """The one of the row's transactions that is in a block; an effective one if there is."""
        other = None
        for attempt in reversed(self._registry.attempts(row.row_id)):
            found = self._rows.ledger.inclusion(attempt.transaction_hash)
            if found is not None and found.succeeded and found.effective:
                return found
            # An attempt under an older nonce was judged when that nonce was given up.
            if found is not None and attempt.nonce == row.nonce:
                other = found
        return other

    def _place(self, row: OutboxRow, found: Inclusion, view: View) -> None:
        if found.block_number <= view.head.finalized:
            self._registry.mark_finalized(row.row_id, found.block_number, found.transaction_hash)
            self._rows.forget(row)
            self._rows.tell("ledger_finalized", row, block=found.block_number)
        elif (row.block_number, row.transaction_hash) != (
            found.block_number,
            found.transaction_hash,
        ):
            self._registry.mark_included(row.row_id, found.block_number, found.transaction_hash)

    def _judge(self, row: OutboxRow, view: View, cause: str) -> None:
        """Its nonce is gone and it was not by our effect: is the effect there all the same?"""
        if self.adopt(row, view):
            return
        self._rows.missing_since_s.pop(row.row_id, None)
        if row.kind is OutboxKind.REGISTER:
            revert = self._rows.ledger.expected_revert(self._rows.account, self._rows.call(row))
            if revert is not None and revert.lasting:
                self._rows.fail(row, f"{cause}: {revert.reason}")
                return
        if row.tries >= _MOST_TRIES:
            self._rows.fail(row, f"{cause}, {row.tries} times over")
            return
        self._rows.tell("ledger_retry", row, cause=cause)
        self._registry.mark_pending(row.row_id, cause)

    def adopt(self, row: OutboxRow, view: View) -> bool:
        """True if the ledger has the row's effect already, or another in its place."""
        if row.kind is OutboxKind.APPEND:
            if view.tip.sequence < row.sequence:
                return False
            ours = self._registry.batch(view.tip.sequence)
            if ours is None or ours.head != view.tip.head:
                self._rows.fail(row, "the ledger holds another history for this key")
                return True
            found = self._rows.ledger.append_inclusion(self._rows.account, row.sequence)
        else:
            owner = self._rows.ledger.device_owner(row.subject)
            if owner is None:
                return False
            registration = self._registry.signed_registration(row.subject)
            if registration is None or registration.device.owner != owner:
                self._rows.fail(row, f"the device belongs to 0x{owner.hex()} already")
                return True
            found = self._rows.ledger.register_inclusion(row.subject)
        if found is None:
            self._rows.problems.append("the node does not serve the events of our contracts")
        else:
            self._place(row, found, view)
        return True
