"""The contract of transport.py, held by the real client and by the tests' own transport alike."""

from fake_stream import CONNACK_NEW, FakeStream, publish
from memory_site import Broker, Clock, Transport

from countersign_agent.mqtt_transport import MqttTransport
from countersign_agent.transport import MAX_PAYLOAD_BYTES, TransportError


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


def each(test):
    for bench in (MemoryBench, MqttBench):
        test(bench())


def connected(bench):
    bench.transport.connect("will", b"offline")
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
            expect_error(bench.transport.publish, "t", b"x", False)
            expect_error(bench.transport.subscribe, ["t"])
            expect_error(bench.transport.poll, 10)
            bench.transport.close()

    each(test)


def test_poll_gives_messages_in_order_and_then_waits_its_time():
    def test(bench):
        transport = connected(bench)
        bench.deliver("a", b"one")
        bench.deliver("b", b"")
        assert transport.poll(50) == ("a", b"one")
        assert transport.poll(50) == ("b", b"")
        before_ms = bench.clock.ms
        assert transport.poll(50) is None
        assert bench.clock.ms == before_ms + 50

    each(test)


def test_a_payload_above_the_limit_comes_as_none():
    def test(bench):
        transport = connected(bench)
        bench.deliver("a", bytes(MAX_PAYLOAD_BYTES))
        bench.deliver("a", bytes(MAX_PAYLOAD_BYTES + 1))
        assert transport.poll(10) == ("a", bytes(MAX_PAYLOAD_BYTES))
        assert transport.poll(10) == ("a", None)

    each(test)


def test_a_lost_session_is_an_error_until_connect_and_then_works_again():
    def test(bench):
        transport = connected(bench)
        bench.go_down()
        expect_error(transport.poll, 10)
        expect_error(transport.publish, "t", b"x", False)
        expect_error(transport.connect, "will", b"offline")
        transport.close()
        bench.come_back()
        connected(bench)
        bench.deliver("a", b"again")
        assert transport.poll(10) == ("a", b"again")

    each(test)
