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
"""

from __future__ import annotations

from collections.abc import Iterator

from countersign_gateway.anchoring.fees import FeePolicy
from countersign_gateway.anchoring.ledger import (
    Call,
    Head,
    Inclusion,
    Ledger,
    NonceUsed,
    Rejected,
    Tip,
    UpstreamDown,
)
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.journal import Journal
from countersign_gateway.records import Anchored
from countersign_gateway.registry.interface import (
    LedgerBinding,
    OutboxKind,
    OutboxRow,
    OutboxState,
    Registry,
)

_IN_FLIGHT = 16  # below the 64 that geth keeps for an account
_MOST_ROWS = 1000  # looked at in one step
_MOST_ASKED = 64  # registrations asked about in one step
_MOST_TRIES = 5  # nonces used up for one row before someone must look
_PENDING = (OutboxState.PENDING,)
_ON_CHAIN = (OutboxState.INCLUDED, OutboxState.FINALIZED)
_UNDER_WAY = (OutboxState.SIGNED, OutboxState.SENT, OutboxState.INCLUDED)


class Outbox:
    """Used by one thread. Times are monotonic seconds, handed to `step`."""

    def __init__(
        self,
        registry: Registry,
        ledger: Ledger,
        key: LedgerKey,
        binding: LedgerBinding,
        journal: Journal,
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
        self._registry = registry
        self._ledger = ledger
        self._key = key
        self._binding = binding
        self._journal = journal
        self._fees = fees or FeePolicy()
        self._resend_s = resend_s
        self._bump_after_s = bump_after_s
        self._missing_after_s = missing_after_s
        self._ask_again_s = ask_again_s
        self._now_s = 0.0
        self._connected = False
        self._resend_at_s: float | None = None  # None: at once
        self._signed_at_s: dict[int, float] = {}
        self._missing_since_s: dict[int, float] = {}
        self._ask_again_at_s: dict[int, float] = {}
        self._problems: list[str] = []
        # What keeps something from going on, for a person to read; None if nothing does.
        self.problem: str | None = None

    def step(self, now_s: float) -> None:
        """Do what can be done now. UpstreamDown: nothing is known. Rejected: a wrong ledger."""
        self._now_s = now_s
        self._problems = []
        try:
            if not self._connected:
                self._ledger.check()
                self._connected = True
            nonce = self._ledger.account_nonce(self._key.address)
            tip = self._ledger.tip(self._key.address)
            head = self._ledger.head()
            self._recede(nonce, tip)
            self._settle(nonce, tip, head)
            self._sign(nonce, tip, head)
            self._send(nonce)
            self._bump(nonce, head)
        except (UpstreamDown, Rejected):
            self.disconnected()
            raise
        problem = "; ".join(self._problems) or None
        if problem != self.problem:
            self._journal.event("ledger_problem", cause=problem)
        self.problem = problem

    def disconnected(self) -> None:
        """Contact was lost: whatever comes back is checked, and sent everything, anew."""
        self._connected = False
        self._resend_at_s = None

    def anchored(self, sequence: int) -> Anchored:
        """What a receipt says of a finalized batch. ValueError if it is not finalized."""
        row = self._registry.outbox_row(OutboxKind.APPEND, sequence.to_bytes(8, "big"))
        batch = self._registry.batch(sequence)
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

    # --- recede --------------------------------------------------------------------------

    def _recede(self, nonce: int, tip: Tip) -> None:
        """What was in a block that the chain no longer has is on its way again.

        Also what was final: no healthy chain takes that back, but one restored from an older
        state does, and a gateway must not claim what the ledger does not hold.
        """
        gone = {
            row.row_id: row
            for row in self._registry.outbox_from_nonce(nonce)
            if row.state in _ON_CHAIN
        }
        sequence = tip.sequence + 1
        while row := self._registry.outbox_row(OutboxKind.APPEND, sequence.to_bytes(8, "big")):
            if row.state not in _ON_CHAIN:
                break
            gone[row.row_id] = row
            sequence += 1
        for row in gone.values():
            self._tell("ledger_went_back", row, was=row.state.name.lower())
            if row.nonce is None:
                self._registry.mark_pending(row.row_id, "no longer on the ledger")
            else:
                self._registry.mark_sent(row.row_id)
            self._resend_at_s = None

    # --- settle --------------------------------------------------------------------------

    def _settle(self, nonce: int, tip: Tip, head: Head) -> None:
        for row in self._registry.outbox(_UNDER_WAY, _MOST_ROWS):
            if row.block_number is not None and row.block_number > head.finalized:
                continue  # included; a reorganisation that removes it shows in the nonce
            if row.nonce is None:
                # Found on the ledger, not sent by us; now its block should be final.
                if not self._adopt(row, tip, head):
                    self._registry.mark_pending(row.row_id, "no longer on the ledger")
                continue
            if row.nonce >= nonce:
                continue  # not mined yet
            found = self._mined(row)
            if found is None:
                since_s = self._missing_since_s.setdefault(row.row_id, self._now_s)
                if self._now_s - since_s >= self._missing_after_s:
                    self._judge(row, tip, head, "its nonce was used up by another transaction")
                continue
            self._missing_since_s.pop(row.row_id, None)
            final = found.block_number <= head.finalized
            if found.succeeded and found.effective:
                self._place(row, found, head)
            elif final:
                reverted = "reverted" if not found.succeeded else "had no effect"
                self._judge(row, tip, head, f"its transaction {reverted}")

    def _mined(self, row: OutboxRow) -> Inclusion | None:
        """The one of the row's transactions that is in a block; an effective one if there is."""
        other = None
        for attempt in reversed(self._registry.attempts(row.row_id)):
            found = self._ledger.inclusion(attempt.transaction_hash)
            if found is not None and found.succeeded and found.effective:
                return found
            # An attempt under an older nonce was judged when that nonce was given up.
            if found is not None and attempt.nonce == row.nonce:
                other = found
        return other

    def _place(self, row: OutboxRow, found: Inclusion, head: Head) -> None:
        if found.block_number <= head.finalized:
            self._registry.mark_finalized(row.row_id, found.block_number, found.transaction_hash)
            self._forget(row)
            self._tell("ledger_finalized", row, block=found.block_number)
        elif (row.block_number, row.transaction_hash) != (
            found.block_number,
            found.transaction_hash,
        ):
            self._registry.mark_included(row.row_id, found.block_number, found.transaction_hash)

    def _judge(self, row: OutboxRow, tip: Tip, head: Head, cause: str) -> None:
        """Its nonce is gone and it was not by our effect: is the effect there all the same?"""
        if self._adopt(row, tip, head):
            return
        self._missing_since_s.pop(row.row_id, None)
        if row.kind is OutboxKind.REGISTER:
            refusal = self._ledger.refusal(self._key.address, self._call(row))
            if refusal is not None and refusal.lasting:
                self._fail(row, f"{cause}: {refusal.reason}")
                return
        if row.tries >= _MOST_TRIES:
            self._fail(row, f"{cause}, {row.tries} times over")
            return
        self._tell("ledger_retry", row, cause=cause)
        self._registry.mark_pending(row.row_id, cause)

    def _adopt(self, row: OutboxRow, tip: Tip, head: Head) -> bool:
        """True if the ledger has the row's effect already, or another in its place."""
        if row.kind is OutboxKind.APPEND:
            if tip.sequence < row.sequence:
                return False
            ours = self._registry.batch(tip.sequence)
            if ours is None or ours.head != tip.head:
                self._fail(row, "the ledger holds another history for this key")
                return True
            found = self._ledger.append_inclusion(self._key.address, row.sequence)
        else:
            owner = self._ledger.device_owner(row.subject)
            if owner is None:
                return False
            registration = self._registry.registration(row.subject)
            if registration is None or registration.record.owner != owner:
                self._fail(row, f"the device belongs to 0x{owner.hex()} already")
                return True
            found = self._ledger.register_inclusion(row.subject)
        if found is None:
            self._problems.append("the node does not serve the events of our contracts")
        else:
            self._place(row, found, head)
        return True

    # --- sign ----------------------------------------------------------------------------

    def _sign(self, nonce: int, tip: Tip, head: Head) -> None:
        next_nonce = max(nonce, self._registry.next_nonce() or 0)
        if next_nonce > nonce and not self._fill_gap(nonce, head):
            return
        room = _IN_FLIGHT - (next_nonce - nonce)
        for row in self._ready(tip, head):
            if room <= 0:
                return
            self._store(row, next_nonce, self._fees.offer(head.base_fee))
            next_nonce += 1
            room -= 1

    def _ready(self, tip: Tip, head: Head) -> Iterator[OutboxRow]:
        """Pending rows that the ledger can take now: appends in order, then registrations."""
        if not self._appends_held(tip):
            for row in self._registry.outbox(_PENDING, _IN_FLIGHT, OutboxKind.APPEND):
                if not self._adopt(row, tip, head) and self._predecessor_is_out(row):
                    yield row
        waiting = self._ask_again_at_s
        asked = 0
        limit = _IN_FLIGHT + len(waiting)
        for row in self._registry.outbox(_PENDING, limit, OutboxKind.REGISTER):
            if waiting.get(row.row_id, self._now_s) > self._now_s or asked == _MOST_ASKED:
                continue
            asked += 1
            if not self._adopt(row, tip, head) and not self._would_be_refused(row):
                waiting.pop(row.row_id, None)
                yield row

    def _appends_held(self, tip: Tip) -> bool:
        """True while no append can succeed: one failed, or the ledger is not where we think."""
        failed = self._registry.outbox([OutboxState.FAILED], 1, OutboxKind.APPEND)
        if failed:
            self._problems.append(f"batch {failed[0].sequence} failed: {failed[0].detail}")
            return True
        if not tip.sequence:
            return False
        ours = self._registry.batch(tip.sequence)
        if ours is not None and ours.head == tip.head:
            return False
        self._problems.append(
            f"batch {tip.sequence} on the ledger is not in this record, and later ones wait: was"
            " the record restored from an old backup, or the ledger key used elsewhere?"
        )
        return True

    def _predecessor_is_out(self, row: OutboxRow) -> bool:
        if row.sequence == 1:
            return True
        before = self._registry.outbox_row(OutboxKind.APPEND, (row.sequence - 1).to_bytes(8, "big"))
        return before is not None and before.state in (*_UNDER_WAY, OutboxState.FINALIZED)

    def _would_be_refused(self, row: OutboxRow) -> bool:
        """Ask before paying: a registration may have to wait for an owner to appoint us."""
        refusal = self._ledger.refusal(self._key.address, self._call(row))
        if refusal is None:
            return False
        if refusal.lasting:
            self._fail(row, f"the ledger would revert it: {refusal.reason}")
            return True
        if row.detail != refusal.reason:
            self._tell("ledger_waits", row, cause=refusal.reason)
            self._registry.mark_pending(row.row_id, refusal.reason)
        self._ask_again_at_s[row.row_id] = self._now_s + self._ask_again_s
        return True

    def _fill_gap(self, nonce: int, head: Head) -> bool:
        """False if the account's next nonce is one that nothing of ours was signed for.

        It happens when someone else used our key and the chain went back over it. The oldest open
        row takes the nonce; should its other transaction be mined too, the contracts ignore it.
        """
        if any(attempt.nonce == nonce for attempt in self._registry.attempts_from_nonce(nonce)):
            return True
        states = (*_PENDING, OutboxState.SIGNED, OutboxState.SENT)
        rows = self._registry.outbox(states, 1)
        if rows:
            self._tell("ledger_nonce_gap", rows[0], nonce=nonce)
            self._store(rows[0], nonce, self._fees.offer(head.base_fee))
        return False

    def _store(self, row: OutboxRow, nonce: int, fees: tuple[int, int]) -> None:
        attempt = self._key.sign(
            self._call(row),
            chain_id=self._binding.chain_id,
            nonce=nonce,
            max_fee=fees[0],
            priority_fee=fees[1],
        )
        self._registry.store_signed(row.row_id, attempt)
        self._signed_at_s[row.row_id] = self._now_s
        self._tell("ledger_signed", row, nonce=nonce, transaction=attempt.transaction_hash)

    def _call(self, row: OutboxRow) -> Call:
        if row.kind is OutboxKind.APPEND:
            batch = self._registry.batch(row.sequence)
            if batch is None:
                raise LookupError("an append without its batch")
            return self._ledger.append_call(batch)
        registration = self._registry.registration(row.subject)
        if registration is None:
            raise LookupError("a registration without its signature")
        return self._ledger.register_call(registration)

    # --- send ----------------------------------------------------------------------------

    def _send(self, nonce: int) -> None:
        """Hand over what is new, and now and then everything that is not mined, by nonce."""
        everything = self._resend_at_s is None or self._now_s >= self._resend_at_s
        fresh = {
            row.nonce: row.row_id for row in self._registry.outbox([OutboxState.SIGNED], _MOST_ROWS)
        }
        if not everything and not fresh:
            return
        # The last attempt of a nonce offers most; earlier ones are in the pool or replaced.
        latest = {found.nonce: found for found in self._registry.attempts_from_nonce(nonce)}
        for number in sorted(latest):
            if not everything and number not in fresh:
                continue
            try:
                self._ledger.send(latest[number].raw)
            except NonceUsed:
                pass  # mined this moment; the next step settles it
            except Rejected as rejected:
                self._problems.append(f"the node refuses nonce {number}: {rejected.reason}")
                return
            if number in fresh:
                self._registry.mark_sent(fresh[number])
        if everything:
            self._resend_at_s = self._now_s + self._resend_s

    # --- bump ----------------------------------------------------------------------------

    def _bump(self, nonce: int, head: Head) -> None:
        """Only the first in line: the others wait for it, whatever they offer."""
        states = (OutboxState.SIGNED, OutboxState.SENT)
        for row in self._registry.outbox(states, _MOST_ROWS):
            if row.nonce != nonce:
                continue
            # After a restart the time of signing is unknown: it counts from now.
            since_s = self._signed_at_s.setdefault(row.row_id, self._now_s)
            if self._now_s - since_s < self._bump_after_s:
                return
            last = [found for found in self._registry.attempts(row.row_id) if found.nonce == nonce]
            fees = self._fees.raised((last[-1].max_fee, last[-1].priority_fee), head.base_fee)
            if fees is None:
                self._problems.append(f"nonce {nonce} waits, and the fee cap allows no more")
                return
            self._store(row, nonce, fees)
            self._send(nonce)
            return

    # --- telling -------------------------------------------------------------------------

    def _fail(self, row: OutboxRow, detail: str) -> None:
        self._registry.mark_failed(row.row_id, detail)
        self._forget(row)
        self._tell("ledger_failed", row, cause=detail)

    def _forget(self, row: OutboxRow) -> None:
        for times in (self._signed_at_s, self._missing_since_s, self._ask_again_at_s):
            times.pop(row.row_id, None)

    def _tell(self, event: str, row: OutboxRow, **fields: object) -> None:
        subject: dict[str, object] = (
            {"batch": row.sequence} if row.kind is OutboxKind.APPEND else {"device_id": row.subject}
        )
        self._journal.event(event, **subject, **fields)
