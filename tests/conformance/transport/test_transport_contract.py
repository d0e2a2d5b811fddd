"""The contract of transport.py, held by the real ones and by the tests' own transport alike."""

from countersign.carriers import topics
from countersign.messages import kinds
from countersign_agent.transports.mqtt_transport import MqttTransport
from countersign_agent.transports.serial_transport import SerialTransport
from countersign_agent.transports.transport import MAX_PAYLOAD_BYTES, TransportError
from support.agent.fake_stream import CONNACK_NEW, FakeStream, publish
from support.agent.memory_site import SITE, Broker, Clock, Transport
from support.agent.serial_line import FarSide

DEVICE = b"\xd5" * 32
UP = topics.uplink(SITE, DEVICE, "evidence")
RESULT = topics.downlink(SITE, DEVICE, "result")
RECEIPT = topics.downlink(SITE, DEVICE, "receipt")
PRESENCE = topics.presence(SITE, DEVICE)


class MemoryBench:
    """The transport that the agent's tests use."""

    def __init__(self):
        self.clock = Clock()
        self._broker = Broker(self.clock)
        self.transport = Transport(self._broker)

    def deliver(self, topic, payload):
        self._broker.deliver(topic, payload)

    def go_down(self):
        self._broker.is_up = False

    def come_back(self):
        self._broker.is_up = True


class MqttBench:
    """The real one, over connections that a test fills."""

    def __init__(self):
        self.clock = Clock()
        self._stream = None
        self._is_up = True
        self.transport = MqttTransport(self._open, self.clock, "cs-1")

    def deliver(self, topic, payload):
        self._stream.incoming.append(publish(topic, payload))

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
    """The real one without a broker, on a line in memory."""

    def __init__(self):
        self.clock = Clock()
        self._far = FarSide(self.clock)
        self.transport = SerialTransport(self._far.open, self.clock, SITE, DEVICE, 1)

    def deliver(self, topic, payload):
        kind = kinds.RESULT.frame if topic == RESULT else kinds.RECEIPT.frame
        self._far.send(kind, DEVICE, payload)

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
    bench.transport.connect(PRESENCE, b"offline")
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
            expect_error(bench.transport.publish, UP, b"x", False)
            expect_error(bench.transport.subscribe, [topics.beacon(SITE)])
            expect_error(bench.transport.poll, 10)
            bench.transport.close()

    each(test)


def test_poll_gives_messages_in_order_and_then_waits_its_time():
    def test(bench):
        transport = connected(bench)
        bench.deliver(RESULT, b"one")
        bench.deliver(RECEIPT, b"two")
        assert transport.poll(50) == (RESULT, b"one")
        assert transport.poll(50) == (RECEIPT, b"two")
        before_ms = bench.clock.ms
        assert transport.poll(50) is None
        assert bench.clock.ms == before_ms + 50

    each(test)


def test_a_payload_above_the_limit_comes_as_none():
    def test(bench):
        transport = connected(bench)
        bench.deliver(RESULT, bytes(MAX_PAYLOAD_BYTES))
        bench.deliver(RESULT, bytes(MAX_PAYLOAD_BYTES + 1))
        assert transport.poll(10) == (RESULT, bytes(MAX_PAYLOAD_BYTES))
        assert transport.poll(10) == (RESULT, None)

    each(test, BROKERS)


def test_a_lost_session_is_an_error_until_connect_and_then_works_again():
    def test(bench):
        transport = connected(bench)
        bench.go_down()
        expect_error(transport.poll, 10)
        expect_error(transport.publish, UP, b"x", False)
        expect_error(transport.connect, PRESENCE, b"offline")
        transport.close()
        bench.come_back()
        connected(bench)
        bench.deliver(RESULT, b"again")
        assert transport.poll(10) == (RESULT, b"again")

    each(test)
