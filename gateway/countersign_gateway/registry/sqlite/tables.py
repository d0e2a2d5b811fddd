"""The base of this backend's modules: the open connections."""

from __future__ import annotations

from countersign_gateway.registry.sqlite.connection import Connections


class Tables:
    """One concern of the registry. All concerns of one registry share its connections."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
