"""Half-size quotients and digits of the verifier, against Python's integers.

Here (a, b) is the Eisenstein integer a + b ω. COUNTERSIGN_LONG=1 takes a million half-size
quotients of fresh randomness on x64, in half a minute, and prints the largest parts.
"""

import itertools
import os
import random
import struct

import pytest

from support.native import on_processor
from support.native.parts import EDGES, LAMBDA, N, little

NU = (0x3086D221A7D46BCDE86C90E49284EB15, -0xE4437ED6010E88286F547FA90ABFE4C3)
UNITS = [(1, 0), (0, 1), (-1, -1), (-1, 0), (0, -1), (1, 1)]
THETA = (1, -1)
HALF_BITS, WHOLE_BITS = 68, 130
PAIR_POSITIONS, GENERATOR_POSITIONS = 134, 70
COUNT = 1000
LONG = os.environ.get("COUNTERSIGN_LONG") == "1"


def _times(x, y):
    return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0] - x[1] * y[1]


def _plus(x, y):
    return x[0] + y[0], x[1] + y[1]


def _norm(x):
    return x[0] * x[0] - x[0] * x[1] + x[1] * x[1]


def _scalar(x):
    return (x[0] + x[1] * LAMBDA) % N


def _encoded(x):
    return b"".join((part % 2**160).to_bytes(20, "little") for part in x)


def _decoded(data):
    return tuple(
        int.from_bytes(data[i : i + 20], "little", signed=True) for i in range(0, len(data), 20)
    )


# The tables' entries, in the order of eisenstein.h.
PAIRS = [((1, 0), (0, 0)), ((0, 0), (1, 0)), *(((1, 0), unit) for unit in UNITS)]
EVEN = [(0, 0), (2, 0), (0, 2), (-2, -2)]
OTHER = [*EVEN, *UNITS, *(_times(THETA, unit) for unit in UNITS)]
GENERATOR_PAIRS = [
    *(((1, 0), m) for m in OTHER),
    *((THETA, m) for m in OTHER),
    *((m, (1, 0)) for m in EVEN),
    *((m, THETA) for m in EVEN),
]


def _sum_of_digits(digits, count, entries):
    sums = [(0, 0), (0, 0)]
    for position, code in enumerate(digits):
        if code == 0:
            continue
        assert position < count
        index, unit = code // 8 - 1, UNITS[code % 8 - (code % 8 >= 4)]
        for i in range(2):
            digit = _times(entries[index][i], unit)
            sums[i] = _plus(sums[i], (digit[0] << position, digit[1] << position))
    return sums


def _half_size(processor, e):
    bits, result = processor.call("eisenstein_half_size", bytes(80), little(e))
    parts = _decoded(result)
    return bits, parts[:2], parts[2:]


def _pair_digits(processor, a, b, bits):
    count, digits = processor.call(
        "eisenstein_pair_digits", bytes(2 * PAIR_POSITIONS), _encoded(a) + _encoded(b), bits
    )
    return struct.unpack(f"<{PAIR_POSITIONS}H", digits), count


def _generator_digits(processor, a):
    count, digits = processor.call(
        "eisenstein_generator_digits", bytes(2 * GENERATOR_POSITIONS), _encoded(a)
    )
    return struct.unpack(f"<{GENERATOR_POSITIONS}H", digits), count


def _challenges():
    """All e that the algorithm may treat as special, then random ones."""
    source = random.Random(40)
    special = {e % N for edge in EDGES for e in (edge, -edge, edge * LAMBDA, edge * LAMBDA**2)}
    # The special e are small fractions, whose shortest vector is far shorter than half size, the
    # whole range of quotients, and multiples of ν, which are 0, and their neighbours.
    small = [(a, b) for a in range(-4, 5) for b in range(-4, 5)]
    for x, y in itertools.product(small, small[::7]):
        if _scalar(y):
            special.add(_scalar(x) * pow(_scalar(y), -1, N) % N)
    for bit in range(256):
        special |= {2**bit % N, -(2**bit) % N, pow(2**bit, -1, N), _scalar((2**bit, 1))}
    for x in small:
        for scale in (1, 2**32, 2**64, 2**96):
            special.add(_scalar(_plus(_times(NU, x), (scale, 1))))
            special.add((NU[0] * scale + x[0]) % N)
            special.add((NU[1] * scale + x[1]) * LAMBDA % N)
    yield from sorted(special)
    for _ in range(COUNT):
        yield source.randrange(N)


def test_half_size(processor):
    whole = half = 0
    for e in _challenges():
        bits, u, v = _half_size(processor, e)
        assert (_scalar(u) - _scalar(v) * e) % N == 0, hex(e)
        assert _scalar(v) != 0, hex(e)
        assert max(map(abs, (*u, *v))) < 2**bits, hex(e)
        assert bits in (HALF_BITS, WHOLE_BITS)
        if bits == WHOLE_BITS:
            whole += 1
            assert v == (1, 0)
        else:
            half += 1
            # The proof in eisenstein.c relies on this.
            assert _norm(u) < N
            assert _norm(v) < N
    # The algorithm took both paths.
    assert whole > 500
    assert half > COUNT


