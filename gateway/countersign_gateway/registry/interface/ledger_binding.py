"""The only ledger account that a registry anchors to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LedgerBinding:
    """The ledger account and contracts of a record. Only `hand_over` changes the account."""

    chain_id: int
    account: bytes
    commitment_log: bytes
    device_registry: bytes


class LedgerBound(Protocol):
    """Binds the record to one ledger account."""

    def bind_ledger(self, binding: LedgerBinding) -> None:
        """Fix the ledger account on first use. RegistryUnusable if the record has another."""

    def bound_ledger(self) -> LedgerBinding | None:
        """The ledger account that the record is bound to; None before the first use."""

    def hand_over(self, account: bytes, after_sequence: int) -> None:
        """Go on under another ledger account, whose log continues after batch `after_sequence`.

        In one transaction: the binding names `account`; later appends, and registrations that are
        not final, are pending again; no row has a nonce, since nonces belong to an account. Signed
        transactions are kept, out of the way of the new account's nonces.
        RegistryError if the record is bound to none, or a later batch is final.
        """
