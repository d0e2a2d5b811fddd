"""The gateway's end of a line with several devices behind a hub: none waits for another."""

from __future__ import annotations

import random

from countersign.carriers import framing, kinds
from countersign.carriers.link import Link
from countersign_gateway.ingress.serial_lines.line_links import (
    ATTENTION_MS,
    MAX_DEVICES,
    LineLinks,
)

RESULT = kinds.RESULT.frame
BEACON = kinds.BEACON.frame


class Device:
    def __init__(self, number: int) -> None:
        self.device_id = bytes([number]) * 32
        self.link = Link(number, framing.FROM_GATEWAYS, 115200, 4)
        self.is_on = True
        self.heard: list[bytes] = []


class Hub:
    """Passes on to each device what is for it and what is for all, or everything to everybody."""

    def __init__(self, devices: list[Device], to_everybody: bool = False) -> None:
        self.gateway = LineLinks(115200)
        self.devices = devices
        self.to_everybody = to_everybody
        self.now_ms = 0
        self.sent_down = 0
        for one in devices:
            one.link.send(framing.LISTEN, one.device_id, b"")

    def run(self, ms: int) -> None:
        end_ms = self.now_ms + ms
        while self.now_ms < end_ms:
            self.now_ms += 100
            self.turn()

    def turn(self) -> None:
        for one in self.devices:
            while one.is_on and (data := one.link.next_frame(self.now_ms)):
                self.gateway.receive(data, self.now_ms)
        while (delivery := self.gateway.take()) is not None:
            self.gateway.acknowledge(delivery)
        while data := self.gateway.next_frame(self.now_ms):
            self.sent_down += 1
            (frame,) = framing.FrameReader().feed(data)
            for one in self.devices:
                if one.is_on and (self.to_everybody or frame.device_id in (b"", one.device_id)):
                    self.pass_on(one, data)

    def pass_on(self, one: Device, data: bytes) -> None:
        one.link.receive(data, self.now_ms, one.device_id)
        while (delivery := one.link.take()) is not None:
            one.heard.append(delivery.payload)
            one.link.acknowledge(delivery)


def hub_of(count: int, to_everybody: bool = False) -> Hub:
    hub = Hub([Device(number + 1) for number in range(count)], to_everybody)
    hub.run(200)
    return hub


def test_a_device_that_is_off_holds_up_no_other() -> None:
    for to_everybody in (False, True):
        hub = hub_of(2, to_everybody)
        one, off = hub.devices
        off.is_on = False
        for number in range(10):
            assert hub.gateway.send(RESULT, off.device_id, b"to nobody")
            assert hub.gateway.send(RESULT, one.device_id, b"%d" % number)
            hub.run(200)
        assert one.heard == [b"%d" % number for number in range(10)]
        assert hub.gateway.waiting_for(off.device_id) == 10
        off.is_on = True
        off.link.ping()
        hub.run(20_000)
        assert off.heard == [b"to nobody"] * 10
        assert hub.gateway.waiting == 0


def test_a_device_that_starts_anew_hears_at_once_what_waits() -> None:
    hub = hub_of(2)
    one = hub.devices[0]
    one.is_on = False
    hub.gateway.send(RESULT, one.device_id, b"waits")
    hub.run(30_000)
    again = Device(1)
    again.link = Link(99, framing.FROM_GATEWAYS, 115200, 4)
    again.link.send(framing.LISTEN, again.device_id, b"")
    hub.devices[0] = again
    hub.turn()
    assert again.heard == [b"waits"]


def test_a_beacon_is_for_all_and_no_gap_for_anybody() -> None:
    hub = hub_of(3)
    for number in range(5):
        hub.gateway.send_newest(BEACON, b"beacon %d" % number)
        hub.gateway.send(RESULT, hub.devices[number % 3].device_id, b"result %d" % number)
        hub.run(200)
    for place, one in enumerate(hub.devices):
        assert [p for p in one.heard if p[:1] == b"b"] == [b"beacon %d" % n for n in range(5)]
        expected = [b"result %d" % n for n in range(5) if n % 3 == place]
        assert [p for p in one.heard if p[:1] == b"r"] == expected
    assert hub.gateway.waiting == 0


