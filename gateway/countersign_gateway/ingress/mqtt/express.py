"""The three packets that come and go for every message, read and written without paho.

A check-in is a PUBLISH of QoS 1 in, a PUBACK and a PUBLISH of QoS 0 out. paho spends some 75 µs on
the three, as much as verifying and signing: locks, callbacks that nobody has set, and an object
with a condition variable for each message. Here they cost a tenth of that. Everything else
(connecting, subscribing, keep-alive, messages of QoS 1 out, whatever is malformed) is paho's.
See decision 0012. MQTT 3.1.1, OASIS standard, sections 2.2, 3.3 and 3.4.
"""

from __future__ import annotations

_PUBLISH_QOS0 = 0x30
_PUBLISH_QOS1 = 0x32
# Of a PUBLISH's first byte all but DUP and RETAIN, which change nothing for us.
_TYPE_AND_QOS = 0xF6
# A message that is larger than any of ours is gathered by paho, in a buffer made for growing.
MAX_EXPRESS_BYTES = 16384

# topic, packet identifier (2 bytes as they came), payload
Delivery = tuple[bytes, bytes, bytes]


def read_deliveries(data: bytes, position: int) -> tuple[list[Delivery], int, int]:
    """The whole QoS 1 PUBLISH packets in `data` from `position` on.

    Stops at the first packet that is another, is malformed, is too large, or is not all there.
    Returns them, the position after the last of them, and how many bytes the packet at that
    position has if it is one for paho to read; 0 if more must arrive first.
    """
    deliveries: list[Delivery] = []
    size = len(data)
    while position + 1 < size:
        # Remaining length: up to four digits to the base of 128, the lowest first.
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


def puback(packet_id: bytes) -> bytes:
    return b"\x40\x02" + packet_id


def publish_qos0(topic: bytes, payload: bytes) -> bytes:
    """A whole PUBLISH packet. ValueError if it would be longer than any of ours."""
    length = 2 + len(topic) + len(payload)
    if length < 0x80:
        head = bytes((_PUBLISH_QOS0, length))
    elif length <= MAX_EXPRESS_BYTES - 1:
        head = bytes((_PUBLISH_QOS0, length & 0x7F | 0x80, length >> 7))
    else:
        raise ValueError("too long for an express packet")
    return b"".join((head, len(topic).to_bytes(2, "big"), topic, payload))
