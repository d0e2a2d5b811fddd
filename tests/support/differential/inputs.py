"""Inputs of the differential tests: values of the protocol, and bytes that nearly encode some."""

import os
from random import Random

from hypothesis import strategies as st

from support.differential.oracles import cbor_encode

LONG = os.environ.get("COUNTERSIGN_LONG") == "1"


def how_many(short: int, long: int) -> int:
    return long if LONG else short


# Values --------------------------------------------------------------------------------------

EDGES = [0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1]
integers = st.one_of(
    st.integers(-(2**64), 2**64 - 1),
    st.integers(-300, 300),
    st.sampled_from(EDGES + [-1 - edge for edge in EDGES]),
)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
scalars = st.one_of(
    st.none(), st.booleans(), integers, st.binary(max_size=300), texts, st.just("x" * 256)
)
keys = st.one_of(integers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(keys, inner, max_size=6)),
    max_leaves=25,
)


# Bytes ---------------------------------------------------------------------------------------


def mutated(random: Random, data: bytes) -> bytes:
    """`data` after one to three things that a hostile or faulty sender may do to it."""
    for _ in range(random.randint(1, 3)):
        i = random.randint(0, len(data))
        j = random.randint(i, min(len(data), i + 9))
        kind = random.randrange(8)
        if kind == 0:
            data = data[:i] + random.randbytes(random.randint(1, 3)) + data[i:]
        elif kind == 1:
            data = data[:i] + data[j:]
        elif kind == 2 and i < len(data):
            data = data[:i] + bytes([data[i] ^ 1 << random.randrange(8)]) + data[i + 1 :]
        elif kind == 3 and i < len(data):
            data = data[:i] + bytes([data[i] + random.choice((-1, 1)) & 255]) + data[i + 1 :]
        elif kind == 4:
            data = data[:i] + data[i:j] + data[i:]
        elif kind == 5:
            data = data[:i]
        elif kind == 6:
            data = data[j:] + data[i:j]
        else:
            data = data[:i] + crafted(random, 2) + data[j:]
    return data


def crafted(random: Random, levels: int = 4) -> bytes:
    """Bytes like an item, at times with heads too long, keys out of order or strange types."""
    major = random.choice((0, 0, 1, 2, 3, 4, 4, 5, 5, 6, 7))
    if major == 7:
        return random.choice((b"\xf4", b"\xf5", b"\xf6", b"\xf6", b"\xf7", b"\xf8\x20", b"\xff",
                              b"\xf9\x3c\x00", b"\xfa\x00\x00\x00\x00"))  # fmt: skip
    if major in (0, 1):
        return head(random, major, random.choice([*EDGES, random.getrandbits(64)]))
    if major == 6:
        tag = head(random, 6, random.choice((0, 2, 3, 28, 29, 55799)))
        return tag + crafted(random, levels - 1)
    size = random.choice((0, 1, 1, 2, 3, 5, 24)) if levels > 0 else 0
    if major == 2:
        return head(random, 2, size) + random.randbytes(size)
    if major == 3:
        text = "".join(random.choice("ab\x7f\x80ü\u07ff\u0800水\uffff𐅑") for _ in range(size))
        data = text.encode()
        if data and random.random() < 0.3:
            i = random.randrange(len(data))
            data = (
                data[:i]
                + random.choice((b"\xc0", b"\xe0", b"\xed\xa0\x80", b"\xf4\x90", b"\x80", b"\xff"))
                + data[i + random.randrange(2) :]
            )
        return head(random, 3, len(data)) + data
    size = min(size, 5)
    if major == 4:
        return head(random, 4, size) + b"".join(crafted(random, levels - 1) for _ in range(size))
    pairs = []
    for _ in range(size):
        if random.random() < 0.05:
            key = crafted(random, levels - 1)
        else:
            key = cbor_encode(random.choice((random.randrange(-30, 30), random.choice("abcde"))))
        pairs.append((key, crafted(random, levels - 1)))
    if random.random() < 0.85:
        pairs = sorted(dict(pairs).items())
    return head(random, 5, len(pairs)) + b"".join(key + value for key, value in pairs)


def head(random: Random, major: int, argument: int) -> bytes:
    """The head of an item: nearly always the shortest, sometimes too long or wrong."""
    widths = [width for width in (0, 1, 2, 4, 8) if argument < (24 if not width else 256**width)]
    width = widths[0]
    chance = random.random()
    if chance < 0.03:
        width = random.choice(widths)
    elif chance < 0.04:
        return bytes([major << 5 | random.randrange(28, 32)])
    if not width:
        return bytes([major << 5 | argument])
    info = {1: 24, 2: 25, 4: 26, 8: 27}[width]
    return bytes([major << 5 | info]) + argument.to_bytes(width, "big")


def value(random: Random, levels: int = 5) -> object:
    """A value of the protocol, most often a list or a dict."""
    kind = random.randrange(9 if levels > 0 else 6)
    if kind == 0:
        return random.choice((None, True, False))
    if kind in (1, 2):
        number = random.choice([*EDGES, random.getrandbits(random.randrange(1, 65))])
        return random.choice((number, -1 - number))
    if kind == 3:
        return random.randbytes(random.choice((0, 1, 23, 24, 32, 64)))
    if kind in (4, 5):
        return "".join(random.choice("ab z\x00ü水𐅑") for _ in range(random.randrange(12)))
    if kind == 6:
        return [value(random, levels - 1) for _ in range(random.randrange(5))]
    return {
        random.choice((random.randrange(-300, 300), random.choice(("", "a", "b", "aa", "ü")))):
        value(random, levels - 1)
        for _ in range(random.randrange(6))
    }  # fmt: skip


def messages_like(random: Random, count: int) -> list[bytes]:
    """`count` inputs for a decoder: valid, nearly valid, crafted, and noise."""
    inputs = []
    for i in range(count):
        kind = i % 8
        if kind == 0:
            inputs.append(cbor_encode(value(random)))
        elif kind < 5:
            inputs.append(mutated(random, cbor_encode(value(random))))
        elif kind == 5:
            wraps = random.choice((b"\x81", b"\xa1\x00")) * random.randrange(12)
            inputs.append(wraps + crafted(random))
        elif kind == 6:
            inputs.append(crafted(random))
        else:
            inputs.append(random.randbytes(random.randrange(40)))
    return inputs
