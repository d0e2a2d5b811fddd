"""Delivery over a bad line: no acknowledged message is lost, none comes twice or out of order."""

from countersign.carriers import framing, kinds
from countersign.carriers.link import RESEND_MOST_MS, WINDOW, Link
from support.protocol.link_ends import (
    DEVICE,
    DEVICE_KINDS,
    Chance,
    carry,
    device,
    gateway,
    send,
    taken,
)


def test_messages_come_in_order_and_are_forgotten_when_acknowledged():
    a, b = device(), gateway()
    send(a, b"one", b"two", b"three")
    assert carry(a, b) == 3
    assert taken(b) == [b"one", b"two", b"three"]
    assert a.waiting == 3
    assert carry(b, a) == 3
    assert a.waiting == 0
    assert carry(a, b, 10**9) == 0


def test_nothing_is_acknowledged_before_its_user_says_so():
    a, b = device(), gateway()
    send(a, b"one")
    carry(a, b)
    delivery = b.take()
    assert carry(b, a) == 0
    # If the message comes again meanwhile, it is neither handed on nor acknowledged.
    assert carry(a, b, 10**6) == 1
    assert b.take() is None and carry(b, a) == 0
    b.acknowledge(delivery)
    b.acknowledge(delivery)
    assert carry(b, a) == 1
    assert a.waiting == 0


def test_a_lost_acknowledgement_is_given_again():
    a, b = device(), gateway()
    send(a, b"one")
    carry(a, b)
    assert taken(b) == [b"one"]
    assert b.next_frame(0)  # and the line loses it
    assert carry(a, b, 10**6) == 1
    assert b.take() is None
    carry(b, a)
    assert a.waiting == 0


def test_duplicates_on_the_line_are_handed_on_once():
    a, b = device(), gateway()
    send(a, b"one")
    data = a.next_frame(0)
    for _ in range(50):
        b.receive(data, 0)
    assert taken(b) == [b"one"]
    for _ in range(50):
        b.receive(data, 0)
    assert taken(b) == []


def test_the_window_is_the_most_that_is_in_flight():
    a, b = device(), gateway()
    send(a, *[b"%d" % n for n in range(20)])
    assert carry(a, b) == WINDOW
    assert taken(b) == [b"%d" % n for n in range(WINDOW)]
    carry(b, a)
    assert carry(a, b) == WINDOW


def test_a_gap_is_filled_in_order():
    a, b = device(), gateway()
    send(a, b"one", b"two", b"three")
    frames = [a.next_frame(0) for _ in range(3)]
    b.receive(frames[0], 0)
    b.receive(frames[2], 0)
    assert taken(b) == [b"one"]
    carry(b, a)
    assert carry(a, b, 10**6) == 2
    assert taken(b) == [b"two", b"three"]


def test_a_receiver_that_was_restarted_loses_nothing_and_skips_nothing():
    a, b = device(), gateway()
    send(a, b"one", b"two", b"three", b"four")
    carry(a, b)
    one = b.take()
    b.acknowledge(one)
    carry(b, a)  # one is acknowledged; the others were only delivered, and are lost now
    b = gateway(1001)
    frames = [a.next_frame(10**6) for _ in range(3)]
    # The later messages come first, and the receiver must not take them for the beginning.
    b.receive(frames[2], 0)
    b.receive(frames[1], 0)
    assert taken(b) == []
    b.receive(frames[0], 0)
    assert taken(b) == [b"two"]
    carry(a, b, 10**7)
    assert taken(b) == [b"three", b"four"]


def test_a_sender_that_was_restarted_is_heard_from_its_beginning():
    a, b = device(1), gateway()
    send(a, b"one", b"two")
    carry(a, b)
    assert taken(b) == [b"one", b"two"]
    a = device(2)
    send(a, b"new")
    carry(a, b)
    assert taken(b) == [b"new"]


def test_what_the_sender_gave_up_is_not_waited_for():
    a, b = device(), gateway()
    send(a, b"zero")
    carry(a, b)
    taken(b)
    carry(b, a)
    send(a, b"one", b"two")
    a.next_frame(0)  # the line loses this one
    a.displace()
    assert carry(a, b) == 1
    assert taken(b) == [b"two"]
    a.displace()
    a.displace()  # with no message left this does nothing


def test_new_sessions_do_not_raise_how_much_is_in_work():
    b = gateway()
    for session in range(1, 30):
        a = device(session)
        send(a, b"x")
        carry(a, b)
    assert len(taken(b, settle=False)) == WINDOW


def test_the_queue_is_bounded_and_the_newest_of_a_kind_replaces_what_waits():
    a = Link(1, DEVICE_KINDS, 115200, 3)
    assert [a.send(kinds.RESULT.frame, DEVICE, b"%d" % n) for n in range(4)] == [True] * 3 + [False]
    for number in range(100):
        a.send_newest(kinds.BEACON.frame, b"beacon %d" % number)
    assert a.waiting == 4
    b = device()
    carry(a, b)
    assert taken(b) == [b"0", b"1", b"2", b"beacon 99"]


