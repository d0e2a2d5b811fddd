"""A broker's bytes into the agent's MQTT reader: an MqttError, or packets that the standard allows,
the same in whatever pieces the bytes come."""

from __future__ import annotations

import random
from collections.abc import Callable

from countersign.suites import MAX_MESSAGE_BYTES
from countersign_agent.transports import mqtt_codec
from countersign_agent.transports.mqtt_codec import MqttError
from countersign_workshop.fuzzing import mutation
from countersign_workshop.fuzzing.target import Broken, corpus

_FIRST = (0x20, 0x30, 0x31, 0x32, 0x33, 0x34, 0x38, 0x40, 0x50, 0x90, 0xB0, 0xD0, 0x00, 0xF0)
_READERS: dict[int, Callable[[bytes], object]] = {
    mqtt_codec.CONNACK: mqtt_codec.read_connack,
    mqtt_codec.PUBACK: mqtt_codec.read_packet_id,
    mqtt_codec.SUBACK: lambda body: mqtt_codec.read_suback(body, 2),
}


class Packets:
    name = "packets"

    def __init__(self) -> None:
        self._seeds = corpus("packets")

    def make(self, rng: random.Random) -> bytes:
        """The first byte decides how the rest is cut into pieces."""
        pieces = [rng.randbytes(1)]
        for _ in range(rng.choice((1, 1, 2, 5))):
            seed = rng.choice(self._seeds)
            kind = rng.randrange(4)
            if kind == 0:
                pieces.append(seed)
            elif kind == 1:
                pieces.append(mutation.mutated(rng, seed, rng.choice(self._seeds)))
            else:
                pieces.append(_packet(rng))
        return b"".join(pieces)

    def check(self, data: bytes) -> None:
        size = 1 + (data[0] if data else 0) ** 2 // 8
        whole = _read(data[1:], len(data) or 1)
        if _read(data[1:], size) != whole:
            raise Broken("the pieces of a stream decide what it says")


def _read(stream: bytes, size: int) -> list[object]:
    reader = mqtt_codec.PacketReader()
    found: list[object] = []
    try:
        for start in range(0, len(stream), size):
            reader.feed(stream[start : start + size])
            found += map(_meaning, iter(reader.next, None))
            if len(reader._buffer) > mqtt_codec.MAX_PACKET_BYTES + 5 + size:
                raise Broken("the reader keeps more than a packet")
    except MqttError as error:
        found.append(str(error))
    return found


def _meaning(packet: tuple[int, int, bytes, bool]) -> object:
    kind, flags, body, whole = packet
    if len(body) > mqtt_codec.MAX_PACKET_BYTES:
        raise Broken("a body beyond the bound")
    if kind == mqtt_codec.PUBLISH:
        message = mqtt_codec.read_publish(flags, body, whole)
        if not message.topic or len(message.topic.encode()) > mqtt_codec.MAX_TOPIC_BYTES:
            raise Broken("a topic that no subscription has")
        if message.payload is not None and len(message.payload) > MAX_MESSAGE_BYTES:
            raise Broken("a payload that no message has")
        return message.topic, message.payload, message.packet_id
    reader = _READERS.get(kind)
    return kind, body, None if reader is None else reader(body)


def _packet(rng: random.Random) -> bytes:
    """A packet with a head of its own, right or wrong in length."""
    topic = rng.choice((b"", b"a", b"countersign/v1/ward/x", b"\xc0\x80", b"a+", b"t" * 193))
    body = len(topic).to_bytes(2, "big") + topic
    if rng.random() < 0.5:
        body += rng.choice((b"\x00\x01", b"\x00\x00", b"\xff\xff"))
    body += rng.randbytes(rng.choice((0, 1, 20, 2048, 2049, 3000)))
    if rng.random() < 0.3:
        body = rng.randbytes(rng.choice((0, 1, 2, 3, 4, 16, 17)))
    length = len(body) if rng.random() < 0.9 else abs(rng.choice(mutation.INTERESTING))
    head = bytearray([rng.choice(_FIRST)])
    for _ in range(5):
        length, digit = divmod(length, 128)
        head.append(digit | (0x80 if length else 0))
        if not length:
            break
    if rng.random() < 0.05:
        head[-1] |= 0x80
    return bytes(head) + body
