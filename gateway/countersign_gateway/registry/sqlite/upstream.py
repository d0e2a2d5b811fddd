"""The last contact with the ledger, in SQLite."""

from __future__ import annotations

from countersign_gateway.registry.sqlite.connection import Connections
from countersign_gateway.registry.sqlite.tables import Tables

_UPSTREAM_PERSIST_S = 10


class UpstreamRow(Tables):
    """interface.Upstream."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(connections)
        with connections.read() as reader:
            row = reader.execute("SELECT last_upstream_s FROM gateway").fetchone()
        self._last_upstream_s: float | None = row[0]
        self._persisted_upstream_s: float | None = row[0]

    def last_upstream_s(self) -> float | None:
        return self._last_upstream_s

    def note_upstream(self, wall_s: float) -> None:
        self._last_upstream_s = wall_s
        persisted = self._persisted_upstream_s
        if persisted is not None and abs(wall_s - persisted) < _UPSTREAM_PERSIST_S:
            return
        with self._connections.write() as writer:
            writer.execute("UPDATE gateway SET last_upstream_s = ?", (wall_s,))
        self._persisted_upstream_s = wall_s