def test_half_size_is_the_rule(processor):
    source = random.Random(41)
    found = [_half_size(processor, source.randrange(N))[0] for _ in range(COUNT)]
    assert found.count(WHOLE_BITS) < COUNT / 500


@pytest.fixture(scope="module")
def x64(tmp_path_factory):
    program = on_processor.build("x64", tmp_path_factory.mktemp("many"))
    made = on_processor.Processor("x64", program)
    yield made
    made.close()


def test_half_size_of_many(x64):
    """The checks of test_half_size for random e. Challenges are hashes, so they are random too."""
    count = 1_000_000 if LONG else 10_000
    seed = os.urandom(8).hex() if LONG else "many"
    source = random.Random(seed)
    most_u = most_v = whole = 0
    for _ in range(count):
        e = source.randrange(N)
        bits, u, v = _half_size(x64, e)
        assert (_scalar(u) - _scalar(v) * e) % N == 0, (seed, hex(e))
        assert _scalar(v) != 0, (seed, hex(e))
        if bits == WHOLE_BITS:
            assert v == (1, 0), (seed, hex(e))
            assert max(map(abs, u)) < 2**WHOLE_BITS, (seed, hex(e))
            whole += 1
            continue
        assert bits == HALF_BITS, (seed, hex(e))
        most_u = max(most_u, *map(abs, u))
        most_v = max(most_v, *map(abs, v))
        assert max(most_u, most_v) < 2**HALF_BITS, (seed, hex(e))
    print(f"half size of {count} e, seed {seed}: parts of u up to {most_u:#x}, of v {most_v:#x},")
    print(f"    {HALF_BITS} bits allowed, {most_u.bit_length()} and {most_v.bit_length()} seen;")
    print(f"    {whole} without a short fraction")
    assert whole <= count / 500


def test_split(processor):
    for e in _challenges():
        _, split = processor.call("eisenstein_from_scalar", bytes(40), little(e))
        parts = _decoded(split)
        assert _scalar(parts) == e
        assert max(map(abs, parts)) < 2**129
        _, back = processor.call("eisenstein_to_scalar", bytes(32), split)
        assert back == little(e)


def _parts(bits):
    """Parts of numbers with at most `bits` bits: extremes, runs of bits, random ones."""
    source = random.Random(bits)
    top = 2**bits - 1
    extremes = [0, 1, -1, top, -top, top // 3, -(top // 3), 2 * (top // 3), 2 ** (bits - 1)]
    yield from itertools.product(extremes, extremes, extremes[::2], extremes[::3])
    for _ in range(COUNT):
        yield tuple(source.randrange(-top, top + 1) >> source.randrange(bits) for _ in range(4))
        yield tuple(source.randrange(-top, top + 1) for _ in range(4))


def test_pair_digits(processor):
    for bits in (HALF_BITS, WHOLE_BITS):
        for a0, a1, b0, b1 in _parts(bits):
            digits, count = _pair_digits(processor, (a0, a1), (b0, b1), bits)
            assert count <= bits + 4
            assert _sum_of_digits(digits, count, PAIRS) == [(a0, a1), (b0, b1)], (a0, a1, b0, b1)


def test_generator_digits(processor):
    for a0, a1, _, _ in _parts(129):
        digits, count = _generator_digits(processor, (a0, a1))
        low, high = _sum_of_digits(digits, count, GENERATOR_PAIRS)
        assert _plus(low, (high[0] << 64, high[1] << 64)) == (a0, a1)


def test_digits_end(processor):
    """After a number's bits each part leaves a carry of -2 to 2. From each of these few more digits
    follow, so bits + 4 positions suffice."""
    for a0, a1, b0, b1 in itertools.product(range(-2, 3), repeat=4):
        digits, count = _pair_digits(processor, (a0, a1), (b0, b1), HALF_BITS)
        assert count <= 4
        assert _sum_of_digits(digits, count, PAIRS) == [(a0, a1), (b0, b1)]


def test_digits_are_sparse(processor):
    """The figures in README.md rely on the number of additions for half-size numbers."""
    source = random.Random(42)
    pairs = generator = 0
    for _ in range(500):
        a, b, w = (
            tuple(source.randrange(-(2**bits), 2**bits) for _ in range(2)) for bits in (64, 64, 128)
        )
        pairs += sum(map(bool, _pair_digits(processor, a, b, HALF_BITS)[0][: HALF_BITS + 4]))
        generator += sum(map(bool, _generator_digits(processor, w)[0]))
    assert pairs / 500 < 51
    assert generator / 500 < 33
