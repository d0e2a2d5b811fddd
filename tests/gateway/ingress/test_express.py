"""The express lane and paho share one socket: each packet reaches one of them, once."""

from __future__ import annotations

import random
import select
import socket
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign_gateway.ingress.intake import Intake
from countersign_gateway.ingress.mqtt.buffered_socket import MAX_UNSENT_BYTES, BufferedSocket
from countersign_gateway.ingress.mqtt.mqtt_ingress import MqttIngress, express
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.tally import Tally
from countersign_gateway.verification import codec
from support.gateway.scripted_broker import ScriptedBroker, publish, remaining_length

PUBACK_PACKET = b"\x40\x02\x00\x07"
PINGRESP = b"\xd0\x00"


def test_deliveries_are_read_whole_and_in_order():
    packets = [publish(b"a/%d" % number, number, bytes(number * 40)) for number in range(1, 9)]
    read, position, for_paho = express.read_deliveries(b"".join(packets), 0)
    assert [topic for topic, _, _ in read] == [b"a/%d" % number for number in range(1, 9)]
    assert [packet_id for _, packet_id, _ in read] == [bytes([0, n]) for n in range(1, 9)]
    assert [len(payload) for _, _, payload in read] == [number * 40 for number in range(1, 9)]
    assert (position, for_paho) == (len(b"".join(packets)), 0)


def test_a_packet_that_is_not_all_there_is_left_alone():
    packet = publish(b"topic", 1, bytes(300))
    for cut in range(len(packet)):
        assert express.read_deliveries(packet[:cut], 0) == ([], 0, 0)
    for cut in range(len(packet)):
        read, position, for_paho = express.read_deliveries(packet + packet[:cut], 0)
        assert (len(read), position, for_paho) == (1, len(packet), 0)


@pytest.mark.parametrize("first", [0x32, 0x33, 0x3A, 0x3B])
def test_dup_and_retain_make_no_difference(first):
    read, _, _ = express.read_deliveries(publish(b"t", 5, b"x", first), 0)
    assert read == [(b"t", b"\x00\x05", b"x")]


@pytest.mark.parametrize(
    "other", [PUBACK_PACKET, PINGRESP, publish(b"t", 5, b"x", 0x34), b"\x30\x03\0\1t"]
)
def test_every_other_packet_is_left_to_paho_whole(other):
    mine = publish(b"t", 1, b"payload")
    read, position, for_paho = express.read_deliveries(mine + other + mine, 0)
    assert (len(read), position, for_paho) == (1, len(mine), len(other))
    if len(other) > 2:
        assert express.read_deliveries(mine + other[:-1], 0)[1:] == (len(mine), 0)


def test_what_is_malformed_is_left_to_paho():
    topic_too_long = b"\x32\x05\xff\xfftopic"[:7]
    assert express.read_deliveries(topic_too_long, 0) == ([], 0, 7)
    too_short = b"\x32\x03\x00\x01t"
    assert express.read_deliveries(too_short, 0) == ([], 0, 5)
    endless_length = b"\x32\xff\xff\xff\xff\xff\xff"
    assert express.read_deliveries(endless_length, 0) == ([], 0, 7)


def test_what_is_too_large_is_known_by_its_header():
    packet = publish(b"t", 1, bytes(express.MAX_EXPRESS_BYTES))
    assert express.read_deliveries(packet[:10], 0) == ([], 0, len(packet))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=64))
def test_any_bytes_are_read_without_a_fault(data):
    read, position, for_paho = express.read_deliveries(data, 0)
    assert 0 <= position <= len(data)
    assert for_paho >= 0
    # The parts that were read fit into the bytes before `position`.
    assert sum(len(part) for delivery in read for part in delivery) <= position


@pytest.mark.parametrize("size", [0, 1, 100, 120, 121, 122, 2000, 16000])
def test_what_is_written_is_what_paho_reads(size):
    topic, payload = b"a/b/c", bytes(size)
    packet = express.publish_qos0(topic, payload)
    first, rest = packet[0], packet[1:]
    assert first == 0x30
    body = rest[len(remaining_length(2 + len(topic) + size)) :]
    assert rest == remaining_length(len(body)) + body
    assert body == struct.pack(">H", len(topic)) + topic + payload
    with pytest.raises(ValueError, match="too long"):
        express.publish_qos0(topic, bytes(express.MAX_EXPRESS_BYTES))


@pytest.fixture
def pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname(), 5)
        far, _ = listener.accept()
    far.settimeout(5)
    yield BufferedSocket(near), far
    near.close()
    far.close()


def wait_for(near):
    """Wait until bytes or the end of the connection have arrived."""
    select.select([near.fileno()], [], [], 5)


