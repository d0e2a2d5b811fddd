"""Small CBOR items that a general decoder makes much work of, and their places in a message.

Shared references (tags 28 and 29) name one value many times over, so 400 bytes stand for 2**40
items. A tag may also hold a regular expression, a huge number or a date, and a head may claim a
length that never comes. The protocol has none of them: each must cost as little as its length.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from countersign import cbor, messages
from countersign_workshop.fuzzing import mutation


def _head(major: int, argument: int) -> bytes:
    encoded = cbor.encode(argument)
    return bytes([encoded[0] | major << 5]) + encoded[1:]


def _tagged(tag: int, item: bytes) -> bytes:
    return _head(6, tag) + item


def _text(text: str) -> bytes:
    return cbor.encode(text)


def shared(levels: int) -> bytes:
    """An array that stands for 2**levels items."""
    parts = [_tagged(28, b"\x82\x00\x00")]
    for level in range(levels - 1):
        again = _tagged(29, cbor.encode(level))
        parts.append(_tagged(28, b"\x82" + again + again))
    return _head(4, levels) + b"".join(parts)


ITEMS = {
    "shared references": shared(40),
    "an array that holds itself": _tagged(28, b"\x81" + _tagged(29, b"\x00")),
    "a regular expression": _tagged(35, _text("(?i)" + "[\x01-\uffff]" * 230)),
    "a large number": _tagged(2, cbor.encode(b"\xff" * 1800)),
    "a fraction with a large exponent": _tagged(4, b"\x82\x1b" + b"\x7f" * 8 + b"\x01"),
    "a date": _tagged(0, _text("2026-01-01T00:00:00Z")),
    "strings by reference": _tagged(256, b"\x82" + _text("x" * 900) + _tagged(25, b"\x00")),
    "a thousand tags": b"\xc1" * 1000 + b"\x00",
    "a thousand arrays": b"\x81" * 1000 + b"\x00",
    "a thousand indefinite arrays": b"\x9f" * 1000,
    "an array of 2**32 items": b"\x9a\xff\xff\xff\xff" + bytes(1000),
    "a string of 2**62 bytes": b"\x5b\x3f" + b"\xff" * 7 + bytes(1000),
    "many empty maps": _head(4, 1800) + b"\xa0" * 1800,
    "many names": _head(5, 16) + b"\x61a\x00" * 16,
}


def _in_payload(item: bytes) -> bytes:
    protected = messages.BY_TYPE[messages.EVIDENCE].protected
    return cbor.encode([protected, {}, item, bytes(64)])


# What an attacker may put an item into.
PLACES: dict[str, Callable[[bytes], bytes]] = {
    "alone": lambda item: item,
    "for the payload": _in_payload,
    "for the readings": lambda item: _in_payload(b"\xa1\x3a\x00\x01\x00\x01" + item),
    "beside the header": lambda item: b"\x84\x40" + item,
}


def message(rng: random.Random) -> bytes:
    """One item in one place, now and then changed."""
    item = rng.choice(tuple(ITEMS.values()))
    if rng.random() < 0.5:
        item = mutation.mutated(rng, item, rng.choice(tuple(ITEMS.values())))
    return rng.choice(tuple(PLACES.values()))(item)
