"""The express lane and paho share one socket: each packet reaches one of them, once."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import select
import socket
import struct
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt import client as paho

from countersign_gateway.config import Endpoint
from countersign_gateway.ingress.intake import Intake
from countersign_gateway.ingress.mqtt.buffered_socket import MAX_UNSENT_BYTES, BufferedSocket
from countersign_gateway.ingress.mqtt.mqtt_ingress import MqttIngress, express
from countersign_gateway.ingress.mqtt.topic_table import TopicTable
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.tally import Tally
from countersign_gateway.verification import codec

PUBACK_PACKET = b"\x40\x02\x00\x07"
PINGRESP = b"\xd0\x00"


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


def test_a_message_of_250_mb_costs_no_memory_and_no_connection():
    """A retained one comes at each connection. The messages behind it arrive all the same."""
    topic = f"countersign/v1/site/{bytes(32).hex()}/up/evidence".encode()
    intake, tally, log = Intake(), Tally(), io.StringIO()
    for first, packet_id in ((0x32, b"\x00\x09"), (0x31, b"")):
        broker = ScriptedBroker()
        ingress = MqttIngress(
            endpoint=broker.endpoint,
            site="site",
            client_id="test",
            intake=intake,
            refuse_early=lambda device, payload, reason: None,
            named_device=codec.named_device,
            log=EventLog(log),
            tally=tally,
        )
        ingress.start()
        assert ingress.wait_ready(5)
        before = resident_bytes()
        size = 250_000_000
        body = len(topic).to_bytes(2, "big") + topic + packet_id
        broker.send(bytes([first]) + remaining_length(len(body) + size) + body, 1)
        piece, peak = bytes(1_000_000), before
        for _ in range(size // len(piece)):
            broker._client.sendall(piece)
            peak = max(peak, resident_bytes())
        broker.send(publish(topic, 10, b"the next one"), 1)
        (envelope,) = intake.take(10, 10)
        assert envelope.payload == b"the next one"
        envelope.acknowledge()
        ingress.flush()
        ingress.stop()
        broker._thread.join(5)
        broker.close()
        assert peak - before < 4 << 20
        pubacks = b"".join(b"\x40\x02" + one for one in (packet_id, b"\x00\x0a") if one)
        assert bytes(broker.written).replace(express.PINGREQ, b"") == pubacks + b"\xe0\x00"
    assert tally.oversized == 2
    dropped = [json.loads(line) for line in log.getvalue().splitlines() if "oversized" in line]
    assert [event["device_id"] for event in dropped] == [bytes(32).hex()] * 2


def test_a_large_packet_that_is_no_publish_ends_the_connection():
    for first in (0x20, 0x34, 0x36, 0x90):
        packet = bytes([first]) + remaining_length(1 << 20) + bytes(100)
        _, position, size = express.read_deliveries(packet, 0)
        assert (position, size) == (0, len(packet) - 100 + (1 << 20))
        with pytest.raises(ConnectionError):
            express.oversized_head(packet, 0, size)
    longer_topic = b"\x32" + remaining_length(20000) + b"\xff\xff" + bytes(70000)
    with pytest.raises(ConnectionError):
        express.oversized_head(longer_topic, 0, 20004)


def test_the_head_of_a_large_message_may_arrive_in_pieces():
    packet = publish(b"topic", 7, bytes(20000))
    for cut in range(1, 4 + 2 + 5 + 2):
        _, _, size = express.read_deliveries(packet[:cut], 0)
        if size:
            assert express.oversized_head(packet[:cut], 0, size) is None
    assert express.oversized_head(packet[:13], 0, len(packet)) == (b"topic", b"\x00\x07")


def test_topics_that_are_none_of_ours_are_not_kept():
    """8,000 of them, of the longest length, took 550 MiB."""
    table = TopicTable("site")
    for number in range(1000):
        assert table.sender(b"%d" % number + b"x" * 60_000) == (None, "")
    assert len(table) == 0


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_the_private_name_of_paho_that_is_used_is_there():
    assert callable(paho.Client._create_socket)
    assert callable(paho.Client._create_socket_connection)


def test_a_broker_that_never_reads_loses_its_connection_before_it_fills_the_memory():
    """It sends small messages, answers pings that nobody sent, and takes no acknowledgement.

    Deliveries are acknowledged past paho, pings by paho, and nobody asked for QoS 2.
    """
    pings = b"\xc0\x00" * 500
    for first in (0x32, 0xC0, 0x34):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        intake, log = Intake(), io.StringIO()
        ingress = MqttIngress(
            endpoint=Endpoint("127.0.0.1", listener.getsockname()[1]),
            site="site",
            client_id="test",
            intake=intake,
            refuse_early=lambda device, payload, reason: None,
            log=EventLog(log),
            tally=Tally(),
            named_device=codec.named_device,
        )
        ingress.start()
        broker, _ = listener.accept()
        listener.close()
        broker.recv(4096)
        broker.sendall(b"\x20\x02\x00\x00")
        broker.sendall(b"\x90\x03" + broker.recv(4096)[2:4] + b"\x01")
        assert ingress.wait_ready(5)
        broker.settimeout(20)
        number = 0
        with contextlib.suppress(OSError):
            while number < 3_000_000:
                numbers = range(number, number + 500)
                pieces = [publish(b"x", n % 65535 + 1, b"", first) for n in numbers]
                broker.sendall((pings if first == 0xC0 else b"".join(pieces)) + PINGRESP)
                number += 500
                for envelope in intake.take(1000, 0):
                    envelope.acknowledge()
        ended = number < 3_000_000
        ingress.stop()
        broker.close()
        assert ended, hex(first)
        assert '"event":"broker_unreachable"' in log.getvalue()
