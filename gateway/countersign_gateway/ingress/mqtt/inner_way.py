"""The gateway's own way into its broker: a socket in the private folder, closed to other users.

A port would be anybody's in the moment in which the broker starts again, and whoever took it would
be told the gateway's password.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

# Mosquitto runs in the folder, so the name is short, however long the folder's path is.
SOCKET_NAME = "gateway.socket"


@dataclass(frozen=True, slots=True)
class InnerWay:
    """Of one process of the broker: the next one gets another name and another password."""

    folder: Path
    username: str
    password: str = field(repr=False)

    @classmethod
    def anew(cls, folder: Path) -> InnerWay:
        return cls(folder, f"gateway-{secrets.token_hex(8)}", secrets.token_urlsafe(32))

    def clear(self) -> None:
        """Remove the socket of an earlier process."""
        (self.folder / SOCKET_NAME).unlink(missing_ok=True)

    def connect(self, timeout_s: float) -> socket.socket:
        """OSError if nobody listens there."""
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout_s)
            # A socket's address has room for 107 bytes, and a path may be longer.
            connection.connect(f"/proc/self/fd/{folder}/{SOCKET_NAME}")
        except OSError:
            connection.close()
            raise
        finally:
            os.close(folder)
        return connection
