"""The batches whose receipts have not been handed out, in SQLite."""

from __future__ import annotations

from countersign_gateway.registry.interface import OutboxState, RegistryError
from countersign_gateway.registry.sqlite.tables import Tables


class ReceiptTables(Tables):
    """interface.ReceiptsOwed."""

    def unreceipted(self) -> list[int]:
        with self._connections.read() as reader:
            rows = reader.execute(
                "SELECT sequence FROM batches JOIN outbox ON batch = sequence"
                " WHERE receipted = 0 AND state = ? ORDER BY sequence",
                (int(OutboxState.FINALIZED),),
            ).fetchall()
        return [row[0] for row in rows]

    def note_receipted(self, sequence: int) -> None:
        with self._connections.write() as writer:
            changed = writer.execute(
                "UPDATE batches SET receipted = 1 WHERE sequence = ?", (sequence,)
            ).rowcount
            if changed != 1:
                raise RegistryError("no such batch")
