"""What others on a line may send: forged frames, other senders, messages that are too long."""

import binascii

from countersign.carriers import framing, kinds
from countersign.carriers.link import WINDOW, Link
from countersign.suites import MAX_MESSAGE_BYTES
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


def forged(session, sequence, behind=0, payload=b"forged"):
    frame = framing.Frame(kinds.EVIDENCE.frame, session, sequence, behind, DEVICE, payload)
    return framing.encode(frame)


def test_a_forged_frame_far_ahead_swallows_nothing_that_comes_next():
    for sequence in (framing.SEQUENCE_MAX, 1000, 30, 8, 6):
        for behind in (0, 1, 3, 255):
            a, b = device(), gateway()
            send(a, b"one", b"two")
            carry(a, b)
            assert taken(b) == [b"one", b"two"]
            carry(b, a)
            b.receive(forged(1, sequence, behind), 0)
            told = taken(b)
            assert told in ([], [b"forged"])
            b.next_frame(0)
            payloads = [b"%d" % number for number in range(60)]
            send(a, *payloads)
            heard = []
            for round in range(100):
                carry(a, b, round * 10**6)
                heard += taken(b)
                carry(b, a)
            lost = [payload for payload in payloads if payload not in heard]
            # It takes the place of the one message whose number it bears, and of no other.
            assert len(lost) <= 1, (sequence, behind, lost)
            assert [payload for payload in heard if payload in payloads] == [
                payload for payload in payloads if payload in heard
            ]
            assert a.waiting == 0


def test_forged_frames_at_every_place_at_once_stop_nobody():
    a, b = device(), gateway()
    heard, payloads = [], [b"%d" % number for number in range(40)]
    for number, payload in enumerate(payloads):
        for ahead in (1, 2, 5, 50, 500):
            b.receive(forged(1, number + ahead, ahead % 4), 0)
            b.receive(forged(77 + number, number), 0)
        send(a, payload)
        for round in range(4):
            carry(a, b, (number * 4 + round) * 10**6)
            heard += taken(b)
            carry(b, a)
    assert a.waiting == 0
    assert len([payload for payload in payloads if payload in heard]) >= len(payloads) // 4


def test_several_senders_on_one_line_each_keep_their_order():
    """A hub passes on the frames of its devices as they come, and the line loses some."""
    chance = Chance(b"hub")
    hub = [device(session) for session in range(1, 13)]
    b = Link(1000, DEVICE_KINDS, 115200, 100, 64, 16)
    heard = {session: [] for session in range(1, 13)}
    sent = 0
    now_ms = 0
    while now_ms < 10**7 and (sent < 30 or any([one.waiting for one in hub])):
        now_ms += 500
        if sent < 30:
            for one in hub:
                send(one, b"%d" % sent)
            sent += 1
        lanes = []
        for one in hub:
            lane = []
            data = one.next_frame(now_ms)
            while data:
                if chance.below(5):
                    lane.append(data)
                data = one.next_frame(now_ms)
            lanes.append(lane)
        # The uplink takes turns between the devices, frame by frame.
        frames = [lane[turn] for turn in range(WINDOW) for lane in lanes if turn < len(lane)]
        for data in frames:
            b.receive(data, now_ms)
            while True:
                delivery = b.take()
                if delivery is None:
                    break
                heard[delivery.session].append(delivery.payload)
                b.acknowledge(delivery)
        while True:
            data = b.next_frame(now_ms)
            if not data:
                break
            if chance.below(5):
                for one in hub:
                    one.receive(data, now_ms)
    wanted = [b"%d" % number for number in range(30)]
    for session in heard:
        assert heard[session] == wanted, session


def test_more_senders_than_a_receiver_knows_lose_nothing():
    hub = [device(session) for session in range(1, 30)]
    b = Link(1000, DEVICE_KINDS, 115200, 100, 4, 8)
    heard = {session: [] for session in range(1, 30)}
    for number in range(6):
        for one in hub:
            send(one, b"%d" % number)
    for round in range(40):
        for one in hub:
            data = one.next_frame(round * 10**6)
            while data:
                b.receive(data, 0)
                while True:
                    delivery = b.take()
                    if delivery is None:
                        break
                    heard[delivery.session].append(delivery.payload)
                    b.acknowledge(delivery)
                carry(b, one)
                data = one.next_frame(round * 10**6)
    for session in heard:
        firsts = []
        for payload in heard[session]:
            if payload not in firsts:
                firsts.append(payload)
        assert firsts == [b"%d" % number for number in range(6)], session
    assert not any([one.waiting for one in hub])


def test_what_no_frame_carries_is_refused_before_it_blocks_the_line():
    a, b = device(), gateway()
    for kind, device_id, payload in (
        (kinds.EVIDENCE.frame, DEVICE, bytes(MAX_MESSAGE_BYTES + 1)),
        (kinds.EVIDENCE.frame, DEVICE, b""),
        (kinds.EVIDENCE.frame, b"short", b"x"),
        (99, DEVICE, b"x"),
    ):
        try:
            a.send(kind, device_id, payload)
            raise AssertionError("it was taken")
        except ValueError:
            pass
    send(a, b"one")
    assert carry(a, b) == 1 and taken(b) == [b"one"]


def test_a_receiver_that_takes_longer_messages_can_refuse_them():
    b = Link(1000, DEVICE_KINDS, 115200, 100, 4, 4, 5000)
    b.receive(overlong(1, 0, bytes(5000)), 0)
    assert [len(payload) for payload in taken(b)] == [5000]
    assert framing.FrameReader().feed(b.next_frame(0))[0].kind == framing.ACK
    b.receive(overlong(1, 1, bytes(5001)), 0)
    assert taken(b) == [] and b.damaged == 1
    b = gateway()
    b.receive(overlong(1, 0, bytes(MAX_MESSAGE_BYTES + 1)), 0)
    assert taken(b) == [] and b.damaged == 1


def overlong(session, sequence, payload):
    """A frame as a sender makes it that knows no limit."""
    content = bytes([kinds.EVIDENCE.frame]) + session.to_bytes(4, "big")
    content += sequence.to_bytes(6, "big") + b"\x00" + DEVICE + payload
    content += binascii.crc32(content).to_bytes(4, "big")
    return b"\x00" + framing._stuff(content) + b"\x00"
