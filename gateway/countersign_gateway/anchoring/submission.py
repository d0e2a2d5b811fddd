"""Signs transactions, sends them, sends them again, and raises their fees.

One transaction of the record takes the nonce and stores the signed bytes, before anything is sent.
From then on only these bytes, or a replacement with the same nonce and higher fees, are sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from countersign_gateway.anchoring.fees import Fees, Offer
from countersign_gateway.anchoring.gas import Gas
from countersign_gateway.anchoring.ledger import FeeTooLow, NonceUsed, Rejected
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.anchoring.rows import (
    IN_FLIGHT,
    MOST_ROWS,
    PENDING,
    UNDER_WAY,
    UNMINED,
    Rows,
    View,
)
from countersign_gateway.anchoring.settlement import Settlement
from countersign_gateway.registry.interface import (
    Attempt,
    OutboxKind,
    OutboxRow,
    OutboxState,
)

_MOST_ASKED = 64  # registrations that one step asks the ledger about


class Submission:
    """Times are in seconds: see Outbox."""

    def __init__(
        self,
        rows: Rows,
        settlement: Settlement,
        key: LedgerKey,
        chain_id: int,
        fees: Fees,
        gas: Gas,
        *,
        resend_s: float,
        bump_after_s: float,
        ask_again_s: float,
    ) -> None:
        self._rows = rows
        self._registry = rows.registry
        self._settlement = settlement
        self._key = key
        self._chain_id = chain_id
        self._fees = fees
        self._gas = gas
        self._resend_s = resend_s
        self._bump_after_s = bump_after_s
        self._ask_again_s = ask_again_s
        self._resend_at_s: float | None = None  # None: resend at the next step
        self._held = False  # what _appends_held said last
        self._out_of_gas: set[OutboxKind] = set()  # the kinds that waited for gas at the last step

    def resend_now(self) -> None:
        """Send everything again at the next step: the node may have lost it."""
        self._resend_at_s = None

    def waiting(self, now_s: float) -> bool:
        """Whether a pending row could be signed now, as far as the last step knows."""
        if not self._held:
            for row in self._registry.outbox(PENDING, 1, OutboxKind.APPEND):
                if not self._rows.waits(row, now_s) and self._may_have_gas(row):
                    return True
        limit = IN_FLIGHT + len(self._rows.ask_again_at_s)
        registrations = self._registry.outbox(PENDING, limit, OutboxKind.REGISTER)
        ready = [row for row in registrations if not self._rows.waits(row, now_s)]
        return bool(ready) and self._may_have_gas(ready[0])

    def sign(self, view: View) -> None:
        """Give pending rows a nonce and a stored transaction, up to IN_FLIGHT under way."""
        self._out_of_gas.clear()
        next_nonce = max(view.nonce, self._registry.next_nonce() or 0)
        if next_nonce > view.nonce and not self._next_is_ours(view):
            return
        room = IN_FLIGHT - (next_nonce - view.nonce)
        for row in self._ready(view):
            if room <= 0 or not self._gas.spend(row.kind, self._rows.call(row).gas):
                return
            self._store(row, next_nonce, self._fees.offer(view.head.base_fee), view)
            next_nonce += 1
            room -= 1

    def send(self, view: View) -> None:
        """Send new transactions, and after each `resend_s` all unmined ones, in nonce order."""
        everything = self._resend_at_s is None or view.now_s >= self._resend_at_s
        signed = self._registry.outbox([OutboxState.SIGNED], MOST_ROWS)
        fresh = {row.nonce: row.row_id for row in signed}
        if not everything and not fresh:
            return
        # The last attempt of a nonce has the highest fees; it replaces the earlier ones.
        latest = {found.nonce: found for found in self._registry.attempts_from_nonce(view.nonce)}
        for nonce in sorted(latest):
            if not everything and nonce not in fresh:
                continue
            try:
                self._rows.ledger.send(latest[nonce].raw)
            except NonceUsed:
                pass  # it has just been mined; the next step settles it
            except FeeTooLow as refused:
                self._offer_more(nonce, latest[nonce], refused, view)
                return
            except Rejected as rejected:
                # Transactions with higher nonces cannot be mined before it.
                self._rows.block_anchoring(f"the node refuses nonce {nonce}: {rejected.reason}")
                return
            if nonce in fresh:
                self._registry.mark_sent(fresh[nonce])
        if everything:
            self._resend_at_s = view.now_s + self._resend_s

    def bump(self, view: View) -> None:
        """Raise the fees of the first in line only: the others wait for it at any fee."""
        first = [
            row for row in self._registry.outbox(UNMINED, MOST_ROWS) if row.nonce == view.nonce
        ]
        if not first:
            return
        row = first[0]
        # A restart loses the time of signing, so the wait counts from now.
        since_s = self._rows.signed_at_s.setdefault(row.row_id, view.now_s)
        if view.now_s - since_s < self._bump_after_s:
            return
        attempts = self._registry.attempts(row.row_id)
        last = [found for found in attempts if found.nonce == view.nonce][-1]
        fees = self._fees.raised((last.max_fee, last.priority_fee), view.head.base_fee)
        if fees is None:
            self._rows.block_anchoring(f"nonce {view.nonce} waits, and the fee cap allows no more")
            return
        self._store(row, view.nonce, fees, view)
        self.send(view)

    # --- what may be signed --------------------------------------------------------------

    def _ready(self, view: View) -> Iterator[OutboxRow]:
        """The pending rows that the ledger can take now: appends in order, then registrations."""
        self._held = self._appends_held(view)
        if not self._held:
            for row in self._registry.outbox(PENDING, IN_FLIGHT, OutboxKind.APPEND):
                if self._rows.waits(row, view.now_s):
                    continue
                if not self._settlement.adopt(row, view) and self._predecessor_is_out(row):
                    if not self._has_gas(row):
                        break
                    yield row
        # Waiting registrations are the oldest rows, and must not crowd out later ones.
        limit = IN_FLIGHT + len(self._rows.ask_again_at_s)
        asked = 0
        for row in self._registry.outbox(PENDING, limit, OutboxKind.REGISTER):
            if self._rows.waits(row, view.now_s) or asked == _MOST_ASKED:
                continue
            asked += 1
            if self._settlement.adopt(row, view):
                continue
            if not self._has_gas(row):
                break
            if not self._would_be_refused(row, view):
                self._rows.start_anew(row)
                yield row

    def _appends_held(self, view: View) -> bool:
        """True while no append can succeed: one failed, or the ledger's tip is not our record's."""
        failed = self._registry.outbox([OutboxState.FAILED], 1, OutboxKind.APPEND)
        if failed:
            self._rows.block_anchoring(f"batch {failed[0].sequence} failed: {failed[0].detail}")
            return True
        if view.tip.sequence == 0:
            return False
        ours = self._registry.batch(view.tip.sequence)
        if ours is not None and ours.head == view.tip.head:
            return False
        self._rows.block_anchoring(
            f"batch {view.tip.sequence} on the ledger is not in this record, and later ones wait:"
            " was the record restored from an old backup, or the ledger key used elsewhere?"
            " `countersign gateway repair` finds out"
        )
        return True

    def _has_gas(self, row: OutboxRow) -> bool:
        """Whether the day's gas allows the row a new nonce. If not, say who waits."""
        if self._gas.allows(row.kind, self._rows.call(row).gas):
            return True
        self._out_of_gas.add(row.kind)
        if row.kind is OutboxKind.APPEND:
            self._rows.block_anchoring(
                "the day's gas is spent (anchoring.gas_per_day), and batches wait for the next day"
            )
        else:
            self._rows.problems.append(
                "of the day's gas only the part for batches is left (anchoring.gas_per_day), and"
                " registrations wait for the next day"
            )
        return False

    def _may_have_gas(self, row: OutboxRow) -> bool:
        """False if the last step told that this kind of row has no gas, and it has none yet."""
        return row.kind not in self._out_of_gas or self._gas.allows(
            row.kind, self._rows.call(row).gas
        )

    def _predecessor_is_out(self, row: OutboxRow) -> bool:
        if row.sequence == 1:
            return True
        before = self._rows.append(row.sequence - 1)
        return before is not None and before.state in (*UNDER_WAY, OutboxState.FINALIZED)

    def _would_be_refused(self, row: OutboxRow, view: View) -> bool:
        """Ask before paying gas: the owner may have to appoint this gateway first."""
        revert = self._rows.ledger.expected_revert(self._rows.account, self._rows.call(row))
        if revert is None:
            return False
        if revert.lasting:
            self._rows.fail(row, f"the ledger would revert it: {revert.reason}")
            return True
        if row.detail != revert.reason:
            self._rows.start_anew(row)
            self._rows.tell("ledger_waits", row, cause=revert.reason)
            self._registry.mark_pending(row.row_id, revert.reason)
        self._rows.put_off_until(row, view.now_s, self._ask_again_s)
        return True

    def _next_is_ours(self, view: View) -> bool:
        """False if no attempt of ours has the account's next nonce.

        This happens if someone else used our key and a reorganisation removed that transaction. The
        oldest open row takes the nonce. If its other transaction is mined too, the contracts do not
        repeat the effect.
        """
        attempts = self._registry.attempts_from_nonce(view.nonce)
        if any(found.nonce == view.nonce for found in attempts):
            return True
        for row in self._registry.outbox((*PENDING, *UNMINED), 1):
            # Batches too wait behind this nonce, so it may take of their part of the gas.
            if not self._gas.spend(OutboxKind.APPEND, self._rows.call(row).gas):
                self._rows.block_anchoring(
                    f"the day's gas is spent (anchoring.gas_per_day), and all wait for nonce"
                    f" {view.nonce} until the next day"
                )
                return False
            self._rows.tell("ledger_nonce_gap", row, nonce=view.nonce)
            self._store(row, view.nonce, self._fees.offer(view.head.base_fee), view)
        return False

    def _offer_more(self, nonce: int, last: Attempt, refused: FeeTooLow, view: View) -> None:
        """Sign a refused transaction anew with what the network asks for. The next step sends it.

        Transactions with higher nonces wait behind it.
        """
        self._fees.learn(last.priority_fee, refused.least_tip)
        fees = self._fees.raised((last.max_fee, last.priority_fee), view.head.base_fee)
        row = next(
            (row for row in self._registry.outbox(UNMINED, MOST_ROWS) if row.nonce == nonce), None
        )
        if fees is None or row is None:
            self._rows.block_anchoring(
                f"the node refuses nonce {nonce}, and the fee cap allows no more: {refused.reason}"
            )
            return
        self._rows.tell("ledger_fee_raised", row, cause=refused.reason)
        self._store(row, nonce, fees, view)

    def _store(self, row: OutboxRow, nonce: int, fees: Offer, view: View) -> None:
        attempt = self._key.sign(
            self._rows.call(row),
            chain_id=self._chain_id,
            nonce=nonce,
            fees=fees,
        )
        self._registry.store_signed(row.row_id, attempt)
        self._rows.signed_at_s[row.row_id] = view.now_s
        self._rows.tell("ledger_signed", row, nonce=nonce, transaction=attempt.transaction_hash)