def test_resending_slows_down_and_never_stops():
    a = device()
    send(a, b"one")
    times = []
    for now_ms in range(0, 60000, 50):
        while a.next_frame(now_ms):
            times.append(now_ms)
    gaps = [times[n + 1] - times[n] for n in range(len(times) - 1)]
    assert gaps == sorted(gaps) and gaps[0] >= 1500
    assert RESEND_MOST_MS <= gaps[-1] <= RESEND_MOST_MS + 200
    assert a.unanswered_ms(60000) == 60000
    a.reconnected(60000)
    assert a.unanswered_ms(60001) == 0
    assert a.due_ms(60001, 500) == 0
    assert a.next_frame(60001)
    assert 0 < a.due_ms(60001, 500) <= 500


def test_a_ping_is_answered_by_the_other_side_only():
    a, b = device(), gateway()
    number = a.ping()
    data = a.next_frame(0)
    a.receive(data, 0)  # a line that echoes
    assert a.next_frame(0) == b"" and a.ponged is None and a.heard_ms is None
    b.receive(data, 3)
    assert b.heard_ms == 3
    carry(b, a, 5)
    assert a.ponged == number and a.heard_ms == 5


def test_what_went_into_the_void_goes_again_when_somebody_comes():
    a = gateway()
    assert a.send(kinds.RESULT.frame, DEVICE, b"one")
    for now_ms in range(0, 60000, 100):
        a.next_frame(now_ms)
    assert a.next_frame(60000) == b""
    b = device()
    b.ping()
    assert carry(b, a, 60000) == 1
    carry(a, b, 60000)
    assert taken(b) == [b"one"]


def test_only_the_newest_of_a_kind_waits_for_somebody_to_come():
    a = gateway()
    for number in range(10):
        a.send_newest(kinds.BEACON.frame, b"%d" % number)
        a.next_frame(number * 20000)
    assert a.waiting == 1
    b = device()
    carry(a, b, 10**7)
    assert taken(b) == [b"9"]
    carry(b, a)
    assert a.waiting == 0


def test_an_echo_is_not_taken_for_the_other_side():
    a = device()
    send(a, b"one")
    a.receive(a.next_frame(0), 0)
    assert a.take() is None and a.waiting == 1 and a.heard_ms is None


def test_a_flood_of_requests_is_answered_within_bounds():
    b = gateway()
    for number in range(500):
        b.receive(framing.encode(framing.Frame(framing.PING, 1, number)), 0)
    answers = 0
    while b.next_frame(0):
        answers += 1
    assert 0 < answers <= 16


class BadLine:
    """Carries bytes one way. It loses, flips, invents and cuts bytes at random."""

    def __init__(self, chance):
        self._chance = chance
        self.buffer = b""

    def carry(self, data):
        chance = self._chance
        fate = chance.below(10)
        if fate == 0:
            data = data[: chance.below(len(data))]
        elif fate == 1:
            changed = bytearray(data)
            changed[chance.below(len(data))] ^= 1 << chance.below(8)
            data = bytes(changed)
        elif fate == 2:
            data = bytes([chance.below(256) for _ in range(20)]) + data
        elif fate == 3:
            data = data + data
        elif fate == 4:
            data = b""
        self.buffer += data

    def deliver(self):
        size = min(len(self.buffer), 1 + self._chance.below(200))
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data


def test_a_bad_line_and_restarts_lose_nothing_acknowledged_and_repeat_nothing_in_one_life():
    for seed in (b"one", b"two", b"three"):
        run_bad_line(Chance(seed))


def run_bad_line(chance):
    a, b = device(), gateway()
    up, down = BadLine(chance), BadLine(chance)
    sent, durable = 0, []
    lives = 1
    this_life = []
    now_ms = 0
    while len(set(durable)) < 40:
        now_ms += 400
        assert now_ms < 40000000, "no progress"
        if sent < 40 and a.waiting < WINDOW:
            send(a, b"%03d" % sent)
            sent += 1
        for link, line in ((a, up), (b, down)):
            data = link.next_frame(now_ms)
            if data:
                line.carry(data)
        a.receive(down.deliver(), now_ms)
        b.receive(up.deliver(), now_ms)
        delivery = b.take()
        if delivery is not None and chance.below(30) == 0:
            # The gateway fails before it has dealt with the message.
            lives += 1
            b, this_life = gateway(1000 + lives), []
            continue
        if delivery is not None:
            assert delivery.payload not in this_life, "handed on twice"
            this_life.append(delivery.payload)
            durable.append(delivery.payload)
            b.acknowledge(delivery)
        if chance.below(25) == 0:
            # The cable is pulled, and the bytes under way are lost.
            up.buffer = up.buffer[: chance.below(30)]
            down.buffer = b""
            a.reconnected(now_ms)
            b.reconnected(now_ms)
    firsts = []
    for payload in durable:
        if payload not in firsts:
            firsts.append(payload)
    assert firsts == [b"%03d" % number for number in range(40)]
