"""MQTT packets match OASIS MQTT 3.1.1 byte for byte, and the reader refuses everything else."""

from countersign_agent.transports import mqtt_codec as codec
from countersign_agent.transports.mqtt_codec import MAX_PACKET_BYTES, MqttError, PacketReader
from support.agent.fake_stream import publish, remaining_length
from support.agent.noise import Noise


def packets(data, piece=None):
    """All packets of a byte stream that arrives in pieces of `piece` bytes."""
    reader = PacketReader()
    found = []
    step = piece or len(data) or 1
    for start in range(0, len(data), step):
        reader.feed(data[start : start + step])
        while True:
            packet = reader.next()
            if packet is None:
                break
            found.append(packet)
    return found


def expect_error(action, *arguments):
    try:
        action(*arguments)
    except MqttError:
        return
    raise AssertionError("accepted: " + repr(arguments))


def test_connect_is_laid_out_as_in_section_3_1():
    packet = codec.connect_packet("cs-1", 30, ("t/p", b"off"), "user", "pass")
    assert packet == (
        b"\x10\x26\x00\x04MQTT\x04\xec\x00\x1e\x00\x04cs-1\x00\x03t/p\x00\x03off"
        b"\x00\x04user\x00\x04pass"
    )
    assert codec.connect_packet("c", 5, None, None, None) == (
        b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x05\x00\x01c"
    )


def test_publish_subscribe_and_puback_are_laid_out_as_in_sections_3_3_to_3_8():
    assert codec.publish_packet("a/b", b"xy", 10, False, False) == b"\x32\x09\x00\x03a/b\x00\x0axy"
    assert codec.publish_packet("a/b", b"", 10, True, True) == b"\x3b\x07\x00\x03a/b\x00\x0a"
    assert codec.puback_packet(258) == b"\x40\x02\x01\x02"
    assert codec.subscribe_packet(1, ["a", "b/+"]) == (
        b"\x82\x0c\x00\x01\x00\x01a\x01\x00\x03b/+\x01"
    )


def test_remaining_length_of_one_to_three_bytes():
    for size in (0, 100, 127 - 7, 128 - 7, 2048, 16383 - 7, 16384 - 7, 20000):
        packet = codec.publish_packet("a/b", bytes(size), 1, False, False)
        assert packet[1:].startswith(remaining_length(size + 7))
        assert len(packet) == 1 + len(remaining_length(size + 7)) + size + 7


def test_a_stream_in_any_pieces_gives_the_same_packets():
    data = (
        b"\x20\x02\x00\x00"
        + publish("a/b", b"hello")
        + b"\xd0\x00"
        + publish("t", b"x" * 300, 7)
        + b"\x40\x02\x00\x09"
    )
    whole = packets(data)
    assert [packet[0] for packet in whole] == [2, 3, 13, 3, 4]
    for piece in (1, 2, 3, 7, 100):
        assert packets(data, piece) == whole


def test_an_oversized_publish_is_counted_down_and_its_head_kept():
    for size in (MAX_PACKET_BYTES, 5000, 10000):
        data = publish("a/b", bytes(size), 9) + b"\xd0\x00"
        found = packets(data, 512)
        assert [packet[0] for packet in found] == [3, 13]
        _, flags, body, whole = found[0]
        assert not whole and len(body) <= MAX_PACKET_BYTES
        message = codec.read_publish(flags, body, whole)
        assert message.payload is None
        assert (message.topic, message.packet_id) == ("a/b", 9)


def test_a_payload_at_the_limit_is_kept_and_one_above_is_not():
    for size, kept in ((2048, True), (2049, False)):
        _, flags, body, whole = packets(publish("a/b", bytes(size), 9))[0]
        message = codec.read_publish(flags, body, whole)
        assert (message.payload is not None) == kept


def test_packets_that_a_broker_must_not_send_are_refused():
    for data in (
        b"\x00\x00",  # reserved
        b"\x10\x00",  # CONNECT
        b"\x21\x02\x00\x00",  # CONNACK with flags
        b"\x41\x02\x00\x01",  # PUBACK with flags
        b"\x50\x02\x00\x01",  # PUBREC: QoS 2
        b"\x62\x02\x00\x01",  # PUBREL
        b"\x82\x00",  # SUBSCRIBE
        b"\xb0\x02\x00\x01",  # UNSUBACK
        b"\xc0\x00",  # PINGREQ
        b"\xe0\x00",  # DISCONNECT
        b"\xf0\x00",  # reserved
        b"\x30\xff\xff\xff\xff\x01",  # remaining length of five bytes
        b"\x40\xff\x7f",  # a control packet of 16 kB
    ):
        expect_error(packets, data)


def test_malformed_publishes_are_refused():
    for first, body in (
        (0x30, b""),
        (0x30, b"\x00"),
        (0x30, b"\x00\x00payload"),  # no topic
        (0x30, b"\x00\x09short"),
        (0x30, b"\xff\xffshort"),
        (0x32, b"\x00\x01a"),  # no identifier
        (0x32, b"\x00\x01a\x00"),
        (0x32, b"\x00\x01a\x00\x00"),  # identifier zero
        (0x34, b"\x00\x01a\x00\x01"),  # QoS 2
        (0x36, b"\x00\x01a\x00\x01"),  # QoS 3
        (0x30, b"\x00\x02\xff\xfe"),  # not UTF-8
        (0x30, b"\x00\x03a/+"),
        (0x30, b"\x00\x03a/#"),
        (0x30, b"\x00\x02a\x00"),
        (0x30, b"\x00\xc1" + b"a" * 193),
    ):
        data = bytes([first]) + remaining_length(len(body)) + body
        _, flags, body, whole = packets(data)[0]
        expect_error(codec.read_publish, flags, body, whole)


def test_malformed_answers_are_refused():
    for body in (b"", b"\x00", b"\x00\x00\x00", b"\x02\x00", b"\x00\x01", b"\x00\x05", b"\x01\x80"):
        expect_error(codec.read_connack, body)
    for body in (b"", b"\x01", b"\x00\x00", b"\x00\x01\x00"):
        expect_error(codec.read_packet_id, body)
    for body in (b"", b"\x00\x01", b"\x00\x01\x80", b"\x00\x01\x02", b"\x00\x01\x01\x01"):
        expect_error(codec.read_suback, body, 1)
    assert codec.read_connack(b"\x00\x00") is False
    assert codec.read_connack(b"\x01\x00") is True
    assert codec.read_suback(b"\x00\x01\x00\x01", 2) == 1


def test_random_bytes_give_packets_or_an_error_and_bounded_memory():
    noise = Noise(b"random broker")
    for _ in range(150):
        reader = PacketReader()
        try:
            for _ in range(6):
                reader.feed(noise.urandom(32))
                assert len(reader._buffer) <= MAX_PACKET_BYTES + 512
                packet = reader.next()
                if packet is not None and packet[0] == codec.PUBLISH:
                    codec.read_publish(packet[1], packet[2], packet[3])
        except MqttError:
            continue


def test_valid_streams_with_changed_bytes_give_packets_or_an_error():
    data = publish("a/b", b"hello", 5) + b"\xd0\x00" + b"\x90\x04\x00\x01\x01\x01"
    for index in range(len(data)):
        for change in (0x01, 0x10, 0x80, 0xFF):
            changed = bytearray(data)
            changed[index] ^= change
            try:
                for kind, flags, body, whole in packets(bytes(changed)):
                    if kind == codec.PUBLISH:
                        codec.read_publish(flags, body, whole)
            except MqttError:
                continue
