"""A client that speaks MQTT by the byte, so that a test can do what no library does."""

from __future__ import annotations

import socket
import struct

from countersign_gateway.config import Endpoint

CONNECT, CONNACK, PUBLISH, SUBSCRIBE = 0x10, 0x20, 0x30, 0x82
ACCEPTED, NOT_AUTHORISED = 0, 5
PATIENCE_S = 20.0


def text(value: str) -> bytes:
    return struct.pack(">H", len(value.encode())) + value.encode()


def packet(first: int, body: bytes) -> bytes:
    length, size = bytearray(), len(body)
    while True:
        length.append(size % 128 | (0x80 if size > 127 else 0))
        size //= 128
        if size == 0:
            return bytes([first]) + bytes(length) + body


def connect_packet(
    client_id: str,
    account: tuple[str, str] | None = None,
    keep_alive_s: int = 60,
    will: tuple[str, bytes] | None = None,
    clean: bool = True,
) -> bytes:
    flags, body = 0x02 if clean else 0, text(client_id)
    if will is not None:
        flags |= 0x2C  # retained, QoS 1
        body += text(will[0]) + struct.pack(">H", len(will[1])) + will[1]
    if account is not None:
        flags |= 0xC0
        body += text(account[0]) + text(account[1])
    head = text("MQTT") + bytes([4, flags]) + struct.pack(">H", keep_alive_s)
    return packet(CONNECT, head + body)


def publish_packet(topic: str, payload: bytes, retain: bool = False, number: int = 0) -> bytes:
    """At QoS 1 with a number, else at QoS 0."""
    first = PUBLISH | (0x02 if number else 0) | (0x01 if retain else 0)
    identifier = struct.pack(">H", number) if number else b""
    return packet(first, text(topic) + identifier + payload)


def subscribe_packet(topic: str) -> bytes:
    return packet(SUBSCRIBE, b"\x00\x01" + text(topic) + b"\x01")


class RawClient:
    """One connection. code: the broker's answer to CONNECT; None if it closed instead."""

    def __init__(self, address: Endpoint, connect: bytes) -> None:
        self.socket = socket.create_connection((address.host, address.port), timeout=PATIENCE_S)
        self.socket.sendall(connect)
        answer = self._read(4)
        self.code = answer[3] if len(answer) == 4 and answer[0] == CONNACK else None

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def is_closed(self, within_s: float) -> bool:
        """Whether the broker closes the connection within the time. Reads what else comes."""
        self.socket.settimeout(within_s)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def received(self, within_s: float) -> bytes:
        """All that comes within the time."""
        data = b""
        self.socket.settimeout(within_s)
        try:
            while piece := self.socket.recv(65536):
                data += piece
        except OSError:
            return data
        return data

    def close(self) -> None:
        self.socket.close()

    def _read(self, size: int) -> bytes:
        data = b""
        try:
            while len(data) < size and (piece := self.socket.recv(size - len(data))):
                data += piece
        except OSError:
            return data
        return data
