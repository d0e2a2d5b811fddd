"""A line's bytes into the reader of frames: it accepts exactly what the writer writes, however the
bytes are cut into pieces, and holds one frame at most."""

from __future__ import annotations

import binascii
import random

from countersign.carriers import framing
from countersign_workshop.fuzzing import mutation
from countersign_workshop.fuzzing.target import Broken, corpus

KINDS = (*range(5), 16, 17, 18, *range(31, 38), 255)


class Frames:
    name = "frames"

    def __init__(self) -> None:
        self._seeds = corpus("frames")
        self._messages = corpus("messages")

    def make(self, rng: random.Random) -> bytes:
        """The first byte decides how the rest is cut into pieces."""
        pieces = [rng.randbytes(1)]
        for _ in range(rng.choice((1, 1, 2, 4))):
            pieces.append(self._stretch(rng))
        return b"".join(pieces)

    def _stretch(self, rng: random.Random) -> bytes:
        kind = rng.randrange(4)
        if kind == 0:
            return mutation.mutated(rng, rng.choice(self._seeds), rng.choice(self._seeds))
        if kind == 1:
            return rng.randbytes(rng.choice((0, 1, 30, 3000)))
        return framed(rng, self._messages)

    def check(self, data: bytes) -> None:
        cut, line = (data[0] if data else 0), data[1:]
        whole = _fields(framing.FrameReader().feed(line))
        reader = framing.FrameReader()
        found = []
        size = 1 + cut * cut // 8
        for start in range(0, len(line), size):
            found += reader.feed(line[start : start + size])
            if len(reader._stuffed) > framing.MAX_STUFFED_BYTES:
                raise Broken("the reader keeps more than a frame")
        if _fields(found) != whole:
            raise Broken("the pieces of a line decide what it says")
        for frame in found:
            again = framing.FrameReader().feed(framing.encode(frame))
            if _fields(again) != _fields([frame]):
                raise Broken("a frame is not read back as it was written")
            if framing.encode(frame)[1:-1] not in line:
                raise Broken("a frame was read that the line does not hold")


def framed(rng: random.Random, messages: list[bytes]) -> bytes:
    """One frame with a right checksum (mostly), of any content."""
    body = rng.choice((b"", rng.randbytes(32), bytes(32) + rng.choice(messages)))
    if rng.random() < 0.3:
        body = mutation.mutated(rng, body, rng.choice(messages))
    content = bytes([rng.choice(KINDS)]) + rng.choice((bytes(4), rng.randbytes(4)))
    content += abs(rng.choice(mutation.INTERESTING)).to_bytes(9, "big")[-6:]
    content += bytes([rng.choice((0, 0, 1, 3, 4, 255))]) + body
    check = binascii.crc32(content)
    content += (check if rng.random() < 0.95 else check ^ 1).to_bytes(4, "big")
    stuffed: bytes = framing._stuff(content)
    return b"\x00" + stuffed + b"\x00"


def _fields(frames: list[framing.Frame]) -> list[tuple[object, ...]]:
    return [(f.kind, f.session, f.sequence, f.behind, f.device_id, f.payload) for f in frames]
