"""The few packets of MQTT 3.1.1 that a load generator needs, as bytes.

A client library would cost more than the gateway that is being measured. Only the simulated devices
use this module; the gateway uses its real client.
"""

from __future__ import annotations

CONNACK_ACCEPTED = b"\x20\x02\x00\x00"
PUBACK_BYTES = 4
PUBLISH = 0x30
MAX_PACKET_ID = 65535


def connect(client_id: str, username: str, password: str) -> bytes:
    """CONNECT with a clean session and a keep-alive of an hour, longer than any run."""
    flags = 0x80 | 0x40 | 0x02
    body = _text("MQTT") + bytes([4, flags]) + (3600).to_bytes(2, "big")
    body += _text(client_id) + _text(username) + _text(password)
    return b"\x10" + _length(len(body)) + body


def subscribe(packet_id: int, topic_filter: str, qos: int) -> bytes:
    body = packet_id.to_bytes(2, "big") + _text(topic_filter) + bytes([qos])
    return b"\x82" + _length(len(body)) + body


def suback(packet_id: int, qos: int) -> bytes:
    """The packet with which a broker grants a subscription."""
    return b"\x90\x03" + packet_id.to_bytes(2, "big") + bytes([qos])


def publish_qos1(topic: str, packet_id: int, payload: bytes) -> bytes:
    body = _text(topic) + packet_id.to_bytes(2, "big") + payload
    return b"\x32" + _length(len(body)) + body


def disconnect() -> bytes:
    return b"\xe0\x00"


def packet_at(data: bytes | bytearray, start: int) -> tuple[int, int] | None:
    """Where the body of the packet at `start` begins and ends; None if it is not complete."""
    length = shift = 0
    position = start + 1
    while True:
        if position >= len(data):
            return None
        digit = data[position]
        position += 1
        length |= (digit & 0x7F) << shift
        if digit < 0x80:
            break
        shift += 7
        if shift > 21:
            raise ValueError("not an MQTT packet")
    end = position + length
    return (position, end) if end <= len(data) else None


def read_publish(first: int, body: bytes) -> tuple[str, bytes]:
    """The topic and payload of a PUBLISH. first: the packet's first byte."""
    if first & 0xF0 != PUBLISH:
        raise ValueError(f"packet type {first >> 4} where a PUBLISH was expected")
    end = 2 + int.from_bytes(body[:2], "big")
    topic = body[2:end].decode()
    return topic, body[end + 2 :] if first & 0x06 else body[end:]


def _text(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _length(value: int) -> bytes:
    digits = bytearray()
    while True:
        value, digit = divmod(value, 128)
        digits.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(digits)