def test_paho_is_handed_only_what_it_was_granted(pair):
    near, far = pair
    far.sendall(b"abcdef")
    with pytest.raises(BlockingIOError):
        near.recv(1)
    wait_for(near)
    near.fill()
    with pytest.raises(BlockingIOError):
        near.recv(1)
    near.grant(4)
    assert near.pending() == 4
    assert near.recv(3) == b"abc"
    assert near.recv(9) == b"d"
    assert near.granted == 0
    with pytest.raises(BlockingIOError):
        near.recv(1)
    data, position = near.arrived()
    assert data[position:] == b"ef"


def test_a_grant_goes_beyond_what_has_arrived(pair):
    near, far = pair
    far.sendall(b"ab")
    wait_for(near)
    near.fill()
    near.grant(4)
    assert near.recv(4) == b"ab"
    with pytest.raises(BlockingIOError):
        near.recv(4)
    far.sendall(b"cdef")
    wait_for(near)
    near.fill()
    assert near.recv(4) == b"cd"


def test_the_end_of_a_connection_is_told(pair):
    near, far = pair
    far.sendall(b"half a packet")
    wait_for(near)
    near.fill()
    far.close()
    assert not near.ended
    wait_for(near)
    near.fill()
    assert near.ended
    near.grant(0)
    assert near.recv(1) == b""


def test_enqueued_packets_and_written_ones_keep_their_order(pair):
    near, far = pair
    near.send(b"1")
    near.enqueue(b"2")
    near.send(b"3")
    near.enqueue(b"4")
    near.close()
    assert far.recv(10) == b"1234"


def test_a_peer_that_does_not_read_makes_the_socket_full_and_loses_nothing(pair):
    near, far = pair
    piece = bytes(range(256)) * 64
    count = 0
    # The kernel's own buffers take megabytes before the socket is full.
    while near.waiting == 0 and count < 10000:
        near.enqueue(piece)
        near.flush()
        count += 1
    assert near.waiting > 0
    assert near.unsent < MAX_UNSENT_BYTES + len(piece)
    with pytest.raises(BlockingIOError):
        near.send(b"x")
    read = bytearray()
    while len(read) < count * len(piece):
        read += far.recv(65536)
        near.flush()
    assert bytes(read) == piece * count
    assert (near.waiting, near.unsent) == (0, 0)


@pytest.mark.parametrize("seed", range(6))
def test_packets_of_all_kinds_in_pieces_of_any_size_arrive_once(seed):
    """With paho: deliveries among pings, QoS 0, and a packet that is too large."""
    chance = random.Random(seed)
    device_id = bytes(range(32))
    topic = f"countersign/v1/site/{device_id.hex()}/up/evidence".encode()
    sent, stream = [], bytearray()
    for number in range(1, 200):
        payload = number.to_bytes(2, "big") + bytes(chance.choice([0, 50, 200, 1000]))
        kind = chance.random()
        if kind < 0.1:
            stream += PINGRESP
        elif kind < 0.2:
            body = len(topic).to_bytes(2, "big") + topic + payload
            stream += b"\x30" + remaining_length(len(body)) + body
            sent.append((payload, b""))
        elif kind < 0.23:
            stream += publish(topic, number, bytes(40000))
            sent.append((None, number.to_bytes(2, "big")))
        else:
            stream += publish(topic, number, payload)
            sent.append((payload, number.to_bytes(2, "big")))
    broker = ScriptedBroker()
    intake, tally = Intake(), Tally()
    refused: list[int] = []
    with open("/dev/null", "w") as nowhere:
        ingress = MqttIngress(
            endpoint=broker.endpoint,
            site="site",
            client_id="test",
            intake=intake,
            refuse_early=lambda device, payload, reason: refused.append(len(payload)),
            named_device=codec.named_device,
            log=EventLog(nowhere),
            tally=tally,
        )
        ingress.start()
        assert ingress.wait_ready(5)
        broker.send(bytes(stream), seed)
        wanted = [payload for payload, _ in sent if payload is not None]
        taken = []
        deadline_s = time.monotonic() + 10
        while len(taken) < len(wanted) and time.monotonic() < deadline_s:
            taken += intake.take(1000, 0.05)
        assert [envelope.payload for envelope in taken] == wanted
        assert all((one.device_id, one.kind) == (device_id, "evidence") for one in taken)
        oversized = [packet_id for payload, packet_id in sent if payload is None]
        assert refused == [], "a message that is refused by its header is not answered"
        assert tally.oversized == len(oversized)
        for envelope in taken:
            envelope.acknowledge()
        ingress.flush()
        ingress.stop()
    broker._thread.join(5)
    broker.close()
    acknowledged = {packet_id for _, packet_id in sent if packet_id}
    written = bytes(broker.written)
    assert written.endswith(b"\xe0\x00")  # DISCONNECT
    pubacks = {written[n + 2 : n + 4] for n in range(0, len(written) - 2, 4)}
    assert pubacks == acknowledged
    assert len(written) == 4 * len(acknowledged) + 2
