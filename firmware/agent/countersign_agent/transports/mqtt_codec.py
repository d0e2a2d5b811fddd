"""MQTT 3.1.1 packets as bytes, as far as the agent needs them: QoS 0 and 1. No I/O.

Section numbers are those of OASIS MQTT 3.1.1. The reader takes a broker's bytes in any pieces. It
raises MqttError for everything that the standard forbids or that the agent did not ask for. It
never holds more than MAX_PACKET_BYTES of one packet, and skips the rest of a longer one.
"""

from countersign.suites import MAX_MESSAGE_BYTES
from countersign_agent.transports.transport import TransportError

CONNACK = 2
PUBLISH = 3
PUBACK = 4
SUBACK = 9
PINGRESP = 13

PINGREQ_PACKET = b"\xc0\x00"
DISCONNECT_PACKET = b"\xe0\x00"

MAX_TOPIC_BYTES = 192
MAX_PACKET_BYTES = 2 + MAX_TOPIC_BYTES + 2 + MAX_MESSAGE_BYTES

_SUBACK_FAILURE = 0x80
# Bits 3-0 of the first byte (section 2.2.2) of each packet but PUBLISH that a broker may send.
_FIXED_FLAGS = {CONNACK: 0, PUBACK: 0, SUBACK: 0, PINGRESP: 0}


class MqttError(TransportError):
    """The broker broke the protocol, or refused a request."""


class NotAdmitted(MqttError):
    """The broker does not know this account, or its password is another (CONNACK code 4 or 5)."""


class Publish:
    """An incoming PUBLISH. payload is None if the packet was too long to keep."""

    def __init__(self, topic, payload, packet_id):
        self.topic = topic
        self.payload = payload
        self.packet_id = packet_id  # None at QoS 0


def connect_packet(client_id, keep_alive_s, will, username, password):
    """CONNECT (3.1). will: (topic, payload), retained, QoS 1. The broker keeps the session of a
    client that has a will."""
    flags = 0
    body = _text(client_id)
    if will is None:
        flags |= 0x02
    else:
        flags |= 0x04 | 0x08 | 0x20
        body += _text(will[0]) + _binary(will[1])
    if username is not None:
        flags |= 0x80
        body += _text(username)
        if password is not None:
            flags |= 0x40
            body += _binary(password.encode())
    head = _text("MQTT") + bytes([4, flags]) + keep_alive_s.to_bytes(2, "big")
    return _packet(0x10, head + body)


def publish_packet(topic, payload, packet_id, retain, duplicate):
    """PUBLISH (3.3) at QoS 1."""
    first = 0x32 | (0x01 if retain else 0) | (0x08 if duplicate else 0)
    return _packet(first, _text(topic) + packet_id.to_bytes(2, "big") + payload)


def puback_packet(packet_id):
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def subscribe_packet(packet_id, topics):
    """SUBSCRIBE (3.8) to every filter of the list at QoS 1."""
    body = packet_id.to_bytes(2, "big")
    for topic in topics:
        body += _text(topic) + b"\x01"
    return _packet(0x82, body)


def read_connack(body):
    """True if the broker still has our session (3.2.2.2); MqttError if it refused."""
    if len(body) != 2 or body[0] > 1:
        raise MqttError("malformed CONNACK")
    if body[1] != 0:
        refused = NotAdmitted if body[1] in (4, 5) else MqttError
        raise refused("broker refused the connection, code " + str(body[1]))
    return body[0] == 1


def read_packet_id(body):
    """The identifier of a PUBACK (3.4)."""
    if len(body) != 2 or body == b"\x00\x00":
        raise MqttError("malformed PUBACK")
    return int.from_bytes(body, "big")


def read_suback(body, count):
    """The identifier of a SUBACK (3.9) that grants `count` filters; MqttError if it refuses."""
    if len(body) != 2 + count:
        raise MqttError("malformed SUBACK")
    for code in body[2:]:
        if code == _SUBACK_FAILURE:
            raise MqttError("broker refused a subscription")
        if code > 1:
            raise MqttError("malformed SUBACK")
    return int.from_bytes(body[:2], "big")


def read_publish(flags, body, whole):
    """The Publish in a packet, from its flags and body. `whole`: False if the body was cut off."""
    qos = (flags >> 1) & 3
    if qos > 1:
        raise MqttError("QoS above what was granted")
    if len(body) < 2:
        raise MqttError("malformed PUBLISH")
    end = 2 + int.from_bytes(body[:2], "big")
    start = end + 2 * qos
    if len(body) < start or end == 2:
        raise MqttError("malformed PUBLISH")
    if end - 2 > MAX_TOPIC_BYTES:
        raise MqttError("topic longer than any that was subscribed")
    try:
        topic = str(body[2:end], "utf-8")
    except (UnicodeError, ValueError):
        raise MqttError("topic is not UTF-8")
    if "\x00" in topic or "+" in topic or "#" in topic:
        raise MqttError("topic with a forbidden character")
    packet_id = None
    if qos == 1:
        packet_id = int.from_bytes(body[end:start], "big")
        if packet_id == 0:
            raise MqttError("packet identifier zero")
    payload = body[start:]
    if not whole or len(payload) > MAX_MESSAGE_BYTES:
        payload = None
    return Publish(topic, payload, packet_id)


class PacketReader:
    """Cuts a byte stream into packets. Feed it what arrived, then call `next` until None."""

    def __init__(self):
        self._buffer = b""
        self._skip = 0  # bytes of an oversized packet that are still to come

    def feed(self, data: bytes) -> None:
        if self._skip:
            dropped = min(self._skip, len(data))
            self._skip -= dropped
            data = data[dropped:]
        self._buffer += data

    def next(self) -> tuple | None:
        """(type, flags, body, whole) or None. `whole` is False if the body was cut to what fits."""
        header = self._header()
        if header is None:
            return None
        size, length = header
        kept = min(length, MAX_PACKET_BYTES)
        if len(self._buffer) < size + kept:
            return None
        first = self._buffer[0]
        body = self._buffer[size : size + kept]
        rest = self._buffer[size + kept :]
        skipped_here = min(length - kept, len(rest))
        self._skip = length - kept - skipped_here
        self._buffer = rest[skipped_here:]
        return first >> 4, first & 15, body, kept == length

    def _header(self):
        """(size of the fixed header, remaining length) of 2.2, or None if bytes are missing."""
        if not self._buffer:
            return None
        kind = self._buffer[0] >> 4
        if kind != PUBLISH and _FIXED_FLAGS.get(kind) != self._buffer[0] & 15:
            raise MqttError("unexpected packet, first byte " + str(self._buffer[0]))
        length = 0
        for index in range(1, 5):
            if len(self._buffer) <= index:
                return None
            byte = self._buffer[index]
            length |= (byte & 0x7F) << (7 * (index - 1))
            if not byte & 0x80:
                if kind != PUBLISH and length > 16:
                    raise MqttError("oversized control packet")
                return index + 1, length
        raise MqttError("malformed remaining length")


def _packet(first, body):
    header = bytearray([first])
    length = len(body)
    while True:
        byte = length & 0x7F
        length >>= 7
        header.append(byte | 0x80 if length else byte)
        if not length:
            return bytes(header) + body


def _binary(data):
    if len(data) > 0xFFFF:
        raise ValueError("an MQTT field has at most 65535 bytes")
    return len(data).to_bytes(2, "big") + data


def _text(text):
    return _binary(text.encode())
