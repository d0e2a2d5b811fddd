"""A broker of few words, for the gateway's side of a connection: what it sends, a test decides."""

from __future__ import annotations

import random
import socket
import threading

from countersign_gateway.config import Endpoint


def remaining_length(value: int) -> bytes:
    digits = bytearray()
    while True:
        value, digit = divmod(value, 128)
        digits.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(digits)


def publish(topic: bytes, packet_id: int, payload: bytes, first: int = 0x32) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic + packet_id.to_bytes(2, "big") + payload
    return bytes([first]) + remaining_length(len(body)) + body


class ScriptedBroker:
    """Accepts one client and its subscription, then sends data in pieces of random size."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = Endpoint("127.0.0.1", self._listener.getsockname()[1])
        self.written = bytearray()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self._connected = threading.Event()

    def _serve(self) -> None:
        self._client, _ = self._listener.accept()
        self._client.recv(4096)  # CONNECT
        self._client.sendall(b"\x20\x02\x00\x00")
        subscribe = self._client.recv(4096)
        self._client.sendall(b"\x90\x03" + subscribe[2:4] + b"\x01")
        self._connected.set()
        while data := self._client.recv(65536):
            self.written += data

    def send(self, data: bytes, seed: int) -> None:
        assert self._connected.wait(5)
        pieces = random.Random(seed)
        position = 0
        while position < len(data):
            size = pieces.choice([1, 2, 3, 7, 100, 1500, 70000])
            self._client.sendall(data[position : position + size])
            position += size

    def close(self) -> None:
        self._client.close()
        self._listener.close()
