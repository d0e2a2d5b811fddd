"""A socket that reads and writes in large pieces, for an MQTT client that does so in small ones.

paho reads a packet with four or more `recv` calls and sends each packet with a `send` of its own.
At ten thousand messages a second the system calls cost more than the cryptography. This wrapper
serves the small reads from one buffer and gathers the small writes until `flush`.

It looks to paho like a TLS socket: `pending()` says that bytes wait in the buffer although the
file descriptor has none.
"""

from __future__ import annotations

import socket

READ_BYTES = 65536
# Beyond this the socket claims to be full, and paho keeps the rest in its own bounded queue.
MAX_UNSENT_BYTES = 262144


class BufferedSocket:
    """Non-blocking. Used by the network thread only."""

    def __init__(self, raw: socket.socket) -> None:
        raw.setblocking(False)
        # Writes are gathered here already; waiting for more would only delay the answers.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._raw = raw
        self._read = b""
        self._position = 0
        self._unsent = bytearray()

    def recv(self, size: int) -> bytes:
        """As socket.recv; BlockingIOError when nothing is there."""
        if self._position == len(self._read):
            self._read = self._raw.recv(READ_BYTES)
            self._position = 0
        end = self._position + size
        piece = self._read[self._position : end]
        self._position += len(piece)
        return piece

    def pending(self) -> int:
        """How many bytes can be read without the file descriptor being readable."""
        return len(self._read) - self._position

    def send(self, data: bytes | bytearray) -> int:
        if len(self._unsent) >= MAX_UNSENT_BYTES:
            self.flush()
            if len(self._unsent) >= MAX_UNSENT_BYTES:
                raise BlockingIOError
        self._unsent += data
        return len(data)

    def flush(self) -> None:
        """Send what was gathered, as far as the network takes it. OSError if it is gone."""
        while self._unsent:
            try:
                sent = self._raw.send(self._unsent)
            except BlockingIOError:
                return
            del self._unsent[:sent]

    @property
    def unsent(self) -> int:
        return len(self._unsent)

    def fileno(self) -> int:
        return self._raw.fileno()

    def setblocking(self, flag: bool) -> None:
        """Always non-blocking: `recv` would otherwise wait with bytes unsent."""

    def close(self) -> None:
        try:
            self.flush()  # the DISCONNECT packet
        except OSError:
            pass  # the peer is gone already; there is nobody left to tell
        self._raw.close()
