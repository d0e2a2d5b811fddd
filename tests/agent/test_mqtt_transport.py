"""The transport over a broker: a topic for each kind of message, retained presence, a last will."""

from countersign import accounts
from countersign.carriers import kinds, topics
from countersign_agent.transports.mqtt_client import MqttClient
from countersign_agent.transports.mqtt_codec import (
    DISCONNECT_PACKET,
    connect_packet,
    publish_packet,
    subscribe_packet,
)
from countersign_agent.transports.mqtt_transport import MqttTransport
from countersign_agent.transports.transport import NotOurs
from support.agent.fake_stream import CONNACK_NEW, FakeStream, publish
from support.agent.memory_site import SITE, Clock

DEVICE = b"\xd5" * 32
PRESENCE = topics.presence(SITE, DEVICE)
BEACON = topics.beacon(SITE)


def connected(*incoming):
    """(transport, stream) of a session with a broker that sends `incoming`."""
    clock = Clock()
    stream = FakeStream(clock, (CONNACK_NEW,) + incoming)
    client = MqttClient(lambda timeout_ms: stream, clock, "cs-1")
    transport = MqttTransport(client, SITE, accounts.username(DEVICE))
    transport.connect()
    return transport, stream


def test_birth_last_will_and_goodbye_are_retained():
    transport, stream = connected()
    assert stream.sent == (
        connect_packet("cs-1", 30, (PRESENCE, b"offline"), None, None)
        + subscribe_packet(1, [BEACON, topics.downlink_filter(SITE, DEVICE)])
        + publish_packet(PRESENCE, b"online", 2, True, False)
    )
    stream.sent = b""
    transport.leave()
    transport.close()
    assert stream.sent == publish_packet(PRESENCE, b"offline", 3, True, False) + DISCONNECT_PACKET


def test_each_kind_has_its_topic():
    transport, stream = connected()
    stream.sent = b""
    transport.send(kinds.ENROL, b"request")
    transport.send(kinds.EVIDENCE, b"evidence")
    assert stream.sent == (
        publish_packet(topics.uplink(SITE, DEVICE, "enrol"), b"request", 3, False, False)
        + publish_packet(topics.uplink(SITE, DEVICE, "evidence"), b"evidence", 4, False, False)
    )
    expected = []
    for kind in kinds.ALL:
        if kind.direction != kinds.UP:
            stream.incoming.append(publish(topics.of(SITE, DEVICE, kind), kind.name.encode()))
            expected.append((kind, kind.name.encode()))
    assert [transport.receive(10) for _ in expected] == expected


def test_every_kind_for_the_site_is_subscribed():
    """A kind of the 4x family that comes later must not be lost."""
    before = kinds.ALL
    notice = kinds.Kind("notice", 200, kinds.SITE)
    kinds.ALL = before + (notice,)
    try:
        transport, stream = connected()
    finally:
        kinds.ALL = before
    filters = [BEACON, topics.of(SITE, DEVICE, notice), topics.downlink_filter(SITE, DEVICE)]
    assert subscribe_packet(1, filters) in stream.sent
    stream.incoming.append(publish(topics.of(SITE, DEVICE, notice), b"all"))
    assert transport.receive(10) == (notice, b"all")


def test_asking_for_the_beacon_subscribes_to_it_again():
    transport, stream = connected()
    stream.sent = b""
    transport.ask_beacon()
    assert stream.sent == subscribe_packet(3, [BEACON])


def test_a_topic_that_is_none_of_ours_is_named_and_the_session_goes_on():
    others = (
        ("a", "a"),
        ("a/b", "a/b"),
        (topics.beacon("other-site"), "gateway/beacon"),
        (topics.downlink(SITE, b"\x01" * 32, "result"), "down/result"),
        (topics.uplink(SITE, DEVICE, "evidence"), "up/evidence"),
        (topics.downlink(SITE, DEVICE, "nothing"), "down/nothing"),
        ("x/" + "y" * 100, "y" * 32),
    )
    for topic, named in others:
        transport, _ = connected(
            publish(topic, b"x"), publish(topics.downlink(SITE, DEVICE, "result"), b"ours")
        )
        try:
            transport.receive(10)
        except NotOurs as foreign:
            assert str(foreign) == named, topic
        else:
            raise AssertionError("took " + topic)
        assert transport.receive(10) == (kinds.RESULT, b"ours")


def test_an_account_that_others_share_shows_no_presence_and_keeps_no_session():
    clock = Clock()
    stream = FakeStream(clock, (CONNACK_NEW,))
    client = MqttClient(lambda timeout_ms: stream, clock, "lobby-21", 30, "lobby-21", "secret")
    transport = MqttTransport(client, SITE, "lobby-21", True)
    transport.connect()
    transport.leave()
    assert stream.sent == (
        connect_packet("lobby-21", 30, None, "lobby-21", "secret")
        + subscribe_packet(1, [BEACON, topics.of_account(SITE, "lobby-21", "down/+")])
    )
    stream.sent = b""
    transport.send(kinds.ENROL, b"request")
    topic = "countersign/v1/" + SITE + "/lobby-21/up/enrol"
    assert stream.sent == publish_packet(topic, b"request", 2, False, False)
