"""A port between a provisioner and a board that keeps every byte of both directions."""

from __future__ import annotations

import os
import select
import socket
import threading
from types import TracebackType


class SerialTap:
    """Listens on `url` and passes on to a pty, until `close`. Use it in a `with` statement."""

    def __init__(self, port: str) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self.to_board = bytearray()
        self.from_board = bytearray()
        self._port = os.open(port, os.O_RDWR | os.O_NOCTTY)
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> SerialTap:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        os.write(self._wake_write, b"x")
        self._thread.join(10)
        self._listener.close()
        for descriptor in (self._port, self._wake_read, self._wake_write):
            os.close(descriptor)

    def _run(self) -> None:
        client: socket.socket | None = None
        while True:
            watched = [self._listener, self._wake_read, self._port]
            ready, _, _ = select.select([*watched, client] if client else watched, [], [])
            if self._wake_read in ready:
                if client:
                    client.close()
                return
            if self._listener in ready:
                if client:
                    client.close()
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                continue
            if self._port in ready:
                data = os.read(self._port, 4096)
                self.from_board += data
                if client:
                    try:
                        client.sendall(data)
                    except OSError:
                        client = None
            if client and client in ready:
                try:
                    data = client.recv(4096)
                except OSError:
                    data = b""
                if data:
                    self.to_board += data
                    os.write(self._port, data)
                else:
                    client.close()
                    client = None
