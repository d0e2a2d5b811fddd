"""The MQTT client against a scripted broker: order, repetition, time, and bad bytes."""

from countersign_agent.transports.mqtt_client import (
    MAX_UNACKNOWLEDGED,
    RESPONSE_TIMEOUT_MS,
    MqttClient,
)
from countersign_agent.transports.mqtt_codec import puback_packet, publish_packet, subscribe_packet
from countersign_agent.transports.transport import TransportError
from support.agent.fake_stream import CONNACK_KEPT, CONNACK_NEW, FakeStream, publish
from support.agent.memory_site import Clock

KEEP_ALIVE_S = 30


class Line:
    """A client whose connections are the streams of `plan`, in order."""

    def __init__(self, *plan):
        self.clock = Clock()
        self.streams = [FakeStream(self.clock, incoming) for incoming in plan]
        self.used = 0
        self.client = MqttClient(self.open, self.clock, "cs-1", KEEP_ALIVE_S)

    def open(self, timeout_ms):
        if self.used == len(self.streams):
            raise TransportError("cannot connect: refused")
        self.used += 1
        return self.stream

    @property
    def stream(self):
        return self.streams[self.used - 1]

    def connect(self):
        self.client.connect(("p", b"offline"))
        self.stream.sent = b""
        return self.client


def expect_lost(line, action, *arguments):
    try:
        action(*arguments)
    except TransportError:
        assert line.stream.is_closed
        return
    raise AssertionError("the session goes on")


def test_delivers_and_acknowledges_when_the_message_is_done_with():
    line = Line([CONNACK_NEW, publish("a", b"one", 5), publish("b", b"two")])
    client = line.connect()
    assert client.poll(10) == ("a", b"one")
    assert line.stream.sent == b"", "acknowledged before it was dealt with"
    assert client.poll(10) == ("b", b"two")
    assert line.stream.sent == puback_packet(5)
    assert client.poll(10) is None
    assert line.clock.ms == 10
    assert line.stream.sent == puback_packet(5)


def test_an_oversized_message_is_dropped_and_acknowledged():
    line = Line([CONNACK_NEW, publish("a", bytes(9000), 5), publish("b", b"next")])
    client = line.connect()
    assert client.poll(10) == ("a", None)
    assert client.poll(10) == ("b", b"next")
    assert line.stream.sent == puback_packet(5)


def test_unacknowledged_messages_are_sent_again_as_duplicates_in_a_kept_session():
    line = Line([CONNACK_NEW, puback_packet(1), None], [CONNACK_KEPT])
    client = line.connect()
    client.publish("t", b"one")
    client.publish("t", b"two")
    expect_lost(line, client.poll, 10)
    client.connect(("p", b"offline"))
    assert line.stream.sent.endswith(publish_packet("t", b"two", 2, False, True))
    assert b"one" not in line.stream.sent


def test_unacknowledged_messages_are_new_ones_if_the_broker_forgot_the_session():
    line = Line([CONNACK_NEW, None], [CONNACK_NEW])
    client = line.connect()
    client.publish("t", b"one")
    expect_lost(line, client.poll, 10)
    client.connect(("p", b"offline"))
    assert line.stream.sent.endswith(publish_packet("t", b"one", 2, False, False))


def test_what_is_kept_for_sending_again_is_bounded_and_the_newest():
    plan = [[CONNACK_NEW, None] for _ in range(20)]
    line = Line(*(plan + [[CONNACK_KEPT]]))
    for number in range(20):
        line.client.connect(("p", b"offline"))
        line.client.publish("t", b"message %02d" % number)
        expect_lost(line, line.client.poll, 10)
    line.client.connect(("p", b"offline"))
    for number in range(20):
        kept = number >= 20 - MAX_UNACKNOWLEDGED
        assert (b"message %02d" % number in line.stream.sent) == kept


def test_the_keep_alive_pings_and_a_silent_broker_is_lost():
    line = Line([CONNACK_NEW])
    client = line.connect()
    client.poll(KEEP_ALIVE_S * 500 + 1)
    assert line.stream.sent == b"\xc0\x00"
    line.stream.incoming = [b"\xd0\x00"]
    client.poll(RESPONSE_TIMEOUT_MS)
    expect_lost(line, client.poll, 10 * KEEP_ALIVE_S * 1000)
    assert line.clock.ms < 60000
    expect_lost(line, client.poll, 10)
    expect_lost(line, client.publish, "t", b"x")
    expect_lost(line, client.subscribe, ["t"])


