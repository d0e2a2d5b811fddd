"""The verifier's equation as compiled for each architecture: valid inputs hold, others do not.

on_processor.py says where each runs.
"""

import functools

from countersign.proofs import curve
from support.native.parts import (
    EDGES,
    LAMBDA,
    OF_GENERATOR_TABLE,
    UNIT_SCALARS,
    N,
    P,
    big,
    point_words,
    scalars,
)

generate = functools.cache(curve.multiply_generator)


def test_equation(processor):
    for k, d in zip(scalars(40, 15), reversed(list(scalars(40, 16))), strict=True):
        _check_equation(processor, k, d, k * d * 977 % 2**256)


def test_equation_for_any_challenge(processor):
    """e is 0, short, a fraction of short numbers, or not below n. See test_eisenstein.py."""
    fractions = [x * pow(y, -1, N) % N for x in (1, 2, LAMBDA + 3) for y in (2, 3, LAMBDA - 1)]
    for e in [*EDGES, *fractions, *(2**bit for bit in range(60, 140, 5)), N + 2**80]:
        _check_equation(processor, 976**21 % N, 977**20 % N, e)


def test_equation_where_the_commitment_is_a_unit_times_the_key(processor):
    d = 977**20 % N
    for unit in UNIT_SCALARS:
        for e in (0, 1, N - 1, LAMBDA, -unit % N, 975**24 % N):
            _check_equation(processor, d * unit % N, d, e)
            for factor in OF_GENERATOR_TABLE:
                _check_equation(processor, factor * unit % N, factor, e)


def _check_equation(processor, k, d, e):
    if generate(k)[1] % 2:
        # An odd y must not hold. The code below then takes the nonce with the even y.
        assert not _equation(processor, k, d, (k + e * d) % N, e)
        k = N - k
    s = (k + e * d) % N
    assert _equation(processor, k, d, s, e), (k, d, e)
    assert not _equation(processor, k, d, s ^ 1, e)
    assert not _equation(processor, k, d, s, e ^ 1)
    if s:
        assert not _equation(processor, k, d, -s % N, e)
    if s + N < 2**256:
        assert not _equation(processor, k, d, s + N, e)
    # s·G = e·Q: infinity has no x.
    assert not _equation(processor, k, d, e * d % N, e)
    r = generate(k)[0]
    for wrong in (r ^ 1, r ^ 2**255, P - 1, 5, *((r + P,) if r + P < 2**256 else ())):
        assert not _holds(processor, point_words(generate(d)), wrong, s, e)
    # The key's negative is the other point with the same x.
    if e % N:
        assert not _equation(processor, k, N - d, s, e)


def _equation(processor, k, d, s, e):
    return _holds(processor, point_words(generate(d)), generate(k)[0], s, e)


def _holds(processor, point, *numbers_given):
    (holds,) = processor.call("verifier_equation", point, *map(big, numbers_given), out=())
    assert holds in (0, 1)
    return holds == 1
