"""The C and assembly arithmetic as compiled for each architecture, against Python's integers.

on_processor.py says where each runs. On xtensawin other instructions replace each MULUH, because
QEMU's cores have none. All other instructions are those of the module.
"""

import functools
import itertools
import random

import pytest

from countersign.proofs import curve
from support.native.on_processor import Same
from support.native.parts import (
    EDGES,
    LAMBDA,
    OF_GENERATOR_TABLE,
    TABLE_BYTES,
    UNIT_SCALARS,
    N,
    P,
    big,
    from_little,
    little,
    numbers,
    point_bytes,
    point_words,
    scalars,
)

COUNT = 1500
PAIR_BYTES = 8 * 96 + 32

# In addition to EDGES: one bit and its neighbours at the borders of words and half-words, a word of
# ones or of zeros in every place, and the numbers around multiples of n and p.
ALL_EDGES = sorted(
    {
        *EDGES,
        *(2**bit + near for bit in range(16, 256, 16) for near in (-1, 0, 1)),
        *((2**32 - 1) << 32 * word for word in range(8)),
        *(2**256 - 1 - ((2**32 - 1) << 32 * word) for word in range(8)),
        *(value + near for value in (P, N) for near in range(-3, 4)),
        *(2**256 - value + near for value in (P, N) for near in (-1, 0, 1)),
        *(2**256 - 1 - value for value in (P - N, 977, 2**32, 2**64)),
    }
)

generate = functools.cache(curve.multiply_generator)


def _call(processor, name, size, *arguments):
    """(the function's return value, the bytes that it wrote)."""
    return processor.call(name, bytes(size), *arguments)


def _field(processor, name, *operands):
    return from_little(_call(processor, name, 32, *map(little, operands))[1])


def _pairs():
    yield from itertools.product(ALL_EDGES, EDGES)
    yield from zip(numbers(COUNT, 1), reversed(list(numbers(COUNT, 2))), strict=True)


def _one_by_one(count, seed):
    yield from ALL_EDGES
    yield from numbers(count, seed)


def test_words(processor):
    for a, b in itertools.product(ALL_EDGES, ALL_EDGES[::5]):
        carry, total = _call(processor, "words_add", 32, little(a), little(b), 8)
        assert from_little(total) + (carry << 256) == a + b
        borrow, difference = _call(processor, "words_subtract", 32, little(a), little(b), 8)
        assert from_little(difference) - (borrow << 256) == a - b
        product = _call(processor, "words_multiply", 64, little(a), 8, little(b), 8)[1]
        assert from_little(product) == a * b
        # The lengths are unequal, as when a scalar is split.
        short = little(b)[:16]
        product = _call(processor, "words_multiply", 48, little(a), 8, short, 4)[1]
        assert from_little(product) == a * from_little(short)
        assert processor.call("words_are_zero", little(a), 8, out=()) == (int(a == 0),)


def test_field_of_two(processor):
    for a, b in _pairs():
        assert _field(processor, "field_multiply", a, b) % P == a * b % P
        assert _field(processor, "field_add", a, b) % P == (a + b) % P
        assert _field(processor, "field_subtract", a, b) % P == (a - b) % P


def test_field_of_one(processor):
    for a in _one_by_one(COUNT, 3):
        assert _field(processor, "field_square", a) % P == a * a % P
        assert _field(processor, "field_negate", a) % P == -a % P
        assert _field(processor, "field_halve", a) * 2 % P == a % P
        assert processor.call("field_is_zero", little(a), out=()) == (int(a % P == 0),)
        assert _call(processor, "field_from_bytes", 32, big(a)) == (a < P, little(a))
        assert from_little(processor.call("field_normalize", little(a))[1]) == a % P
        squared = processor.call("field_square_times", bytes(32), little(a), 7)[1]
        assert from_little(squared) % P == pow(a, 128, P)