def test_a_broker_that_does_not_acknowledge_is_lost():
    line = Line([CONNACK_NEW])
    client = line.connect()
    client.publish("t", b"x")
    expect_lost(line, client.poll, 2 * RESPONSE_TIMEOUT_MS)


def test_a_subscription_must_be_granted():
    good = b"\x90\x04\x00\x01\x01\x01"
    line = Line([CONNACK_NEW, publish("a", b"retained"), good])
    client = line.connect()
    client.subscribe(["a", "b"])
    assert line.stream.sent == subscribe_packet(1, ["a", "b"])
    assert client.poll(10) == ("a", b"retained")
    assert client.poll(10) is None
    for answer in (
        b"\x90\x04\x00\x01\x01\x80",  # refused
        b"\x90\x03\x00\x01\x01",  # one of two
        b"\x90\x04\x00\x02\x01\x01",  # for another SUBSCRIBE
    ):
        line = Line([CONNACK_NEW, answer])
        client = line.connect()
        client.subscribe(["a", "b"])
        expect_lost(line, client.poll, 10)
    line = Line([CONNACK_NEW])
    client = line.connect()
    client.subscribe(["a", "b"])
    expect_lost(line, client.poll, 2 * RESPONSE_TIMEOUT_MS)
    line = Line([CONNACK_NEW, good])
    client = line.connect()
    expect_lost(line, client.poll, 10)  # never asked for


def test_a_broker_that_refuses_or_does_not_answer_gives_no_session():
    for plan in (
        [b"\x20\x02\x00\x05"],
        [b"\x20\x02\x02\x00"],
        [b"\x20\x00"],
        [b"\xd0\x00"],
        [publish("a", b"before CONNACK")],
        [b"HTTP/1.1 400 Bad Request\r\n"],
        [b"\xff" * 64],
        [None],
        [],
    ):
        line = Line(plan)
        expect_lost(line, line.client.connect, ("p", b"offline"))
        assert line.clock.ms <= RESPONSE_TIMEOUT_MS


def test_garbage_in_a_session_ends_it():
    for garbage in (b"\xff\xff", b"\x34\x05\x00\x01a\x00\x01", b"\x20\x02\x00\x00", b"\x30\x00"):
        line = Line([CONNACK_NEW, garbage])
        client = line.connect()
        expect_lost(line, client.poll, 10)


def test_packets_in_single_bytes_and_a_cut_in_the_middle():
    data = publish("a", b"payload", 3)
    line = Line([CONNACK_NEW] + [data[i : i + 1] for i in range(len(data))])
    assert line.connect().poll(100) == ("a", b"payload")
    for cut in range(1, len(data)):
        line = Line([CONNACK_NEW, data[:cut], None])
        client = line.connect()
        expect_lost(line, client.poll, 100)


def test_a_broker_that_only_pings_does_not_hold_a_poll():
    line = Line([CONNACK_NEW] + [b"\xd0\x00"] * 50)
    client = line.connect()
    line.stream.read_some = slow(line.stream.read_some, line.clock)
    assert client.poll(10) is None
    assert line.clock.ms <= 12


def slow(read_some, clock):
    def read():
        clock.ms += 1
        return read_some()

    return read


def test_a_broker_that_takes_no_data_is_lost():
    line = Line([CONNACK_NEW])
    client = line.connect()
    line.stream.refuses_data = True
    expect_lost(line, client.publish, "t", b"x")
    client.close()


def test_close_says_goodbye_once():
    line = Line([CONNACK_NEW])
    client = line.connect()
    client.close()
    assert line.stream.sent == b"\xe0\x00"
    assert line.stream.is_closed
    client.close()


def test_identifiers_wrap_and_skip_those_in_use():
    line = Line([CONNACK_NEW])
    client = line.connect()
    client.publish("t", b"first")
    client._packet_id = 0xFFFF
    client.publish("t", b"second")
    assert line.stream.sent.endswith(publish_packet("t", b"second", 2, False, False))
