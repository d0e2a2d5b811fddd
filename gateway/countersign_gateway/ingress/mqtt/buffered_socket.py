"""A socket that reads and writes in large pieces, for an MQTT client that does so in small ones.

paho reads a packet with four or more `recv` calls and sends each packet with a `send` of its own.
At ten thousand messages a second the system calls cost more than the cryptography. This wrapper
serves the small reads from one buffer and gathers the small writes until `flush`.

What has arrived belongs to whoever looks first: `arrived` and `consume` read packets out of the
buffer, and paho's `recv` sees only what it was granted. Whole packets may be put beside paho's from
any thread (`enqueue`); since paho's are whole too, the two never mix.
"""

from __future__ import annotations

import socket
from collections import deque

READ_BYTES = 65536
# Beyond this the socket claims to be full, and paho keeps the rest in its own bounded queue.
MAX_UNSENT_BYTES = 262144


class BufferedSocket:
    """Non-blocking. Used by the network thread only, except for `enqueue` and `waiting`."""

    def __init__(self, raw: socket.socket) -> None:
        raw.setblocking(False)
        # Writes are gathered here already; waiting for more would only delay the answers.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._raw = raw
        self._read = b""
        self._position = 0
        self._granted = 0
        self._ended = False
        self._unsent = bytearray()
        self._enqueued: deque[bytes] = deque()

    def fill(self) -> None:
        """Take in what has arrived. What ended the connection, paho learns from `recv`."""
        try:
            data = self._raw.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._ended = not data
        self._read = self._read[self._position :] + data
        self._position = 0

    def arrived(self) -> tuple[bytes, int]:
        """The buffer, and where in it the unread bytes begin."""
        return self._read, self._position

    def consume(self, position: int) -> None:
        """Everything before `position` of the buffer has been read."""
        self._position = position

    def grant(self, size: int) -> None:
        """The next `size` bytes, those that have not arrived yet included, are for `recv`."""
        self._granted = size

    @property
    def granted(self) -> int:
        """How many of the granted bytes `recv` has not handed out."""
        return self._granted

    @property
    def ended(self) -> bool:
        """The peer has closed the connection, or it broke."""
        return self._ended

    def recv(self, size: int) -> bytes:
        """As socket.recv, of what was granted; BlockingIOError when nothing of it is there."""
        end = min(self._position + min(size, self._granted), len(self._read))
        piece = self._read[self._position : end]
        if not piece and not self._ended:
            raise BlockingIOError
        self._position = end
        self._granted -= len(piece)
        return piece

    def pending(self) -> int:
        """How many bytes `recv` can hand out without more arriving (paho asks TLS sockets)."""
        return min(self._granted, len(self._read) - self._position)

    def send(self, data: bytes | bytearray) -> int:
        # What was enqueued before comes first: a DISCONNECT must be the last packet.
        if self._enqueued or len(self._unsent) >= MAX_UNSENT_BYTES:
            self.flush()
            if self._enqueued or len(self._unsent) >= MAX_UNSENT_BYTES:
                raise BlockingIOError
        self._unsent += data
        return len(data)

    def enqueue(self, packet: bytes) -> None:
        """Send one whole packet at the next `flush`. From any thread; the caller bounds it."""
        self._enqueued.append(packet)

    @property
    def waiting(self) -> int:
        """How many enqueued packets have not been gathered yet: grows when nobody reads."""
        return len(self._enqueued)

    def flush(self) -> None:
        """Send what was gathered, as far as the network takes it. OSError if it is gone."""
        while True:
            while self._enqueued and len(self._unsent) < MAX_UNSENT_BYTES:
                self._unsent += self._enqueued.popleft()
            if not self._unsent:
                return
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
