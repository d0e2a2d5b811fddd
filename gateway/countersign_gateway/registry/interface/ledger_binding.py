"""The only ledger account that a registry anchors to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LedgerBinding:
    """The ledger account and contracts of a record. A record never changes them."""

    chain_id: int
    account: bytes
    commitment_log: bytes
    device_registry: bytes


class LedgerBound(Protocol):
    """Binds the record to one ledger account, permanently."""

    def bind_ledger(self, binding: LedgerBinding) -> None:
        """Fix the ledger account on first use. RegistryUnusable if the record has another."""
