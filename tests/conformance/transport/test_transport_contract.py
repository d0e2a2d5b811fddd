"""The real transports and the tests' own transport keep the contract of transport.py."""

from countersign import accounts
from countersign.carriers import kinds, topics
from countersign.suites import MAX_MESSAGE_BYTES
from countersign_agent.transports.mqtt_client import MqttClient
from countersign_agent.transports.mqtt_transport import MqttTransport
from countersign_agent.transports.serial_transport import SerialTransport
from countersign_agent.transports.transport import TransportError
from support.agent.fake_stream import CONNACK_NEW, FakeStream, publish
from support.agent.memory_site import SITE, Broker, Clock, Transport
from support.agent.serial_line import FarSide

DEVICE = b"\xd5" * 32


class MemoryBench:
    """The transport that the agent's tests use."""

    def __init__(self):
        self.clock = Clock()
        self._broker = Broker(self.clock)
        self.transport = Transport(self._broker)

    def deliver(self, kind, payload):
        self._broker.deliver(kind, payload)

    def go_down(self):
        self._broker.is_up = False

    def come_back(self):
        self._broker.is_up = True


class MqttBench:
    """The real MQTT transport, over connections that a test fills."""

    def __init__(self):
        self.clock = Clock()
        self._stream = None
        self._is_up = True
        client = MqttClient(self._open, self.clock, "cs-1")
        self.transport = MqttTransport(client, SITE, accounts.username(DEVICE))

    def deliver(self, kind, payload):
        self._stream.incoming.append(publish(topics.of(SITE, DEVICE, kind), payload))

    def go_down(self):
        self._is_up = False
        self._stream.incoming.append(None)
        self._stream.refuses_data = True

    def come_back(self):
        self._is_up = True

    def _open(self, timeout_ms):
        if not self._is_up:
            raise TransportError("cannot connect: refused")
        self._stream = FakeStream(self.clock, [CONNACK_NEW])
        return self._stream


class SerialBench:
    """The real serial transport, on a line in memory."""

    def __init__(self):
        self.clock = Clock()
        self._far = FarSide(self.clock)
        self.transport = SerialTransport(self._far.open, self.clock, DEVICE, 1)

    def deliver(self, kind, payload):
        self._far.send(kind.frame, DEVICE, payload)

    def go_down(self):
        self._far.is_there = False
        self._far.stream.is_cut = True

    def come_back(self):
        self._far.is_there = True


BROKERS = (MemoryBench, MqttBench)


def each(test, benches=BROKERS + (SerialBench,)):
    for bench in benches:
        test(bench())


def connected(bench):
    bench.transport.connect()
    return bench.transport


def expect_error(action, *arguments):
    try:
        action(*arguments)
    except TransportError:
        return
    raise AssertionError("no TransportError")


def test_nothing_works_before_connect_and_close_always_does():
    def test(bench):
        for _ in range(2):
            expect_error(bench.transport.send, kinds.EVIDENCE, b"x")
            expect_error(bench.transport.ask_beacon)
            expect_error(bench.transport.receive, 10)
            expect_error(bench.transport.leave)
            bench.transport.close()

    each(test)


def test_receive_gives_messages_in_order_and_then_waits_its_time():
    def test(bench):
        transport = connected(bench)
        bench.deliver(kinds.RESULT, b"one")
        bench.deliver(kinds.RECEIPT, b"two")
        assert transport.receive(50) == (kinds.RESULT, b"one")
        assert transport.receive(50) == (kinds.RECEIPT, b"two")
        before_ms = bench.clock.ms
        assert transport.receive(50) is None
        assert bench.clock.ms == before_ms + 50

    each(test)


def test_a_payload_above_the_limit_comes_as_none():
    def test(bench):
        transport = connected(bench)
        bench.deliver(kinds.RESULT, bytes(MAX_MESSAGE_BYTES))
        bench.deliver(kinds.RESULT, bytes(MAX_MESSAGE_BYTES + 1))
        assert transport.receive(10) == (kinds.RESULT, bytes(MAX_MESSAGE_BYTES))
        assert transport.receive(10) == (kinds.RESULT, None)

    each(test, BROKERS)


def test_a_lost_session_is_an_error_until_connect_and_then_works_again():
    def test(bench):
        transport = connected(bench)
        bench.go_down()
        expect_error(transport.receive, 10)
        expect_error(transport.send, kinds.EVIDENCE, b"x")
        expect_error(transport.connect)
        transport.close()
        bench.come_back()
        connected(bench)
        bench.deliver(kinds.RESULT, b"again")
        assert transport.receive(10) == (kinds.RESULT, b"again")

    each(test)
