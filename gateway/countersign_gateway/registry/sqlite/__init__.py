"""The durable registry in one SQLite file. Each module has one concern.

schema.py has the tables and the rules that the database enforces; connection.py opens the file. All
modules share the same two connections, so that a call that touches several concerns (a decision
that enrols a device and registers it on the ledger) is one transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from countersign_gateway.registry.sqlite.admissions import AdmissionTables
from countersign_gateway.registry.sqlite.batches import BatchTables
from countersign_gateway.registry.sqlite.connection import Connections
from countersign_gateway.registry.sqlite.counts import Totals
from countersign_gateway.registry.sqlite.decisions import DecisionTables
from countersign_gateway.registry.sqlite.ledger_binding import LedgerBindingRow
from countersign_gateway.registry.sqlite.outbox import OutboxTables
from countersign_gateway.registry.sqlite.receipts import ReceiptTables
from countersign_gateway.registry.sqlite.retention import RetentionTables
from countersign_gateway.registry.sqlite.upstream import UpstreamRow


class SqliteRegistry(
    DecisionTables,
    AdmissionTables,
    BatchTables,
    OutboxTables,
    ReceiptTables,
    LedgerBindingRow,
    UpstreamRow,
    RetentionTables,
    Totals,
):
    """interface.Registry on SQLite."""

    def __init__(
        self, path: Path, gateway_id: bytes, wall_s: Callable[[], float] = time.time
    ) -> None:
        """Open or create the registry. Raises RegistryUnusable; see connection.Connections."""
        super().__init__(Connections(path, gateway_id, wall_s))

    def close(self) -> None:
        self._connections.close()
