"""What the files of this backend share: the open connections."""

from __future__ import annotations

from countersign_gateway.registry.sqlite.connection import Connections


class Tables:
    """One concern of the registry. All of one registry stand on the same connections."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
