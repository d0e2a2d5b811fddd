"""Dropping old messages in SQLite, and the size of the file.

Deleted rows leave free pages, which new rows take. In a file that was made by this release the
pages go back to the disk, a few at a time.
"""

from __future__ import annotations

import sqlite3

from countersign_gateway.registry.interface import Sizes
from countersign_gateway.registry.sqlite.batches import next_position
from countersign_gateway.registry.sqlite.tables import Tables

_VACUUM_PAGES = 256  # 1 MB in one transaction


class RetentionTables(Tables):
    """interface.Retention."""

    def prune(self, most: int, before_s: float | None = None) -> int:
        with self._connections.write() as writer:
            first = writer.execute("SELECT min(position) FROM messages").fetchone()[0]
            if first is None:
                return 0
            end = min(_prunable_end(writer), first + most)
            dropped = writer.execute(
                "DELETE FROM messages WHERE position >= ?1 AND position < ?2"
                " AND (?3 IS NULL OR recorded_s < ?3)",
                (first, end, before_s),
            ).rowcount
            if dropped:
                writer.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
        return dropped

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
