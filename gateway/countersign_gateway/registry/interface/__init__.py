"""The contract of the durable registry: what other stages may call, and what they may rely on.

Each concern has one small protocol in a file of its own. A stage takes only the protocols that it
needs. A backend implements all of them (`Registry`) over one connection, so that one call is one
transaction, even if it touches several concerns.

Every backend passes the conformance suite, tests/conformance/registry. All methods may be called
from any thread. Identities, digests, roots and heads are 32 raw bytes; addresses are 20; positions
are 0-based and gapless: the order in which commitments became durable.

A backend raises RegistryError for a bug or a damaged disk. The failed call has then stored nothing.
"""

from __future__ import annotations

from typing import Protocol

from countersign_gateway.registry.interface.admissions import (
    Acts,
    Admissions,
    Budgets,
    Wishes,
    WishState,
)
from countersign_gateway.registry.interface.batches import Batches, StoredMessage
from countersign_gateway.registry.interface.counts import Counted, Counts
from countersign_gateway.registry.interface.decisions import Decisions
from countersign_gateway.registry.interface.devices import Devices
from countersign_gateway.registry.interface.errors import (
    RegistryError,
    RegistryFull,
    RegistryUnusable,
)
from countersign_gateway.registry.interface.ledger_binding import LedgerBinding, LedgerBound
from countersign_gateway.registry.interface.outbox import (
    Attempt,
    Outbox,
    OutboxKind,
    OutboxRow,
    OutboxRows,
    OutboxState,
    SignedRegistration,
)
from countersign_gateway.registry.interface.receipts import ReceiptsOwed
from countersign_gateway.registry.interface.retention import Retention, Sizes
from countersign_gateway.registry.interface.upstream import Upstream

__all__ = [
    "Acts",
    "Admissions",
    "Attempt",
    "Batches",
    "Budgets",
    "Counted",
    "Counts",
    "Decisions",
    "Devices",
    "LedgerBinding",
    "LedgerBound",
    "Outbox",
    "OutboxKind",
    "OutboxRow",
    "OutboxRows",
    "OutboxState",
    "ReceiptsOwed",
    "Registry",
    "RegistryError",
    "RegistryFull",
    "RegistryUnusable",
    "Retention",
    "SignedRegistration",
    "Sizes",
    "StoredMessage",
    "Upstream",
    "WishState",
    "Wishes",
]


class Registry(
    Devices,
    Decisions,
    Admissions,
    Wishes,
    Acts,
    Budgets,
    Upstream,
    Batches,
    Outbox,
    ReceiptsOwed,
    LedgerBound,
    Counted,
    Retention,
    Protocol,
):
    """A whole backend."""

    def close(self) -> None:
        """Release all resources. A process that is killed instead loses nothing durable."""
