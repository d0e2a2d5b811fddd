"""A line's bytes into one side of a link: no input makes it fail, grow, or hand on twice."""

from __future__ import annotations

import random

from countersign.carriers import framing
from countersign.carriers.link import WINDOW, Link
from countersign_workshop.fuzzing import mutation
from countersign_workshop.fuzzing.target import Broken, corpus
from countersign_workshop.fuzzing.targets.frames import framed

SESSION = 7
MOST_QUEUED = 8
MOST_STRANDS = 4


class LinkSide:
    name = "link"

    def __init__(self) -> None:
        self._seeds = corpus("frames")
        self._messages = corpus("messages")

    def make(self, rng: random.Random) -> bytes:
        pieces = []
        for _ in range(rng.randrange(1, 9)):
            kind = rng.randrange(3)
            if kind == 0:
                pieces.append(mutation.mutated(rng, rng.choice(self._seeds)))
            elif kind == 1:
                pieces.append(framed(rng, self._messages))
            else:
                frame = framing.Frame(
                    rng.choice((framing.ACK, framing.PING, framing.PONG)),
                    rng.choice((SESSION, 1)),
                    rng.choice((0, 1, 2, 3, 4, 2**48 - 1)),
                )
                pieces.append(framing.encode(frame))
        return b"".join(pieces)

    def check(self, data: bytes) -> None:
        link = Link(SESSION, framing.FROM_DEVICES, 115200, MOST_QUEUED)
        for number in range(2 * MOST_QUEUED):
            link.send(framing.FROM_GATEWAYS[0], bytes(32), bytes([number + 1]))
        in_work: set[tuple[int, int]] = set()
        now_ms = 0
        for start in range(0, len(data), 100):
            now_ms += 700
            link.receive(data[start : start + 100], now_ms)
            taken = list(iter(link.take, None))
            for delivery in taken:
                # Forged frames may repeat a message that was acknowledged, never one in work.
                if (delivery.session, delivery.sequence) in in_work:
                    raise Broken("a message in work is handed on again")
                in_work.add((delivery.session, delivery.sequence))
            if len(in_work) > WINDOW:
                raise Broken("more messages are in work than the window holds")
            for delivery in taken[: start % 3]:
                link.acknowledge(delivery)
                in_work.remove((delivery.session, delivery.sequence))
            if len(link._strands) > MOST_STRANDS:
                raise Broken("the link follows more strands than its bound")
            for _ in range(3):
                written = link.next_frame(now_ms)
                if written and len(framing.FrameReader().feed(written)) != 1:
                    raise Broken("what is written is not one frame")
            if len(link._controls) > 4 * WINDOW or link.waiting > MOST_QUEUED + WINDOW:
                raise Broken("the link keeps more than its bounds")
