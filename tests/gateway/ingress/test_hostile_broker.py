"""What a broker may do to the gateway: the memory and the connection are bounded all the same."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket

import pytest
from paho.mqtt import client as paho

from countersign_gateway.config import Endpoint
from countersign_gateway.ingress.intake import Intake
from countersign_gateway.ingress.mqtt.mqtt_ingress import MqttIngress, express
from countersign_gateway.ingress.mqtt.topic_table import TopicTable
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.tally import Tally
from countersign_gateway.verification import codec
from support.gateway.scripted_broker import ScriptedBroker, publish, remaining_length
from support.process_memory import resident_bytes

PINGRESP = b"\xd0\x00"


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
        before = resident_bytes(os.getpid())
        size = 250_000_000
        body = len(topic).to_bytes(2, "big") + topic + packet_id
        broker.send(bytes([first]) + remaining_length(len(body) + size) + body, 1)
        piece, peak = bytes(1_000_000), before
        for _ in range(size // len(piece)):
            broker._client.sendall(piece)
            peak = max(peak, resident_bytes(os.getpid()))
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
