"""A line's bytes into one side of a link: no input makes it fail or grow, and after any input it
serves an honest sender whole and in order."""

from __future__ import annotations

import random

from countersign.carriers import framing
from countersign.carriers.link import WINDOW, Delivery, Link
from countersign_workshop.fuzzing import mutation
from countersign_workshop.fuzzing.target import Broken, corpus
from countersign_workshop.fuzzing.targets.frames import framed

SESSION = 7
HONEST = 424242  # no seed has it
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
            for number, delivery in enumerate(iter(link.take, None)):
                name = (delivery.session, delivery.sequence)
                if name in in_work:
                    raise Broken("a message in work is handed on again")
                if number % 3 < start % 3:
                    link.acknowledge(delivery)
                else:
                    in_work.add(name)
            if any(_of(in_work, session) > WINDOW for session, _ in in_work):
                raise Broken("more messages of a session are in work than its window holds")
            for _ in range(3):
                written = link.next_frame(now_ms)
                if written and len(framing.FrameReader().feed(written)) != 1:
                    raise Broken("what is written is not one frame")
            if len(link._controls) > 4 * WINDOW or link.waiting > MOST_QUEUED + WINDOW:
                raise Broken("the link keeps more than its bounds")
        self._serves_an_honest_sender(link, in_work, now_ms)

    @staticmethod
    def _serves_an_honest_sender(link: Link, in_work: set[tuple[int, int]], now_ms: int) -> None:
        """Whatever came before: a session that is new is handed on whole and in order."""
        for session, sequence in in_work:
            frame = framing.Frame(framing.LISTEN, session, sequence)
            link.acknowledge(Delivery(frame))
        handed_on = []
        for sequence in range(2 * WINDOW):
            frame = framing.Frame(framing.LISTEN, HONEST, sequence, 0, bytes(32))
            link.receive(framing.encode(frame), now_ms)
            for delivery in iter(link.take, None):
                # The first delimiter may complete a frame of the input.
                if delivery.session == HONEST:
                    handed_on.append(delivery.sequence)
                link.acknowledge(delivery)
        if handed_on != list(range(2 * WINDOW)):
            raise Broken("an honest session is not handed on whole and in order")


def _of(names: set[tuple[int, int]], session: int) -> int:
    return sum(1 for name in names if name[0] == session)
