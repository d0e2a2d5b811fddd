"""Sounds an alarm when the connections of the own broker are nearly used up.

Mosquitto turns clients away without a word then, and who holds the connections may have no account.
"""

from __future__ import annotations

from countersign_gateway.operations.alarms import Alarms

NEARLY = 0.9
AGAIN_BELOW = 0.7


class ConnectionWatch:
    """connections: how many there may be. One thread."""

    def __init__(self, connections: int, alarms: Alarms) -> None:
        self._connections = connections
        self._alarms = alarms
        self._sounded = False
        self.now = 0

    def look(self, now: int) -> None:
        """now: how many there are. One alarm each time that they become many."""
        self.now = now
        if self._sounded:
            self._sounded = now >= AGAIN_BELOW * self._connections
        elif now >= NEARLY * self._connections:
            self._sounded = True
            self._alarms.sound("connections_nearly_full", now=now, most=self._connections)
