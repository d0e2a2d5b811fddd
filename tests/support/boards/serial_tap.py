"""A port between a provisioner and a board that keeps every byte of both directions."""

from __future__ import annotations

import base64
import os
import select
import socket
import threading


class SerialTap:
    """Listens on `url` and forwards to a pty or a TCP port of this machine, until `close`.

    Use it in a `with` statement.
    """

    def __init__(self, port: str | int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self.to_board = bytearray()
        self.from_board = bytearray()
        if isinstance(port, int):
            self._port = socket.create_connection(("127.0.0.1", port)).detach()
        else:
            self._port = os.open(port, os.O_RDWR | os.O_NOCTTY)
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> SerialTap:
        return self

    def __exit__(self, *_: object) -> None:
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
                if not data:
                    return  # the board was switched off
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


def found(value: bytes, text: bytes) -> bool:
    """Whether a text has a value in any form in which a board could print it, or half of it."""
    for half in (value[:16], value[-16:]):
        number = int.from_bytes(half, "big")
        ways = [half, half[::-1], repr(half)[2:-1].encode(), str(number).encode()]
        ways += [half.hex().encode(), half.hex().upper().encode(), half.hex(" ").encode()]
        ways.append(", ".join(str(byte) for byte in half).encode())
        for shift in range(3):
            # Only whole groups count, because the first and last characters depend on their
            # neighbours.
            ways.append(base64.b64encode(half[shift : shift + 12]))
        if any(way in text for way in ways):
            return True
    return str(int.from_bytes(value, "big")).encode() in text
