"""`countersign gateway repair`: says where ledger, record and receipts stand, and goes on.

The acts, each of which may be interrupted and is then continued by another run:

    claim    the gateway's key claims the log, if nobody has (decision 0037)
    cut      batches that the ledger has are cut from the same commitments; the outbox adopts them
    retry    appends that failed are tried again
    succeed  a new ledger account goes on after the last common batch, and the old log is closed

No act sends a batch. The outbox does that afterwards, from the record: each commitment that is in
no common batch goes to the ledger once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from countersign_gateway.anchoring.batcher import following
from countersign_gateway.anchoring.evm import EvmLedger
from countersign_gateway.anchoring.fees import Fees
from countersign_gateway.anchoring.ledger import Call, Effect, Inclusion, Rejected
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.anchoring.rows import UNDER_WAY
from countersign_gateway.anchoring.standing import Standing, State, examine
from countersign_gateway.model import OperatorError
from countersign_gateway.registry.interface import (
    Batches,
    LedgerBinding,
    LedgerBound,
    Outbox,
    OutboxKind,
    OutboxState,
    ReceiptsOwed,
)
from countersign_gateway.statements.keys import SigningKey
from countersign_gateway.statements.log_statement import LogPlace

_MOST_WAITS = 1800
_NOT_FINAL = [state for state in OutboxState if state is not OutboxState.FINALIZED]

_NOTHING_LEFT = "Nothing is left to repair."
_TO_MEND = "Run this again with --apply to mend it."
_TO_CLAIM = "Nothing is wrong. Run this again with --apply to claim the log for this gateway."


class RepairError(OperatorError):
    """The repair cannot go on. The text says what a person must do first."""


class RepairRegistry(Batches, Outbox, ReceiptsOwed, LedgerBound, Protocol):
    """The part of the registry that a repair needs."""


class Repair:
    """For a gateway that is stopped: the registry's lock sees to that."""

    def __init__(
        self,
        registry: RepairRegistry,
        ledger: EvmLedger,
        gateway_key: SigningKey,
        ledger_key_file: Path,
        chain_id: int,
        fees: Fees,
        *,
        say: Callable[[str], None],
        wait: Callable[[], None],
    ) -> None:
        """say: takes a sentence for a person. wait: returns after a moment, before the ledger is
        asked again."""
        self._registry = registry
        self._ledger = ledger
        self._gateway_key = gateway_key
        self._key_file = ledger_key_file
        self._next_file = ledger_key_file.with_name(ledger_key_file.name + ".next")
        self._chain_id = chain_id
        self._place = LogPlace(chain_id, ledger.codec.commitment_log)
        self._fees = fees
        self._say = say
        self._wait = wait
        self.next_step = _NOTHING_LEFT
        """After `run`: what a person does next, in a sentence."""

    def run(self, *, apply: bool, new_ledger_key: bool = False) -> bool:
        """Say where everything stands; with `apply`, mend it. Returns whether all is well now.

        new_ledger_key: go on under a new ledger account although nothing is wrong.
        RepairError, RegistryUnusable, UpstreamDown or Rejected if it cannot.
        """
        self._ledger.check()
        if apply:
            self._finish_key_files()
        key = LedgerKey.from_file(self._key_file)
        if apply:
            self._registry.bind_ledger(self._binding(key.address))
        standing = examine(self._registry, self._ledger, key.address)
        if standing is None:
            raise RepairError(
                f"The log of 0x{key.address.hex()} begins after a batch that this record does not"
                " have: this is another gateway's record, or a very old one."
            )
        claimed_by = self._ledger.gateway_key(key.address)
        self._describe(standing, key, claimed_by)
        foreign_key = claimed_by not in (None, self._gateway_key.public_key)
        succeeding = new_ledger_key or standing.state in (State.FOREIGN, State.CLOSED)
        failed = self._registry.outbox([OutboxState.FAILED], 1, OutboxKind.APPEND)
        well = not (succeeding or standing.missing or failed) and claimed_by is not None
        if well:
            return True
        if not apply:
            is_new = claimed_by is None and not (succeeding or standing.missing or failed)
            self.next_step = _TO_CLAIM if is_new else _TO_MEND
            if succeeding and not foreign_key:
                self._say_what_it_costs()
            return False
        if foreign_key:
            raise RepairError("Another gateway's key claimed this log; it alone can close it.")
        if claimed_by is None and standing.state is not State.CLOSED:
            self._claim(key)
        self._cut(standing)
        if succeeding:
            self._succeed(standing, key)
        self._retry()
        return True

    def _binding(self, account: bytes) -> LedgerBinding:
        codec = self._ledger.codec
        return LedgerBinding(self._chain_id, account, codec.commitment_log, codec.device_registry)

    # --- saying ----------------------------------------------------------------------------

    def _describe(self, standing: Standing, key: LedgerKey, claimed_by: bytes | None) -> None:
        registry, tip, common = self._registry, standing.tip, standing.common
        last = registry.last_batch()
        batched = 0 if last is None else last.first_position + last.size
        self._say(
            f"The record holds {registry.commitment_count()} commitments, {batched} of them in"
            f" {0 if last is None else last.sequence} batches."
        )
        self._say(
            f"The log of ledger account 0x{key.address.hex()} ends with batch {tip.sequence}."
        )
        owed = len(registry.unreceipted())
        self._say(f"Receipts of {owed} final batches have not been handed out yet.")
        for row in registry.outbox([OutboxState.FAILED], 100, OutboxKind.APPEND):
            self._say(f"Batch {row.sequence} failed: {row.detail}.")
        if claimed_by is None:
            self._say("No gateway has claimed this log, so nobody could close it.")
        if standing.state is State.AGREES:
            self._say("Record and ledger agree.")
        elif standing.state is State.AHEAD:
            self._say(
                f"The ledger has batches {standing.missing[0].sequence} to {tip.sequence}, which"
                " the record lacks; its commitments make the very same batches."
            )
        elif standing.state is State.FOREIGN:
            self._say(
                f"Batch {common.sequence + 1} on the ledger is not in this record: someone else"
                " used the ledger key, or the record was restored from a backup that is older."
                f" The last common batch is {common.sequence}. The log has to be closed there, and"
                " to go on under a new ledger account."
            )
        elif standing.successor is not None:
            self._say(
                f"This log was closed after batch {common.sequence}, and ledger account"
                f" 0x{standing.successor.hex()} goes on."
            )

    def _say_what_it_costs(self) -> None:
        which = "The new account, whose address the first run with --apply says,"
        if self._next_file.exists():
            which = f"The new account, 0x{LedgerKey.from_file(self._next_file).address.hex()},"
        self._say(f"{which} needs money for gas, and the owner has to appoint it in UserID.")

    # --- mending ---------------------------------------------------------------------------

    def _claim(self, key: LedgerKey) -> None:
        gateway, account = self._gateway_key, key.address
        signature = gateway.sign(self._place.claim(account))
        call = self._ledger.codec.claim_call(gateway.public_key, signature)
        effect = self._ledger.codec.claim_effect(account, gateway.gateway_id, gateway.public_key)
        self._transact(key, call, effect)
        self._say("The gateway's key has claimed the log.")

    def _cut(self, standing: Standing) -> None:
        for anchored in standing.missing:
            last = self._registry.last_batch()
            position = 0 if last is None else last.first_position + last.size
            leaves = self._registry.commitments(position, anchored.size)
            self._registry.create_batch(following(last, leaves))
        if standing.missing:
            self._say(f"The record has {len(standing.missing)} batches more, as on the ledger.")

    def _retry(self) -> None:
        for row in self._registry.outbox([OutboxState.FAILED], 10_000, OutboxKind.APPEND):
            self._registry.mark_pending(row.row_id, "tried again after a repair")
            self._say(f"Batch {row.sequence} will be tried again.")

    def _succeed(self, standing: Standing, old: LedgerKey) -> None:
        if standing.state is State.AGREES and self._registry.outbox(
            UNDER_WAY, 1, OutboxKind.APPEND
        ):
            raise RepairError("Batches are under way: let the gateway run until they are final.")
        if standing.state is State.CLOSED and not self._next_file.exists():
            raise RepairError("The key of the account that goes on is not on this machine.")
        new = LedgerKey.load_or_create(self._next_file)
        if standing.successor not in (None, new.address):
            raise RepairError(f"{self._next_file} is not the key of the account that goes on.")
        common = standing.common
        codec, here = self._ledger.codec, (old.address, new.address, common.sequence, common.head)
        effect = codec.succeed_effect(*here)
        if standing.successor is None:
            signature = self._gateway_key.sign(self._place.succession(*here))
            call = codec.succeed_call(old.address, common.sequence, common.head, signature)
            self._transact(new, call, effect)
        else:
            self._wait_until_final(effect)
        self._adopt(old, common.sequence)
        self._registry.hand_over(new.address, common.sequence)
        self._finish_key_files()
        self._say(f"Ledger account 0x{new.address.hex()} goes on after batch {common.sequence}.")
        self.next_step = (
            "Nothing is left to repair here. What is left is the owner's: to appoint"
            f" 0x{new.address.hex()} in UserID, and to dismiss 0x{old.address.hex()}."
        )

    def _adopt(self, old: LedgerKey, last_sequence: int) -> None:
        """Note where the common batches are: the new account's log has no events of them."""
        for row in self._registry.outbox(_NOT_FINAL, 1_000_000, OutboxKind.APPEND):
            batch = self._registry.batch(row.sequence)
            if row.sequence > last_sequence or batch is None:
                continue
            effect = self._ledger.append_effect(old.address, batch)
            found = self._wait_until_final(effect)
            self._registry.mark_finalized(row.row_id, found.block_number, found.transaction_hash)

    def _finish_key_files(self) -> None:
        """Put the next key in its place, once the record goes on under its account."""
        bound = self._registry.bound_ledger()
        if bound is None or not self._next_file.exists():
            return
        if LedgerKey.from_file(self._next_file).address != bound.account:
            return
        if self._key_file.exists():
            closed = LedgerKey.from_file(self._key_file).address.hex()
            os.rename(self._key_file, self._key_file.with_name(f"{self._key_file.name}.{closed}"))
        os.rename(self._next_file, self._key_file)

    def _transact(self, key: LedgerKey, call: Call, effect: Effect) -> None:
        """Send one transaction and wait until its effect is final."""
        revert = self._ledger.expected_revert(key.address, call)
        if revert is not None:
            raise RepairError(f"The ledger would refuse it: {revert.reason}.")
        attempt = key.sign(
            call,
            chain_id=self._chain_id,
            nonce=self._ledger.account_nonce(key.address),
            fees=self._fees.offer(self._ledger.head().base_fee),
        )
        try:
            self._ledger.send(attempt.raw)
        except Rejected as rejected:
            raise RepairError(
                f"The node refuses a transaction of 0x{key.address.hex()} ({rejected.reason})."
                " See that the account has money for gas, and run this again."
            ) from None
        self._wait_until_final(effect)

    def _wait_until_final(self, effect: Effect) -> Inclusion:
        for _ in range(_MOST_WAITS):
            final = self._ledger.head().final
            found = self._ledger.effect_inclusion(effect, final)
            if found is not None and found.block_number <= final:
                return found
            self._wait()
        raise RepairError("The transaction is not final yet. Run this again later.")
