"""A serial line in software that also reports what passes: it connects emulated boards to programs.

One end is the board, which may be switched off and on. The other end is a TCP port on 127.0.0.1.
That port stays the same, as a serial port's name does, and one client at a time may open it
(`socket://127.0.0.1:PORT`, for a gateway, `mpremote` or pyserial).
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable

_READ_BYTES = 65536
_MOST_UNREAD_BYTES = 1 << 20
_POLL_S = 0.5


class LineTap:
    """`connect` a board, `disconnect` it, `close` at the end. `url` is for the other side.

    on_text: called from the tap's own thread with each line of text that the board says between
    frames. on_bytes: called in the same way with all bytes that the board says. port: the TCP port
    to listen on; 0 takes a free one.
    """

    def __init__(
        self,
        on_text: Callable[[str], None],
        port: int = 0,
        on_bytes: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._text = TextBetweenFrames(on_text)
        self._on_bytes = on_bytes
        self._listener = socket.create_server(("127.0.0.1", port))
        self._lock = threading.Lock()
        self._board: socket.socket | None = None
        self._client: socket.socket | None = None
        self._to_client = bytearray()
        self._to_board = bytearray()
        self._stopping = False
        self._wake_read, self._wake_write = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="line-tap", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """The address that pyserial opens."""
        return f"socket://127.0.0.1:{self.port}"

    def connect(self, board: socket.socket) -> None:
        """Connect this board to the line. The tap closes the socket when the board goes."""
        self.disconnect()
        board.setblocking(False)
        with self._lock:
            self._board = board
        self._wake()

    def disconnect(self) -> None:
        """Take the board off the line. Bytes under way are lost; the client's line ends."""
        with self._lock:
            self._drop_board()
        if not self._stopping:
            self._wake()

    def _drop_board(self) -> None:
        if self._board is not None:
            self._board.close()
            self._board = None
            self._hang_up()
        self._to_board.clear()

    def close(self) -> None:
        """End the line. A second call does nothing."""
        if self._stopping:
            return
        self._stopping = True
        self._wake()
        self._thread.join()
        with self._lock:
            self._drop_board()
            self._hang_up()
        for end in (self._listener, self._wake_read, self._wake_write):
            end.close()

    def _wake(self) -> None:
        self._wake_write.send(b"w")

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        self._to_client.clear()

    # The tap's own thread ----------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            with self._lock:
                board, client = self._board, self._client
                reading: list[socket.socket] = [self._listener, self._wake_read]
                writing: list[socket.socket] = []
                if board is not None:
                    reading.append(board)
                    if self._to_board:
                        writing.append(board)
                if client is not None:
                    if len(self._to_board) < _READ_BYTES:
                        reading.append(client)
                    if self._to_client:
                        writing.append(client)
            try:
                readable, writable, _ = select.select(reading, writing, [], _POLL_S)
            except (OSError, ValueError):
                continue  # another thread closed one of them: look again
            if self._wake_read in readable:
                self._wake_read.recv(4096)
            if self._listener in readable:
                self._accept()
            with self._lock:
                if board is not None and board is self._board:
                    self._serve_board(board, board in readable, board in writable)
                if client is not None and client is self._client:
                    self._serve_client(client, client in readable, client in writable)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setblocking(False)
        with self._lock:
            self._hang_up()
            self._client = client

    def _serve_board(self, board: socket.socket, readable: bool, writable: bool) -> None:
        try:
            if writable:
                del self._to_board[: board.send(self._to_board)]
            data = board.recv(_READ_BYTES) if readable else None
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data is None:
            return
        if not data:
            board.close()
            self._board = None
            self._hang_up()
            return
        self._text.feed(data)
        self._on_bytes(data)
        if self._client is not None:
            self._to_client += data
            if len(self._to_client) > _MOST_UNREAD_BYTES:
                self._hang_up()

    def _serve_client(self, client: socket.socket, readable: bool, writable: bool) -> None:
        try:
            if writable:
                del self._to_client[: client.send(self._to_client)]
            data = client.recv(_READ_BYTES) if readable else None
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._to_board += data
        elif data is not None:
            self._hang_up()


class TextBetweenFrames:
    """Finds lines of text among bytes that carry frames as well (PROTOCOL.md, section 11)."""

    def __init__(self, on_text: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._piece = bytearray()

    def feed(self, data: bytes) -> None:
        for byte in data:
            if byte == 0x0A:
                self._finish()
            elif byte == 0x00:
                self._piece.clear()
            elif len(self._piece) < 4096:
                self._piece.append(byte)

    def _finish(self) -> None:
        piece, self._piece = bytes(self._piece).rstrip(b"\r"), bytearray()
        # A frame with a byte 0x0A leaves a remainder that is hardly ever printable.
        if piece and all(0x20 <= byte < 0x7F for byte in piece):
            self._on_text(piece.decode("ascii"))
