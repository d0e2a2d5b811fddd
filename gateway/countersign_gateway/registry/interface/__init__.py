"""What the other stages may ask of the durable registry, and what they may rely on.

One small protocol a concern, one file a protocol. A stage takes the protocols that it needs and no
more; only a backend is all of them at once (`Registry`), over one connection, so that what one call
stores is one transaction whatever the concerns it touches.

Every backend passes the conformance suite, tests/conformance/registry. All methods may be called
from any thread. Identities, digests, roots and heads are 32 raw bytes; addresses are 20; positions
are 0-based and gapless: the order in which commitments became durable.

A refusal by a backend is RegistryError: a bug or a damaged disk, and nothing of the failed call has
been stored.
"""

from __future__ import annotations

from typing import Protocol

from countersign_gateway.registry.interface.batches import Batches, StoredMessage
from countersign_gateway.registry.interface.counts import Counted, Counts
from countersign_gateway.registry.interface.decisions import Decisions
from countersign_gateway.registry.interface.devices import Devices
from countersign_gateway.registry.interface.errors import RegistryError, RegistryUnusable
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
from countersign_gateway.registry.interface.upstream import Upstream

__all__ = [
    "Attempt",
    "Batches",
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
    "RegistryUnusable",
    "SignedRegistration",
    "StoredMessage",
    "Upstream",
]


class Registry(
    Devices, Decisions, Upstream, Batches, Outbox, ReceiptsOwed, LedgerBound, Counted, Protocol
):
    """A whole backend."""

    def close(self) -> None:
        """Release everything. The record stays as it is; a killed process needs no close."""
