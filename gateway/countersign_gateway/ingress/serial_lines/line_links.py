"""The gateway's end of one line: a session for each device on it, and one for the beacons.

A line may lead to a hub with several devices. Each hears only its own messages, so what is numbered
in one session must be for one device: otherwise the messages to others would be gaps that a device
waits for, and a device that is off would hold up all. Beacons are for all, in a session of their
own: one device's acknowledgement is enough, since the next beacon makes up for a lost one.

It has no thread, clock or I/O, as Link has none.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Any

from countersign.carriers import framing
from countersign.carriers.link import WINDOW, Delivery, Link

MAX_DEVICES = 64  # with room for messages; one more takes the place of the one unheard for longest
MAX_STRANDS = 64  # each device has a session of its own
MAX_IN_WORK = 4 * WINDOW  # messages of one line in the intake
MAX_QUEUED_OUT = 2048
# A device keeps this share of the queue when others fill it.
SHARE_QUEUED_OUT = MAX_QUEUED_OUT // MAX_DEVICES
# A message that is too large, up to this size, is acknowledged and refused. If it were noise, its
# sender would send it for ever and nothing after it.
MAX_TAKEN_BYTES = 16384
# Nothing is sent to a device that has said nothing for this time: see PROTOCOL.md, section 11.
ATTENTION_MS = 60_000


class _Device:
    """What goes to one device. `its_session`: in which it spoke last."""

    def __init__(self, session: int, bits_per_s: int) -> None:
        self.session = session
        self.link = Link(session, (), bits_per_s, MAX_QUEUED_OUT)
        self.its_session: int | None = None
        self.heard_ms: int | None = None


class LineLinks:
    """Used under a lock of the caller's."""

    def __init__(self, bits_per_s: int) -> None:
        self._bits_per_s = bits_per_s
        self._reader = framing.FrameReader(MAX_TAKEN_BYTES)
        # It takes in what all devices send, and sends the beacons.
        self._site = Link(
            secrets.randbits(32),
            framing.FROM_DEVICES,
            bits_per_s,
            MAX_QUEUED_OUT,
            MAX_STRANDS,
            MAX_IN_WORK,
        )
        self._devices: OrderedDict[bytes, _Device] = OrderedDict()  # heard longest ago first
        self.heard_ms: int | None = None  # when the last whole frame of a device came

    @property
    def damaged(self) -> int:
        return int(self._reader.damaged)

    @property
    def waiting(self) -> int:
        return int(self._site.waiting) + self._waiting_for_devices()

    def waiting_for(self, device_id: bytes) -> int:
        device = self._devices.get(device_id)
        return 0 if device is None else int(device.link.waiting)

    def reconnected(self, now_ms: int) -> None:
        self._reader.forget()
        for link in self._links():
            link.reconnected(now_ms)

    def send(self, kind: int, device_id: bytes, payload: bytes) -> bool:
        """Keep a message until its device has acknowledged it; False if there is no room."""
        full = self._waiting_for_devices() >= MAX_QUEUED_OUT + WINDOW
        if full and self.waiting_for(device_id) >= SHARE_QUEUED_OUT:
            return False
        device = self._device(device_id)
        if device.heard_ms is None:
            # It gave way to others since its message came, which is what this answers.
            device.heard_ms = self.heard_ms
        return bool(device.link.send(kind, device_id, payload))

    def send_newest(self, kind: int, payload: bytes) -> None:
        self._site.send_newest(kind, payload)

    def receive(self, data: bytes, now_ms: int) -> None:
        for frame in self._reader.feed(data):
            self._hear(frame, now_ms)

    def take(self) -> Delivery | None:
        return self._site.take()

    def acknowledge(self, delivery: Delivery) -> None:
        self._site.acknowledge(delivery)

    def next_frame(self, now_ms: int) -> bytes:
        data: bytes = self._site.next_frame(now_ms)
        if data:
            return data
        for device in self._attentive(now_ms):
            data = device.link.next_frame(now_ms)
            if data:
                return data
        return b""

    def due_ms(self, now_ms: int, most_ms: int) -> int:
        most_ms = self._site.due_ms(now_ms, most_ms)
        for device in self._attentive(now_ms):
            most_ms = device.link.due_ms(now_ms, most_ms)
        return most_ms

    def _hear(self, frame: framing.Frame, now_ms: int) -> None:
        own = [one for one in self._devices.values() if one.session == frame.session]
        if own:  # it answers what this side sent, or is an echo
            if frame.kind in (framing.ACK, framing.PONG):
                self._heard(own, now_ms)
                own[0].link.hear(frame, now_ms)
            if frame.kind not in framing.FROM_DEVICES:
                return
        if frame.kind in framing.FROM_DEVICES:
            self._device(frame.device_id).its_session = frame.session
            self._devices.move_to_end(frame.device_id)
        self._site.hear(frame, now_ms)
        heard_ms: Any = self._site.heard_ms
        if heard_ms is not None:
            self.heard_ms = max(self.heard_ms or 0, heard_ms)
        if frame.kind == framing.PING or frame.kind in framing.FROM_DEVICES:
            speaking = [one for one in self._devices.values() if one.its_session == frame.session]
            self._heard(speaking, now_ms)
            if frame.kind in (framing.PING, framing.LISTEN):
                for one in speaking:
                    one.link.hurry(now_ms)

    def _heard(self, devices: list[_Device], now_ms: int) -> None:
        if devices:
            self.heard_ms = now_ms
        for device in devices:
            device.heard_ms = now_ms

    def _attentive(self, now_ms: int) -> list[_Device]:
        since_ms = now_ms - ATTENTION_MS
        return [
            one
            for one in self._devices.values()
            if one.heard_ms is not None and one.heard_ms >= since_ms
        ]

    def _waiting_for_devices(self) -> int:
        return sum(one.link.waiting for one in self._devices.values())

    def _links(self) -> list[Link]:
        return [self._site, *(one.link for one in self._devices.values())]

    def _device(self, device_id: bytes) -> _Device:
        device = self._devices.get(device_id)
        if device is None:
            if len(self._devices) >= MAX_DEVICES:
                unheard = [name for name, one in self._devices.items() if not one.link.waiting]
                del self._devices[(unheard or list(self._devices))[0]]
            device = self._devices[device_id] = _Device(secrets.randbits(32), self._bits_per_s)
        return device
