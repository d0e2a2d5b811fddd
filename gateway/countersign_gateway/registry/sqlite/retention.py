"""Dropping old messages in SQLite, and the size of the file.

Deleted rows leave free pages, which new rows take. In a file that was made by this release the
pages go back to the disk, a few at a time.
"""

from __future__ import annotations

import sqlite3

from countersign_gateway.registry.interface import Sizes
from countersign_gateway.registry.sqlite.batches import next_position
from countersign_gateway.registry.sqlite.connection import Connections
from countersign_gateway.registry.sqlite.tables import Tables

_VACUUM_PAGES = 256  # 1 MB in one transaction
_LOOK_ROWS = 20_000  # read in one transaction in search of a believable time


class RetentionTables(Tables):
    """interface.Retention."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(connections)
        # Messages before this position bear a time in the future, or are gone.
        self._believed_from = 0

    def prune(self, most: int, before_s: float | None = None) -> int:
        with self._connections.write() as writer:
            first = writer.execute("SELECT min(position) FROM messages").fetchone()[0]
            if first is None:
                return 0
            prunable_end = _prunable_end(writer)
            # Up to here all messages are old, whatever time they bear.
            old_end = prunable_end
            if before_s is not None:
                old_end = self._old_end(writer, first, prunable_end, before_s)
            end = min(prunable_end, first + most)
            dropped = writer.execute(
                "DELETE FROM messages WHERE position >= ?1 AND position < ?2"
                " AND (position < ?4 OR recorded_s < ?3)",
                (first, end, before_s, old_end),
            ).rowcount
            if dropped:
                writer.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
        return dropped

    def _old_end(
        self, connection: sqlite3.Connection, first: int, end: int, before_s: float
    ) -> int:
        """The position of the next message with a time not in the future, if it is old; or 0.

        What stands before it was recorded before it. One call reads a bounded number of rows; the
        next one goes on where it ended.
        """
        start = max(first, self._believed_from)
        stop = min(end, start + _LOOK_ROWS)
        found = connection.execute(
            "SELECT position, recorded_s FROM messages"
            " WHERE position >= ? AND position < ? AND recorded_s <= ? ORDER BY position LIMIT 1",
            (start, stop, self._connections.wall_s()),
        ).fetchone()
        if found is None:
            self._believed_from = max(start, stop)
            return 0
        position, recorded_s = found
        self._believed_from = position
        return position if recorded_s < before_s else 0

    def sizes(self) -> Sizes:
        with self._connections.read() as reader:
            pages, free, size = (
                reader.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return Sizes((pages - free) * size, free * size)


def _prunable_end(connection: sqlite3.Connection) -> int:
    """The first position whose message must stay."""
    bound = connection.execute("SELECT chain_id IS NOT NULL FROM gateway").fetchone()[0]
    if not bound:
        return next_position(connection)
    row = connection.execute(
        "SELECT coalesce("
        " (SELECT first_position FROM batches WHERE receipted = 0 ORDER BY sequence LIMIT 1),"
        " (SELECT first_position + size FROM batches ORDER BY sequence DESC LIMIT 1), 0)"
    ).fetchone()
    end: int = row[0]
    return end
