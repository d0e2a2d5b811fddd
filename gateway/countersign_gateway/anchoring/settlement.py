"""Finds the outcome of each transaction whose nonce is used up.

There are four outcomes. Our transaction had its effect (it is included, and final in time); ours
was reverted; ours had no effect, because the ledger had the effect already; or the transaction was
not ours. In the last three cases the outbox asks the ledger whether it has the effect. The row is
then adopted, goes back to pending for another nonce, or fails.
"""

from __future__ import annotations

from countersign_gateway.anchoring.ledger import Inclusion, Unproven
from countersign_gateway.anchoring.rows import MOST_ROWS, UNDER_WAY, Rows, View
from countersign_gateway.registry.interface import OutboxKind, OutboxRow, OutboxState

# After this many used-up nonces a row waits before it takes another: each costs gas. It never fails
# for that. Only an error of our contracts says that it can never succeed.
_QUICK_TRIES = 5
_WAIT_S = 60.0


class Settlement:
    """missing_after_s: the time that a used-up nonce may have no known transaction. A node may know
    a block before it can find the block's transactions."""

    def __init__(self, rows: Rows, missing_after_s: float) -> None:
        self._rows = rows
        self._registry = rows.registry
        self._missing_after_s = missing_after_s

    def settle(self, view: View) -> None:
        """Look up every row under way whose nonce is used up."""
        for row in self._registry.outbox(UNDER_WAY, MOST_ROWS):
            try:
                self._settle(row, view)
            except Unproven as unproven:
                # The nodes agree, and none of them proves it: no receipt comes of that.
                self._rows.block_anchoring(str(unproven))

    def _settle(self, row: OutboxRow, view: View) -> None:
        if row.block_number is not None and row.block_number > view.head.final:
            return  # included; a reorganisation that removes it lowers the account's nonce
        if row.nonce is None:
            # The ledger had the effect without our transaction; its block should be final now.
            if not self.adopt(row, view):
                self._registry.mark_pending(row.row_id, "no longer on the ledger")
            return
        if row.nonce >= view.nonce:
            return  # not mined yet
        found = self._mined(row, view)
        if found is None:
            since_s = self._rows.missing_since_s.setdefault(row.row_id, view.now_s)
            if view.now_s - since_s >= self._missing_after_s:
                self._judge(row, view, "its nonce was used up by another transaction")
            return
        self._rows.missing_since_s.pop(row.row_id, None)
        final = found.block_number <= view.head.final
        if found.succeeded and found.effective:
            self._place(row, found, view)
        elif final:
            reverted = "reverted" if not found.succeeded else "had no effect"
            self._judge(row, view, f"its transaction {reverted}")

    def _mined(self, row: OutboxRow, view: View) -> Inclusion | None:
        """The row's transaction that is in a block; the effective one if there is one."""
        other = None
        effect = self._rows.effect(row)
        for attempt in reversed(self._registry.attempts(row.row_id)):
            found = self._rows.ledger.inclusion(attempt.transaction_hash, effect, view.head.final)
            if found is not None and found.succeeded and found.effective:
                return found
            # An attempt with an older nonce was judged when the row gave up that nonce.
            if found is not None and attempt.nonce == row.nonce:
                other = found
        return other

    def _place(self, row: OutboxRow, found: Inclusion, view: View) -> None:
        if found.block_number <= view.head.final:
            self._registry.mark_finalized(row.row_id, found.block_number, found.transaction_hash)
            self._rows.forget(row)
            self._rows.tell("ledger_finalized", row, block=found.block_number)
        elif (row.block_number, row.transaction_hash) != (
            found.block_number,
            found.transaction_hash,
        ):
            self._registry.mark_included(row.row_id, found.block_number, found.transaction_hash)

    def _judge(self, row: OutboxRow, view: View, cause: str) -> None:
        """Adopt, fail or repeat a row whose nonce was used up without its effect."""
        if self.adopt(row, view):
            return
        self._rows.missing_since_s.pop(row.row_id, None)
        if row.kind is OutboxKind.REGISTER:
            revert = self._rows.ledger.expected_revert(self._rows.account, self._rows.call(row))
            if revert is not None and revert.lasting:
                self._rows.fail(row, f"{cause}: {revert.reason}")
                return
        if row.tries >= _QUICK_TRIES:
            self._rows.put_off_until(row, view.now_s, _WAIT_S)
        self._rows.tell("ledger_retry", row, cause=cause)
        self._registry.mark_pending(row.row_id, cause)

    def adopt(self, row: OutboxRow, view: View) -> bool:
        """Settle the row if the ledger has its effect, or another in its place. True if it has."""
        if row.kind is OutboxKind.APPEND:
            if view.tip.sequence < row.sequence:
                return False
            ours = self._registry.batch(view.tip.sequence)
            if ours is None or ours.head != view.tip.head:
                # Not failed for good: `countersign gateway repair` lets the record go on.
                if row.state is not OutboxState.PENDING:
                    self._registry.mark_pending(row.row_id, "the ledger holds another history")
                return True
        else:
            owner = self._rows.ledger.device_owner(row.subject, view.head.latest)
            if owner is None:
                return False
            registration = self._registry.signed_registration(row.subject)
            if registration is None or registration.device.owner != owner:
                self._rows.fail(row, f"the device belongs to 0x{owner.hex()} already")
                return True
        try:
            found = self._rows.ledger.effect_inclusion(self._rows.effect(row), view.head.final)
        except Unproven as unproven:
            self._rows.block_anchoring(str(unproven))
            return True
        if found is None:
            self._rows.problems.append("the node does not serve the events of our contracts")
        else:
            self._place(row, found, view)
        return True
