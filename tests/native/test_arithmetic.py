"""The C arithmetic, compiled for this machine, against Python's integers."""

import ctypes
import itertools

import pytest
from parts import (
    EDGES,
    LAMBDA,
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

from countersign import curve

COUNT = 1500


def _call(library, name, size, *arguments):
    """(what the function returned, what it wrote)."""
    result = ctypes.create_string_buffer(size)
    returned = getattr(library, name)(result, *arguments)
    return returned, result.raw


def _field(library, name, *operands):
    return from_little(_call(library, name, 32, *map(little, operands))[1])


def _pairs():
    yield from itertools.product(EDGES, EDGES)
    yield from zip(numbers(COUNT, 1), reversed(list(numbers(COUNT, 2))), strict=True)


def test_field_of_two(library):
    for a, b in _pairs():
        assert _field(library, "field_multiply", a, b) % P == a * b % P
        assert _field(library, "field_add", a, b) % P == (a + b) % P
        assert _field(library, "field_subtract", a, b) % P == (a - b) % P


def test_field_of_one(library):
    for a in numbers(COUNT, 3):
        assert _field(library, "field_square", a) % P == a * a % P
        assert _field(library, "field_negate", a) % P == -a % P
        assert _field(library, "field_halve", a) * 2 % P == a % P
        assert library.field_is_zero(little(a)) == (a % P == 0)
        assert _call(library, "field_from_bytes", 32, big(a)) == (a < P, little(a))
        normal = ctypes.create_string_buffer(little(a), 32)
        library.field_normalize(normal)
        assert from_little(normal.raw) == a % P


def test_field_small_factors(library):
    for small in (0, 1, 21, 977, 0xFFFF):
        for a in numbers(100, 4):
            result = _call(library, "field_multiply_small", 32, little(a), small)[1]
            assert from_little(result) % P == a * small % P


def test_field_inverse(library):
    for a in numbers(400, 5):
        inverse = _field(library, "field_invert", a)
        assert inverse == pow(a, P - 2, P), hex(a)


def test_field_root(library):
    for a in numbers(200, 6):
        found, root = _call(library, "field_root_variable", 32, little(a))
        assert found == (a % P == 0 or pow(a, (P - 1) // 2, P) == 1)
        if found:
            assert from_little(root) ** 2 % P == a % P


def test_scalar(library):
    values = list(numbers(COUNT, 7))
    for a, b, c in zip(values, values[7:] + values[:7], values[31:] + values[:31], strict=True):
        below, reduced = _call(library, "scalar_from_bytes", 32, big(a))
        assert below == (a < N)
        assert from_little(reduced) == a % N
        assert _field(library, "scalar_negate", a % N) == -a % N
        expected = (a + b * c) % N
        assert _field(library, "scalar_multiply_add", a % N, b % N, c % N) == expected


def test_scalar_split(library):
    def value(half):
        magnitude = int.from_bytes(half[:20], "little")
        assert magnitude < 2**128
        return -magnitude if half[20] else magnitude

    for a in numbers(COUNT, 8):
        low, high = ctypes.create_string_buffer(24), ctypes.create_string_buffer(24)
        library.scalar_split(low, high, little(a % N))
        assert (value(low.raw) + value(high.raw) * LAMBDA - a) % N == 0


def test_generate(library):
    for k in scalars(450, 9):
        expected = point_bytes(curve.multiply_generator(k))
        assert _call(library, "prover_generate", 64, big(k)) == (1, expected), k


@pytest.mark.parametrize("k", [0, N, N + 1, 2**256 - 1])
def test_scalars_out_of_range_give_nothing(library, k):
    point = point_words(curve.G)
    assert _call(library, "prover_generate", 64, big(k)) == (0, bytes(64))
    assert _call(library, "prover_linear", 64, big(k), point) == (0, bytes(64))
    assert _call(library, "prover_respond", 32, big(k), big(1), big(1)) == (0, bytes(32))
    assert _call(library, "prover_respond", 32, big(1), big(1), big(k)) == (0, bytes(32))


def test_linear(library):
    for k, q in zip(scalars(120, 10), reversed(list(scalars(120, 11))), strict=True):
        point = curve.multiply_generator(q)
        expected = point_bytes(curve.multiply_generator(k * q % N))
        assert _call(library, "prover_linear", 64, big(k), point_words(point)) == (1, expected)


def test_respond(library):
    values = list(scalars(500, 12))
    for k, e, d in zip(values, numbers(500, 13), reversed(values), strict=True):
        result = _call(library, "prover_respond", 32, big(k), big(e), big(d))
        assert result == (1, big((k + e * d) % N))


def test_multiply_add(library):
    small = [0, 1, 2, 3, N - 1, LAMBDA, N - LAMBDA]
    for q in [1, 2, 3, N - 1, LAMBDA, *scalars(3, 14)]:
        table = _table(library, curve.multiply_generator(q))
        relation = [(-t * q % N, t) for t in small] + [(t * q % N, t) for t in small]
        some = list(zip(scalars(20, q), reversed(list(scalars(20, q))), strict=True))
        for s, t in [*itertools.product(small, small), *relation, *some]:
            found, point = _call(library, "verifier_multiply_add", 64, little(s), little(t), table)
            wanted = (s + t * q) % N
            assert found == (wanted != 0)
            if found:
                assert point == point_bytes(curve.multiply_generator(wanted)), (s, t, q)


def test_combine_and_add(library):
    values = [1, 2, 3, N - 1, N - 2, LAMBDA, 2**255, 977**20 % N]
    small = [0, 1, 2, N - 1, LAMBDA, 3**100 % N]
    for a, b in itertools.product(values, values):
        one, other = curve.multiply_generator(a), curve.multiply_generator(b)
        added = _call(library, "verifier_add", 64, point_words(one), point_words(other))
        assert added == _expected((a + b) % N)
        first, second = _table(library, one, scaled=True), _table(library, other)
        for s, t in [(3, 5), (b, -a % N), (b, a), *zip(small, reversed(small), strict=True)]:
            found = _call(library, "verifier_combine", 64, little(s), first, little(t), second)
            assert found == _expected((s * a + t * b) % N), (a, b, s, t)


def _expected(k):
    return (1, point_bytes(curve.multiply_generator(k))) if k else (0, bytes(64))


def test_equation(library):
    for k, d in zip(scalars(60, 15), reversed(list(scalars(60, 16))), strict=True):
        point, e = curve.multiply_generator(k), k * d * 977 % 2**256
        table = _table(library, curve.multiply_generator(d), scaled=k % 2 == 0)
        s = (k + e * d) % N
        r, even = point[0], point[1] % 2 == 0
        assert library.verifier_equation(table, big(r), big(s), big(e)) == even
        assert not library.verifier_equation(table, big(r), big(-s % N), big(e))
        assert not library.verifier_equation(table, big(r ^ 1), big(s), big(e))
        assert not library.verifier_equation(table, big(r), big(s), big(e ^ 1))
        if s + N < 2**256:
            assert not library.verifier_equation(table, big(r), big(s + N), big(e))
        if r + P < 2**256:
            assert not library.verifier_equation(table, big(r + P), big(s), big(e))
        # s·G = e·Q: infinity has no x.
        assert not library.verifier_equation(table, big(r), big(e * d % N), big(e))


def test_lift_x(library):
    for x in numbers(300, 17):
        found, point = _call(library, "verifier_lift_x", 64, big(x))
        expected = curve.lift_x(big(x))
        assert found == (expected is not None)
        if found:
            assert point == point_bytes(expected)


def _table(library, point, scaled=False):
    table = ctypes.create_string_buffer(800)
    library.point_table_make(table, point_words(point))
    if scaled:
        library.point_table_scale(table)
    return table
