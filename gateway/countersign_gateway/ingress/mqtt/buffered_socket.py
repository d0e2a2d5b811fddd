"""A socket that reads and writes large pieces, for an MQTT client that reads and writes small ones.

paho reads a packet with four or more `recv` calls and sends each packet with a `send` of its own.
At ten thousand messages a second the system calls cost more than the cryptography. This wrapper
serves the small reads from one buffer and gathers the small writes until `flush`.

`arrived` and `consume` read packets directly from the buffer; paho's `recv` returns only the bytes
that `grant` has reserved for it. Any thread may add a whole packet with `enqueue`. paho's packets
are whole too, so the bytes of two packets never mix.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Callable

READ_BYTES = 65536
# Above this the socket reports that it is full, and paho keeps the rest in its bounded queue.
MAX_UNSENT_BYTES = 262144
# As many deliveries as a broker can have unacknowledged, and the replies that may wait beside them.
MAX_ENQUEUED = 65535 + 8192
_WAIT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class BufferedSocket:
    """Non-blocking. For the network thread only, except `enqueue` and `waiting`."""

    def __init__(self, raw: socket.socket) -> None:
        raw.setblocking(False)
        # This class gathers writes itself; Nagle's algorithm would only delay the answers.
        if raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._raw = raw
        self._read = b""
        self._position = 0
        self._granted = 0
        self._discarding = 0
        self._discarded: Callable[[], None] = _nothing
        self._ended = False
        self._unsent = bytearray()
        self._enqueued: deque[bytes] = deque()
        self._overfull = False

    def fill(self) -> None:
        """Read the bytes that have arrived. paho learns the end of the connection from `recv`."""
        try:
            data = self._raw.recv(READ_BYTES)
        except _WAIT:
            return
        except OSError:
            data = b""
        # TLS may hold decrypted bytes, of which a poll of the socket knows nothing. `pending`
        # counts those alone, so this `recv` neither waits nor fails.
        while data and isinstance(self._raw, ssl.SSLSocket) and (held := self._raw.pending()):
            data += self._raw.recv(held)
        self._ended = not data
        self._read = self._read[self._position :] + data
        self._position = 0
        self._discard()

    def arrived(self) -> tuple[bytes, int]:
        """The buffer, and the position of its first unread byte."""
        return self._read, self._position

    def consume(self, position: int) -> None:
        """Mark the buffer as read up to `position`."""
        self._position = position

    def grant(self, size: int) -> None:
        """Reserve the next `size` bytes for `recv`, also those that have not arrived yet."""
        self._granted = size

    def discard(self, size: int, discarded: Callable[[], None]) -> None:
        """Drop the next `size` bytes, also as they arrive; then call `discarded`."""
        self._discarding, self._discarded = size, discarded
        self._discard()

    @property
    def discarding(self) -> int:
        """The number of bytes still to be dropped."""
        return self._discarding

    def _discard(self) -> None:
        if self._discarding:
            dropped = min(self._discarding, len(self._read) - self._position)
            self._position += dropped
            self._discarding -= dropped
            if self._discarding == 0:
                self._discarded()

    @property
    def granted(self) -> int:
        """The number of granted bytes that `recv` has not returned yet."""
        return self._granted

    @property
    def ended(self) -> bool:
        """Whether the peer has closed the connection or it broke."""
        return self._ended

    def recv(self, size: int) -> bytes:
        """As socket.recv, for granted bytes only. BlockingIOError if none of them has arrived."""
        end = min(self._position + min(size, self._granted), len(self._read))
        piece = self._read[self._position : end]
        if not piece and not self._ended:
            raise BlockingIOError
        self._position = end
        self._granted -= len(piece)
        return piece

    def pending(self) -> int:
        """The number of bytes that `recv` can return at once (paho asks it of TLS sockets)."""
        return min(self._granted, len(self._read) - self._position)

    def send(self, data: bytes | bytearray) -> int:
        # Packets enqueued earlier go first: a DISCONNECT must be the last packet.
        if self._enqueued or len(self._unsent) >= MAX_UNSENT_BYTES:
            self.flush()
            if self._enqueued or len(self._unsent) >= MAX_UNSENT_BYTES:
                raise BlockingIOError
        self._unsent += data
        return len(data)

    def enqueue(self, packet: bytes) -> None:
        """Send one whole packet at the next `flush`. Safe from any thread.

        Above MAX_ENQUEUED the packet is dropped, and `flush` gives the connection up: no honest
        broker leaves so much unread.
        """
        if len(self._enqueued) < MAX_ENQUEUED:
            self._enqueued.append(packet)
        else:
            self._overfull = True

    @property
    def waiting(self) -> int:
        """The number of enqueued packets not yet gathered; it grows if the broker does not read."""
        return len(self._enqueued)

    def flush(self) -> None:
        """Send gathered bytes, as many as the network takes. OSError if the connection is lost."""
        if self._overfull:
            raise ConnectionError("the broker does not read")
        while True:
            while self._enqueued and len(self._unsent) < MAX_UNSENT_BYTES:
                self._unsent += self._enqueued.popleft()
            if not self._unsent:
                return
            try:
                sent = self._raw.send(self._unsent)
            except _WAIT:
                return
            del self._unsent[:sent]

    @property
    def unsent(self) -> int:
        return len(self._unsent)

    def fileno(self) -> int:
        return self._raw.fileno()

    def setblocking(self, flag: bool) -> None:
        """Ignored: a blocking `recv` would wait while bytes are unsent."""

    def close(self) -> None:
        try:
            self.flush()  # the DISCONNECT packet
        except OSError:
            pass  # the peer has closed already, so it needs no DISCONNECT
        self._raw.close()


def _nothing() -> None:
    pass
