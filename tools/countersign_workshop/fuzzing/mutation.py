"""Mutations of bytes and of CBOR items, from a seeded generator, so that a run can be repeated."""

from __future__ import annotations

import random
from typing import Any

INTERESTING = (
    *(0, 1, 2, 22, 23, 24, 25, 127, 128, 254, 255, 256, 2047, 2048, 2049, 65535, 65536),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1),
    *(-1, -24, -25, -257, -65536, -65537, -65539, -(2**31) - 1, -(2**63), -(2**64)),
)
_TEXTS = ("", "a", "ü", "水", "\x00", "\x1b[31m", "\u202e", "x" * 23, "x" * 24, "x" * 64, "𐅑")
MOST_BYTES = 4096


def mutated(rng: random.Random, data: bytes, other: bytes = b"") -> bytes:
    """`data` after one to four changes. other: a second input, parts of which may be mixed in."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        _change(rng, changed, other)
    return bytes(changed[:MOST_BYTES])


def _change(rng: random.Random, data: bytearray, other: bytes) -> None:
    at = rng.randrange(len(data) + 1)
    kind = rng.randrange(9)
    if kind == 0 and data:
        data[at % len(data)] ^= 1 << rng.randrange(8)
    elif kind == 1 and data:
        data[at % len(data)] = rng.randrange(256)
    elif kind == 2:
        del data[at : at + rng.choice((1, 2, 4, 32))]
    elif kind == 3:
        data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 32)))
    elif kind == 4:
        number = abs(rng.choice(INTERESTING))
        size = rng.choice((1, 2, 4, 8))
        encoded = (number % (1 << 8 * size)).to_bytes(size, "big")
        data[at : at + size] = encoded if rng.random() < 0.5 else encoded[::-1]
    elif kind == 5:
        piece = data[at : at + rng.choice((1, 8, 33, 100))]
        data[at:at] = piece * rng.choice((1, 1, 2, 40))
    elif kind == 6 and other:
        start = rng.randrange(len(other))
        data[at:at] = other[start : start + rng.randrange(1, 80)]
    elif kind == 7:
        del data[at:]
    else:
        data[at:at] = bytes(rng.choice((1, 2, 3))) if rng.random() < 0.5 else b"\xff"


def item(rng: random.Random, depth: int = 0) -> Any:
    """Some CBOR item that the protocol has a type for."""
    kind = rng.randrange(9 if depth < 4 else 6)
    if kind < 2:
        return rng.choice(INTERESTING)
    if kind == 2:
        return rng.choice((True, False, None))
    if kind == 3:
        return rng.randbytes(rng.choice((0, 1, 20, 31, 32, 33, 64, 65)))
    if kind == 4:
        return rng.choice(_TEXTS)
    if kind == 5:
        return rng.randrange(-(2**31), 2**31)
    if kind == 6:
        return [item(rng, depth + 1) for _ in range(rng.choice((0, 1, 2, 4, 30)))]
    return {
        rng.choice((*INTERESTING, *_TEXTS)): item(rng, depth + 1)
        for _ in range(rng.choice((0, 1, 2, 5)))
    }


def changed_item(rng: random.Random, value: Any) -> Any:
    """A copy of an item with one change somewhere in it."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        copy = dict(value)
        key = rng.choice(list(copy))
        kind = rng.randrange(6)
        if kind == 0:
            del copy[key]
        elif kind == 1:
            copy[rng.choice(INTERESTING)] = item(rng)
        elif kind == 2:
            copy[rng.choice(INTERESTING)] = copy.pop(key)
        else:
            copy[key] = changed_item(rng, copy[key])
        return copy
    if isinstance(value, list) and value and rng.random() < 0.85:
        entries = list(value)
        at = rng.randrange(len(entries))
        kind = rng.randrange(5)
        if kind == 0:
            del entries[at]
        elif kind == 1:
            entries.insert(at, item(rng))
        elif kind == 2:
            entries *= rng.choice((2, 9, 40))
        else:
            entries[at] = changed_item(rng, entries[at])
        return entries
    if isinstance(value, bytes) and rng.random() < 0.6:
        return mutated(rng, value)
    if isinstance(value, int) and not isinstance(value, bool) and rng.random() < 0.6:
        return value + rng.choice((-1, 1)) if rng.random() < 0.5 else rng.choice(INTERESTING)
    if isinstance(value, str) and rng.random() < 0.6:
        at = rng.randrange(len(value) + 1)
        return value[:at] + rng.choice(_TEXTS) + value[at + rng.randrange(2) :]
    return item(rng)
