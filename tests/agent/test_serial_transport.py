"""The serial transport against the gateway's end of a line: delivery, silence, damage, loss."""

from countersign.carriers import framing, kinds
from countersign.carriers.link import WINDOW, Link
from countersign_agent.transports.serial_transport import (
    MAX_UNACKNOWLEDGED,
    RESPONSE_TIMEOUT_MS,
    SerialTransport,
    session_number,
)
from countersign_agent.transports.transport import TransportError
from support.agent.memory_site import Clock
from support.agent.serial_line import FarSide

DEVICE = b"\xd5" * 32
OTHER = b"\x0f" * 32
EVIDENCE = kinds.EVIDENCE
RESULT = kinds.RESULT


class Line:
    def __init__(self):
        self.clock = Clock()
        self.far = FarSide(self.clock)
        self.transport = SerialTransport(
            self.far.open, self.clock, DEVICE, session_number(DEVICE, 1)
        )

    def connect(self):
        self.transport.connect()
        return self.transport

    def taken(self, kind=kinds.EVIDENCE.frame):
        return [payload for kind_, _, payload in self.far.taken if kind_ == kind]


def expect_lost(line, action, *arguments):
    try:
        action(*arguments)
    except TransportError:
        assert line.far.stream.is_closed
        return
    raise AssertionError("the session goes on")


def test_messages_go_up_and_come_down_as_their_kinds():
    line = Line()
    transport = line.connect()
    transport.send(kinds.ENROL, b"request")
    transport.send(kinds.EVIDENCE, b"evidence")
    transport.ask_beacon()
    assert line.far.taken == [
        (framing.LISTEN, DEVICE, b""),
        (kinds.ENROL.frame, DEVICE, b"request"),
        (kinds.EVIDENCE.frame, DEVICE, b"evidence"),
        (framing.LISTEN, DEVICE, b""),
    ]
    expected = []
    for kind in kinds.ALL:
        if kind.direction != kinds.UP:
            device_id = b"" if kind.direction == kinds.SITE else DEVICE
            line.far.send(kind.frame, device_id, b"a " + kind.name.encode())
            expected.append((kind, b"a " + kind.name.encode()))
    assert [transport.receive(10) for _ in expected] == expected


def test_a_message_is_acknowledged_when_it_is_done_with():
    line = Line()
    transport = line.connect()
    line.far.send(kinds.RESULT.frame, DEVICE, b"one")
    assert transport.receive(10) == (RESULT, b"one")
    assert line.far.link.waiting == 1, "acknowledged before it was dealt with"
    assert transport.receive(10) is None
    assert line.far.link.waiting == 0
    line.far.send(kinds.RESULT.frame, DEVICE, b"two")
    assert transport.receive(10) == (RESULT, b"two")
    transport.close()
    assert line.far.link.waiting == 0


def test_what_is_for_others_on_the_line_is_passed_over_unacknowledged():
    """Behind a hub that passes everything to everybody, the other may not have heard it."""
    line = Line()
    transport = line.connect()
    others = Link(2000, (), 115200, 100)
    for number in range(3):
        others.send(kinds.RESULT.frame, OTHER, b"not ours %d" % number)
    while True:
        data = others.next_frame(0)
        if not data:
            break
        line.far.incoming.append(data)
    line.far.send(kinds.RESULT.frame, DEVICE, b"ours")
    heard = []
    take_in = line.far.hear
    line.far.hear = lambda data: (heard.append(data), take_in(data))
    assert transport.receive(10) == (RESULT, b"ours")
    transport.receive(0)
    assert line.far.link.waiting == 0
    frames = framing.FrameReader().feed(b"".join(heard))
    assert [frame.session for frame in frames if frame.kind == framing.ACK] == [1000]


