"""Both ends of a line, and what carries frames between them."""

import hashlib

from countersign.carriers import framing, kinds
from countersign.carriers.link import Link

DEVICE = b"\xd5" * 32
DEVICE_KINDS = framing.FROM_DEVICES


class Chance:
    """Repeatable random numbers: `below(n)` is a whole number from 0 to n - 1."""

    def __init__(self, seed):
        self._state = seed

    def below(self, n):
        self._state = hashlib.sha256(self._state).digest()
        return int.from_bytes(self._state[:4], "big") % n


def device(session=1, most_queued=100):
    return Link(session, framing.FROM_GATEWAYS, 115200, most_queued)


def gateway(session=1000):
    return Link(session, DEVICE_KINDS, 115200, 100)


def carry(sender, receiver, now_ms=0):
    """Carry all due frames over a good line. Returns the number of frames."""
    count = 0
    while True:
        data = sender.next_frame(now_ms)
        if not data:
            return count
        count += 1
        receiver.receive(data, now_ms)


def taken(link, settle=True):
    found = []
    while True:
        delivery = link.take()
        if delivery is None:
            return found
        found.append(delivery.payload)
        if settle:
            link.acknowledge(delivery)


def send(link, *payloads):
    for payload in payloads:
        assert link.send(kinds.EVIDENCE.frame, DEVICE, payload)