def test_results_may_overlap_operands(processor):
    same = Same(0)
    for a in _one_by_one(COUNT // 3, 22):
        for name, wanted in (
            ("field_multiply", a * a),
            ("field_square", a * a),
            ("field_add", 2 * a),
            ("field_subtract", 0),
            ("field_halve", a * pow(2, -1, P)),
        ):
            result = processor.call(name, little(a), same, same)[1]
            assert from_little(result) % P == wanted % P, (name, hex(a))


def test_products_on_a_border(processor):
    """The last carries of a reduction occur if the result is near 0 or near a multiple of p."""
    source = random.Random(18)
    near = [*range(40), 977, 978, *EDGES, *(2**32 + 977 + step for step in range(-3, 4))]
    for target in [sign * value for value in near for sign in (1, -1)]:
        for _ in range(4):
            a = source.choice((source.randrange(1, P), source.randrange(1, 2**33), 2**256 - 1))
            b = target * pow(a, -1, P) % P
            for left, right in ((a, b), (a, b + P if b + P < 2**256 else b)):
                product = _field(processor, "field_multiply", left, right)
                assert product % P == target % P, (hex(left), hex(right))
        root = pow(target, (P + 1) // 4, P)
        assert _field(processor, "field_square", root) % P == root * root % P, hex(root)
        c, d = source.randrange(1, N), source.randrange(1, N)
        for k in ((target - c * d) % N, 0, N - 1):
            result = _field(processor, "scalar_multiply_add", k, c, d)
            assert result == (k + c * d) % N, (hex(k), hex(c), hex(d))
        c = (target - 1) * pow(d, -1, N) % N
        assert _field(processor, "scalar_multiply_add", 1, c, d) == target % N


def test_field_small_factors(processor):
    for small in (0, 1, 21, 977, 0xFFFF):
        for a in numbers(100, 4):
            result = _call(processor, "field_multiply_small", 32, little(a), small)[1]
            assert from_little(result) % P == a * small % P


def test_field_inverse(processor):
    for a in _one_by_one(400, 5):
        inverse = _field(processor, "field_invert", a)
        assert inverse == pow(a, P - 2, P), hex(a)


def test_field_inverse_root(processor):
    for a in _one_by_one(200, 6):
        found, power = _call(processor, "field_inverse_root_variable", 32, little(a))
        assert found == (pow(a, (P - 1) // 2, P) == 1)
        assert from_little(power) % P == pow(a, (P - 3) // 4, P)


def test_scalar(processor):
    values = list(_one_by_one(COUNT, 7))
    for a, b, c in zip(values, values[7:] + values[:7], values[31:] + values[:31], strict=True):
        below, reduced = _call(processor, "scalar_from_bytes", 32, big(a))
        assert below == (a < N)
        assert processor.call("scalar_is_zero", little(a % N), out=()) == (int(a % N == 0),)
        if a % N:
            negated, odd = processor.call("scalar_make_odd", little(a % N))
            assert from_little(odd) == (N - a % N if negated else a % N)
            assert from_little(odd) % 2 == 1
        assert from_little(reduced) == a % N
        assert _field(processor, "scalar_negate", a % N) == -a % N
        expected = (a + b * c) % N
        assert _field(processor, "scalar_multiply_add", a % N, b % N, c % N) == expected


def test_scalar_from_signed(processor):
    for a in _one_by_one(200, 8):
        for value in (a % N, -(a % N)):
            words = value.to_bytes(36, "little", signed=True)
            result = _call(processor, "scalar_from_signed", 32, words, 9)[1]
            assert from_little(result) == value % N


def test_generate(processor):
    for k in scalars(450, 9):
        expected = point_bytes(generate(k))
        assert _call(processor, "prover_generate", 64, big(k)) == (1, expected), k


def test_commit(processor):
    for digest in [*scalars(450, 18), N + 1, N + 2, N + 3, 2**256 - 2, 2**256 - 1]:
        x, y = generate(digest % N)
        nonce = big(-digest % N if y % 2 else digest % N)
        made = processor.call("prover_commit", bytes(32), big(digest), out=(0, 1))
        assert made == (1, big(x), nonce), digest


@pytest.mark.parametrize("digest", [0, N])
def test_no_nonce_of_zero(processor, digest):
    assert _call(processor, "prover_commit", 32, big(digest)) == (0, bytes(32))


@pytest.mark.parametrize("k", [0, N, N + 1, 2**256 - 1])
def test_scalars_out_of_range_give_nothing(processor, k):
    point = point_words(curve.G)
    assert _call(processor, "prover_generate", 64, big(k)) == (0, bytes(64))
    assert _call(processor, "prover_linear", 64, big(k), point) == (0, bytes(64))
    assert _call(processor, "prover_respond", 32, big(k), big(1), big(1)) == (0, bytes(32))
    assert _call(processor, "prover_respond", 32, big(1), big(1), big(k)) == (0, bytes(32))


def test_linear(processor):
    for k, q in zip(scalars(120, 10), reversed(list(scalars(120, 11))), strict=True):
        point = generate(q)
        expected = point_bytes(generate(k * q % N))
        assert _call(processor, "prover_linear", 64, big(k), point_words(point)) == (1, expected)


def test_respond(processor):
    values = list(scalars(500, 12))
    for k, e, d in zip(values, numbers(500, 13), reversed(values), strict=True):
        result = _call(processor, "prover_respond", 32, big(k), big(e), big(d))
        assert result == (1, big((k + e * d) % N))


def test_linear_table(processor):
    for q in [1, 2, N - 1, LAMBDA, *scalars(12, 18)]:
        table = _call(processor, "point_table_make", TABLE_BYTES, point_words(generate(q)))[1]
        table = processor.call("point_table_scale", table)[1]
        for index in range(8):
            entry = _coordinates(table, 64 * index)
            assert (entry[0] % P, entry[1] % P) == generate((2 * index + 1) * q % N)


def _coordinates(table, start):
    return [from_little(table[i : i + 32]) for i in (start, start + 32)]


def test_pair_table(processor):
    for a, b in zip(scalars(24, 19), reversed(list(scalars(24, 20))), strict=True):
        first, second = generate(a), generate(b)
        z = (first[1] ** 2 - second[1] ** 2) % P
        inverse = pow(z, P - 2, P)
        for given in (0, little(inverse)) if z else (0,):
            arguments = (point_words(first), point_words(second), given)
            made, table = _call(processor, "pair_table_make_variable", PAIR_BYTES, *arguments)
            assert made == (z != 0)
            if z == 0:
                continue
            if not given:
                assert from_little(table[-32:]) % P == z
            scale = 1 if given else inverse
            for index, k in enumerate([a, b, *(a + unit * b for unit in UNIT_SCALARS)]):
                x, y = _coordinates(table, 64 * index)
                assert (x * scale**2 % P, y * scale**3 % P) == generate(k % N), (a, b, index)
                beta_x = from_little(table[512 + 32 * index : 544 + 32 * index])
                assert beta_x * scale**2 % P == generate(k * LAMBDA % N)[0]


def test_points_that_are_units_of_one_another_have_no_pair_table(processor):
    for unit in UNIT_SCALARS:
        points = [point_words(generate(977 * factor % N)) for factor in (1, unit)]
        assert _call(processor, "pair_table_make_variable", PAIR_BYTES, *points, 0)[0] == 0


def test_multiply_add(processor):
    small = [0, 1, 2, 3, N - 1, LAMBDA, N - LAMBDA]
    for q in [1, 2, N - 1, N - LAMBDA, *scalars(2, 14)]:
        point = point_words(generate(q))
        relation = [(-t * q % N, t) for t in small] + [(t * q % N, t) for t in small]
        some = list(zip(scalars(12, q), reversed(list(scalars(12, q))), strict=True))
        for s, t in [*itertools.product(small, small[::2]), *relation, *some]:
            assert _combined(processor, s, 0, t, point) == _expected((s + t * q) % N), (s, t, q)


def test_combine_and_add(processor):
    values = [1, 2, N - 1, N - 2, LAMBDA, LAMBDA**2 % N, N - LAMBDA, 2**255, 977**20 % N]
    values += [OF_GENERATOR_TABLE[1], OF_GENERATOR_TABLE[1] * LAMBDA % N]
    small = [0, 1, 2, N - 1, LAMBDA, 3**100 % N]
    for a, b in itertools.product(values, values):
        one, other = point_words(generate(a)), point_words(generate(b))
        added = _call(processor, "prover_add", 64, one, other)
        assert added == _expected((a + b) % N)
        for s, t in [(3, 5), (b, -a % N), *zip(small, reversed(small), strict=True)]:
            found = _combined(processor, s, one, t, other)
            assert found == _expected((s * a + t * b) % N), (a, b, s, t)


def _combined(processor, s, first, t, second):
    return _call(processor, "verifier_combine", 64, little(s), first, little(t), second)


def _expected(k):
    return (1, point_bytes(generate(k))) if k else (0, bytes(64))


def test_lift_x(processor):
    for x in numbers(300, 17):
        found, point = _call(processor, "verifier_lift_x", 64, big(x))
        expected = curve.lift_x(big(x))
        assert found == (expected is not None)
        if found:
            assert point == point_bytes(expected)