def test_a_damaged_frame_is_sent_again():
    line = Line()
    transport = line.connect()
    line.far.stream.damage = lambda data: data[: len(data) // 2]
    transport.send(EVIDENCE, b"one")
    line.far.stream.damage = lambda data: b"\xff some noise " + data
    transport.send(EVIDENCE, b"two")
    assert line.taken() == []
    transport.receive(5000)
    assert line.taken() == [b"one", b"two"]
    transport.receive(60000)
    assert line.taken() == [b"one", b"two"]


def test_a_cut_cable_loses_nothing_that_is_kept():
    line = Line()
    transport = line.connect()
    line.far.acknowledges = False
    transport.send(EVIDENCE, b"one")
    line.far.stream.is_cut = True
    try:
        transport.send(EVIDENCE, b"two")
    except TransportError:
        pass
    expect_lost(line, transport.receive, 10)
    # Another gateway, which knows nothing of the first one's session.
    line.far = FarSide(line.clock, 2000)
    transport._open_stream = line.far.open
    transport.connect()
    transport.receive(10)
    assert line.taken() == [b"one", b"two"]


def test_a_line_that_is_opened_anew_goes_on_with_the_session_of_the_boot():
    line = Line()
    frames = []
    take_in = line.far.hear
    reader = framing.FrameReader()
    line.far.hear = lambda data: (frames.extend(reader.feed(data)), take_in(data))
    for number in range(4):
        transport = line.connect()
        line.far.acknowledges = number != 1
        transport.send(EVIDENCE, b"evidence %d" % number)
        transport.close()
    named = {}
    for frame in frames:
        if frame.kind in framing.FROM_DEVICES:
            assert frame.session == session_number(DEVICE, 1)
            said = (frame.kind, frame.payload)
            assert named.setdefault(frame.sequence, said) == said, "two messages of one number"
    assert len(named) == 8, "four times LISTEN and evidence"


def test_what_is_kept_is_bounded_and_the_newest():
    line = Line()
    transport = line.connect()
    line.far.acknowledges = False
    for number in range(20):
        transport.send(EVIDENCE, b"%d" % number)
    line.far = FarSide(line.clock, 2000)
    transport._open_stream = line.far.open
    transport.connect()
    transport.receive(10)
    assert line.taken() == [b"%d" % n for n in range(20 - MAX_UNACKNOWLEDGED, 20)]


def test_nobody_there_is_no_session():
    line = Line()
    line.far.hear = lambda data: None
    expect_lost(line, line.connect)
    assert line.clock.ms >= RESPONSE_TIMEOUT_MS
    line.far.is_there = False
    before_ms = line.clock.ms
    try:
        line.connect()
    except TransportError:
        assert line.clock.ms == before_ms
        return
    raise AssertionError("connected to nothing")


def test_a_line_that_echoes_is_no_session():
    line = Line()
    line.far.hear = lambda data: line.far.incoming.append(data)
    expect_lost(line, line.connect)


def test_a_line_that_falls_silent_is_lost_and_a_quiet_one_is_not():
    line = Line()
    transport = line.connect()
    transport.receive(10 * 60 * 1000)
    line.far.hear = lambda data: None
    before_ms = line.clock.ms
    expect_lost(line, transport.receive, 10 * 60 * 1000)
    assert line.clock.ms - before_ms < 60000
    expect_lost(line, transport.receive, 10)
    expect_lost(line, transport.send, EVIDENCE, b"x")
    expect_lost(line, transport.ask_beacon)


def test_a_gateway_that_does_not_acknowledge_is_lost():
    line = Line()
    transport = line.connect()
    line.far.acknowledges = False
    transport.send(EVIDENCE, b"x")
    expect_lost(line, transport.receive, 10 * RESPONSE_TIMEOUT_MS)


def test_noise_without_end_neither_holds_up_a_poll_nor_keeps_a_dead_line():
    line = Line()
    transport = line.connect()

    def noise():
        line.clock.ms += 5
        return b"\x01\x02\x00\xff" * 128

    line.far.stream.read_some = noise
    start_ms = line.clock.ms
    assert transport.receive(1000) is None
    assert line.clock.ms - start_ms < 1100
    expect_lost(line, transport.receive, 10 * 60 * 1000)


def test_a_flood_of_messages_is_taken_one_at_a_time():
    line = Line()
    transport = line.connect()
    for number in range(50):
        line.far.send(kinds.RESULT.frame, DEVICE, b"%d" % number)
    for number in range(50):
        assert transport.receive(100) == (RESULT, b"%d" % number)
        assert len(transport._link._arrived) <= WINDOW


def test_sessions_differ_between_boots_and_devices():
    numbers = [session_number(device, boot) for device in (DEVICE, OTHER) for boot in range(50)]
    assert len(set(numbers)) == 100
    assert max(numbers) <= framing.SESSION_MAX
