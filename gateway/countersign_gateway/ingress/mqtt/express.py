"""Reads and writes the three packets of every check-in without paho.

A check-in is a PUBLISH of QoS 1 in, a PUBACK and a PUBLISH of QoS 0 out. paho spends some 75 µs on
the three, as much as verifying and signing take: on locks, on callbacks that nobody has set, and on
an object with a condition variable for each message. This file takes a tenth of that. paho handles
all other packets (connecting, subscribing, keep-alive, QoS 1 out, malformed packets).
See decision 0012. MQTT 3.1.1, OASIS standard, sections 2.2, 3.3 and 3.4.
"""

from __future__ import annotations

_PUBLISH_QOS0 = 0x30
_PUBLISH_QOS1 = 0x32
# A PUBLISH's first byte without DUP and RETAIN, which the gateway ignores.
_TYPE_AND_QOS = 0xF6
# None of our messages is larger. A larger packet is passed over as it arrives: paho would gather it
# in a buffer that grows to the size that the packet claims, up to 256 MB.
MAX_EXPRESS_BYTES = 16384
MAX_PACKET_BYTES = 5 + MAX_EXPRESS_BYTES
PINGREQ = b"\xc0\x00"

# topic, packet identifier (2 bytes as they came), payload
Delivery = tuple[bytes, bytes, bytes]


def read_deliveries(data: bytes, position: int) -> tuple[list[Delivery], int, int]:
    """Read the whole QoS 1 PUBLISH packets in `data` from `position` on.

    It stops at the first packet of another type, and at one that is malformed, too large, or
    incomplete. It returns the deliveries, the position after the last of them, and the length of
    the packet at that position, or 0 if more bytes must arrive first. paho is to read that packet,
    unless it is larger than MAX_PACKET_BYTES.
    """
    deliveries: list[Delivery] = []
    size = len(data)
    while position + 1 < size:
        # Remaining length: up to four digits in base 128, the lowest first.
        length = data[position + 1]
        body = position + 2
        if length >= 0x80:
            length &= 0x7F
            shift = 7
            while True:
                if body == size:
                    return deliveries, position, 0
                digit = data[body]
                body += 1
                length |= (digit & 0x7F) << shift
                shift += 7
                if digit < 0x80:
                    break
                if shift > 21:
                    return deliveries, position, size - position  # paho ends the connection
        end = body + length
        if length > MAX_EXPRESS_BYTES:
            return deliveries, position, end - position
        if end > size:
            return deliveries, position, 0
        topic_start = body + 2
        if data[position] & _TYPE_AND_QOS != _PUBLISH_QOS1 or length < 4:
            return deliveries, position, end - position
        topic_end = topic_start + (data[body] << 8 | data[body + 1])
        payload_start = topic_end + 2
        if payload_start > end:
            return deliveries, position, end - position
        deliveries.append(
            (data[topic_start:topic_end], data[topic_end:payload_start], data[payload_start:end])
        )
        position = end
    return deliveries, position, 0


def refuse_qos2(first: int) -> None:
    """ConnectionError if a packet with this first byte is a PUBLISH that nobody subscribed to.

    paho would keep it until the broker releases it.
    """
    if first >> 4 == 3 and first & 4:
        raise ConnectionError("a PUBLISH above QoS 1")


def oversized_head(data: bytes, position: int, size: int) -> tuple[bytes, bytes] | None:
    """The topic and the packet identifier of the PUBLISH of `size` bytes at `position`.

    The identifier is b"" at QoS 0. None if more bytes must arrive first. ConnectionError if the
    packet is none that a broker may send to a subscriber of QoS 1.
    """
    kind = data[position]
    qos = kind >> 1 & 3
    if kind >> 4 != 3 or qos > 1:
        raise ConnectionError("a packet that is too large and no PUBLISH of QoS 0 or 1")
    digit = position + 1
    while data[digit] >= 0x80:
        digit += 1
    topic_start = digit + 3
    if len(data) < topic_start:
        return None
    topic_end = topic_start + int.from_bytes(data[topic_start - 2 : topic_start], "big")
    end = topic_end + 2 * qos
    if end > position + size:
        raise ConnectionError("a topic that is longer than its packet")
    if len(data) < end:
        return None
    return data[topic_start:topic_end], data[topic_end:end]


def puback(packet_id: bytes) -> bytes:
    return b"\x40\x02" + packet_id


def publish_qos0(topic: bytes, payload: bytes) -> bytes:
    """A whole PUBLISH packet. ValueError if it is longer than MAX_EXPRESS_BYTES."""
    length = 2 + len(topic) + len(payload)
    if length < 0x80:
        head = bytes((_PUBLISH_QOS0, length))
    elif length <= MAX_EXPRESS_BYTES - 1:
        head = bytes((_PUBLISH_QOS0, length & 0x7F | 0x80, length >> 7))
    else:
        raise ValueError("too long for an express packet")
    return b"".join((head, len(topic).to_bytes(2, "big"), topic, payload))
