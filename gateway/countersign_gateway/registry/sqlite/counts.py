"""Totals of a registry in SQLite."""

from __future__ import annotations

from countersign_gateway.registry.interface import Counts, OutboxKind, OutboxState
from countersign_gateway.registry.sqlite.tables import Tables


class Totals(Tables):
    """interface.Counted."""

    def counts(self) -> Counts:
        with self._connections.read() as reader:
            # Appends become final in order, so the first open one bounds the anchored ones. This
            # look-up reads open appends only, however long the history is.
            row = reader.execute(
                "WITH waiting (batch) AS (SELECT min(batch) FROM outbox"
                "   WHERE state IN (1, 2, 3, 4, 6) AND kind = ?1),"
                " last (sequence, position) AS (SELECT max(sequence), first_position + size"
                "   FROM batches)"
                " SELECT (SELECT count(*) FROM devices),"
                " (SELECT coalesce(max(position) + 1, 0) FROM commitments),"
                " coalesce(last.position, 0), coalesce(last.sequence, 0),"
                " coalesce((SELECT first_position FROM batches"
                "   WHERE sequence = waiting.batch), last.position, 0),"
                " coalesce(waiting.batch - 1, last.sequence, 0),"
                " (SELECT count(*) FROM outbox WHERE state = ?3 AND kind = ?2),"
                " (SELECT count(*) FROM outbox WHERE state IN (1, 2, 3, 4)),"
                " (SELECT count(*) FROM outbox WHERE state = ?4)"
                " FROM waiting, last",
                (
                    int(OutboxKind.APPEND),
                    int(OutboxKind.REGISTER),
                    int(OutboxState.FINALIZED),
                    int(OutboxState.FAILED),
                ),
            ).fetchone()
        return Counts(*row)
