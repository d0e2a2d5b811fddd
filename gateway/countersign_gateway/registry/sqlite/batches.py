# ruff: noqa: S608 (only constants of this module are put into the SQL)
"""Commitments, messages and batches in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from countersign_gateway.model import Batch
from countersign_gateway.registry.interface import OutboxKind, RegistryError, StoredMessage
from countersign_gateway.registry.sqlite.outbox import want
from countersign_gateway.registry.sqlite.tables import Tables

_BATCH_COLUMNS = "sequence, first_position, size, root, previous_head, head"
_SLICE = 500


class BatchTables(Tables):
    """interface.Batches."""

    def commitment_count(self) -> int:
        with self._connections.read() as reader:
            return next_position(reader)

    def commitments(self, first_position: int, count: int) -> list[bytes]:
        with self._connections.read() as reader:
            rows = reader.execute(
                "SELECT commitment FROM commitments WHERE position >= ? AND position < ?"
                " ORDER BY position",
                (first_position, first_position + count),
            ).fetchall()
        if len(rows) != count:
            raise RegistryError(f"of {count} commitments from {first_position}, {len(rows)} exist")
        return [row[0] for row in rows]

    def messages(self, first_position: int, count: int) -> Iterator[StoredMessage]:
        end = first_position + count
        for start in range(first_position, end, _SLICE):
            with self._connections.read() as reader:
                rows = reader.execute(
                    "SELECT position, device_id, counter, message, result, commitment,"
                    " messages.recorded_s FROM messages JOIN devices ON device = number"
                    " JOIN commitments USING (position)"
                    " WHERE position >= ? AND position < ? ORDER BY position",
                    (start, min(start + _SLICE, end)),
                ).fetchall()
            for row in rows:
                yield StoredMessage(*row)

    def last_batch(self) -> Batch | None:
        with self._connections.read() as reader:
            row = reader.execute(
                f"SELECT {_BATCH_COLUMNS} FROM batches ORDER BY sequence DESC LIMIT 1"
            ).fetchone()
        return None if row is None else Batch(*row)

    def batch(self, sequence: int) -> Batch | None:
        with self._connections.read() as reader:
            row = reader.execute(
                f"SELECT {_BATCH_COLUMNS} FROM batches WHERE sequence = ?", (sequence,)
            ).fetchone()
        return None if row is None else Batch(*row)

    def create_batch(self, batch: Batch) -> None:
        with self._connections.write() as writer:
            recorded_s = int(self._connections.wall_s())
            writer.execute(
                f"INSERT INTO batches ({_BATCH_COLUMNS}, recorded_s) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    batch.sequence,
                    batch.first_position,
                    batch.size,
                    batch.root,
                    batch.previous_head,
                    batch.head,
                    recorded_s,
                ),
            )
            want(writer, OutboxKind.APPEND, batch.sequence, recorded_s)


def next_position(connection: sqlite3.Connection) -> int:
    """The position that the next commitment takes."""
    value: int = connection.execute(
        "SELECT coalesce(max(position) + 1, 0) FROM commitments"
    ).fetchone()[0]
    return value