def test_nothing_goes_on_to_a_device_that_says_nothing() -> None:
    hub = hub_of(2)
    one, gone = hub.devices
    gone.is_on = False
    hub.gateway.send(RESULT, gone.device_id, b"to nobody")
    for _ in range(2 * ATTENTION_MS // 10_000):
        one.link.ping()
        hub.run(10_000)
    hub.sent_down = 0
    one.link.ping()
    hub.run(60_000)
    assert hub.sent_down == 1, "more than the answer to the ping"


def test_devices_without_end_take_bounded_room_and_no_message_of_others() -> None:
    hub = hub_of(1)
    one = hub.devices[0]
    one.is_on = False
    hub.gateway.send(RESULT, one.device_id, b"kept")
    for number in range(3 * MAX_DEVICES):
        name = number.to_bytes(32, "big")
        frame = framing.Frame(framing.LISTEN, 1000 + number, 0, 0, name)
        hub.gateway.receive(framing.encode(frame), hub.now_ms)
    assert len(hub.gateway._devices) == MAX_DEVICES
    assert hub.gateway.waiting_for(one.device_id) == 1


def test_a_device_that_gave_way_to_others_hears_its_answer() -> None:
    hub = hub_of(1)
    one = hub.devices[0]
    for number in range(MAX_DEVICES):
        frame = framing.Frame(framing.LISTEN, 1000 + number, 0, 0, number.to_bytes(32, "big"))
        hub.gateway.receive(framing.encode(frame), hub.now_ms)
    assert one.device_id not in hub.gateway._devices
    hub.gateway.send(RESULT, one.device_id, b"answer")
    hub.turn()
    assert one.heard == [b"answer"]


def test_an_echo_is_nobody_s_word() -> None:
    hub = hub_of(1)
    one = hub.devices[0]
    hub.gateway.send(RESULT, one.device_id, b"result")
    data = hub.gateway.next_frame(hub.now_ms)
    heard_ms = hub.gateway.heard_ms
    hub.gateway.receive(data, hub.now_ms + 50_000)
    assert hub.gateway.heard_ms == heard_ms
    assert hub.gateway.waiting == 1


def test_any_frames_leave_it_whole_bounded_and_fair() -> None:
    chance = random.Random(11)
    hub = hub_of(2)
    one = hub.devices[0]
    names = [bytes([number]) * 32 for number in range(3 * MAX_DEVICES)]
    for number in range(4000):
        known = [device.session for device in hub.gateway._devices.values()]
        frame = framing.Frame(
            chance.choice([framing.ACK, framing.PING, framing.PONG, framing.LISTEN, 17, 18, 33]),
            chance.choice([*known, 1, 2, chance.randrange(2**32)]),
            chance.choice([0, 1, 5, framing.SEQUENCE_MAX]),
            chance.choice([0, 3, 255]),
        )
        if frame.kind >= framing.LISTEN:
            frame.device_id = chance.choice(names)
        if frame.kind > framing.LISTEN:
            frame.payload = b"x"
        hub.gateway.receive(framing.encode(frame), hub.now_ms)
        if number % 3 == 0:
            hub.gateway.send(RESULT, chance.choice(names), b"y")
        while (delivery := hub.gateway.take()) is not None:
            hub.gateway.acknowledge(delivery)
        hub.gateway.next_frame(hub.now_ms)
        hub.now_ms += 7
        assert len(hub.gateway._devices) <= MAX_DEVICES
    heard = len(one.heard)
    one.link.send(framing.LISTEN, one.device_id, b"")
    hub.run(20_000)
    hub.gateway.send(RESULT, one.device_id, b"after all that")
    hub.run(60_000)
    assert b"after all that" in one.heard[heard:]
