"""The pure BIP-340 against libsecp256k1 (coincurve) and python-ecdsa's points.

Default: a few hundred verifications on which all must agree, including the textbook engine that
stands in for the native one. COUNTERSIGN_LONG=1: 10,000.
"""

import os
from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.proofs import curve, engines, faults, schnorr
from support.differential.inputs import how_many
from support.differential.oracles import (
    N,
    P,
    challenge_scalar,
    ecdsa_verify,
    libsecp256k1_sign,
    libsecp256k1_verify,
    multiple_of_generator,
)
from support.protocol import fake_native

NEAR = 2**20
in_group = st.one_of(
    st.integers(1, N - 1),
    st.integers(1, NEAR),
    st.integers(N - NEAR, N - 1),
    st.integers(N // 2 - NEAR, N // 2 + NEAR),
    st.integers(0, 255).map(lambda i: 1 << i),
    st.integers(1, 2**128),
)
entropy = st.one_of(st.binary(min_size=32, max_size=32), st.just(bytes(32)))


def number(value: int) -> bytes:
    return value.to_bytes(32, "big")


@given(in_group, st.binary(max_size=200), entropy)
def test_signatures_are_the_same_to_the_byte(secret, message, aux):
    expected = libsecp256k1_sign(number(secret), message, aux)
    prover = schnorr.Prover(number(secret))
    assert prover.sign(message, aux) == expected
    assert prover.public_key == number(multiple_of_generator(secret)[0])
    assert schnorr.verify(prover.public_key, message, expected)


@given(in_group)
def test_multiples_of_the_generator(k):
    assert curve.multiply_generator(k) == multiple_of_generator(k)


@given(in_group, in_group, in_group)
def test_sums_of_multiples(s, t, factor):
    point = multiple_of_generator(factor)
    k = (s + t * factor) % N
    expected = multiple_of_generator(k) if k else None
    assert curve.multiply_add(s, t, point) == expected


@given(in_group, in_group)
def test_sums_that_vanish(t, factor):
    assert curve.multiply_add(-t * factor % N, t, multiple_of_generator(factor)) is None


@given(st.one_of(st.integers(0, 2**256 - 1), st.integers(0, NEAR), st.integers(P - NEAR, P + NEAR)))
@settings(max_examples=how_many(200, 2_000))
def test_lifting(x):
    point = curve.lift_x(number(x))
    if x >= P or pow(x**3 + 7, (P - 1) // 2, P) != 1:
        assert point is None
    else:
        assert point is not None
        assert point[0] == x
        assert point[1] % 2 == 0
        assert (point[1] ** 2 - x**3 - 7) % P == 0


STRANGE = [0, 1, 2, 3, 5, N - 1, N, N + 1, P - 1, P, P + 1, 2**255, 2**256 - 1]


def statement(random: Random) -> tuple[str, bytes, bytes, bytes]:
    """(kind, public key, message, signature): valid, or wrong in one of the known ways."""
    secret = random.randrange(1, N)
    x, y = multiple_of_generator(secret)
    d = N - secret if y & 1 else secret
    public_key = number(x)
    message = random.randbytes(random.choice((0, 1, 32, 32, 32, 100)))
    signature = libsecp256k1_sign(number(secret), message, random.randbytes(32))
    what = random.choice(
        ("valid", "valid", "valid", "valid", "bit of r", "bit of s", "bit of key", "message",
         "strange r", "strange s", "strange key", "odd R", "infinity", "negated s", "other key",
         "length")
    )  # fmt: skip
    if what == "bit of r":
        i = random.randrange(256)
        signature = number(int.from_bytes(signature[:32], "big") ^ 1 << i) + signature[32:]
    elif what == "bit of s":
        i = random.randrange(256)
        signature = signature[:32] + number(int.from_bytes(signature[32:], "big") ^ 1 << i)
    elif what == "bit of key":
        public_key = number(x ^ 1 << random.randrange(256))
    elif what == "message":
        message += b"\x00"
    elif what == "strange r":
        signature = number(random.choice(STRANGE)) + signature[32:]
    elif what == "strange s":
        signature = signature[:32] + number(random.choice(STRANGE))
    elif what == "strange key":
        public_key = number(random.choice(STRANGE))
    elif what == "odd R":
        k = random.randrange(1, N)
        nonce_x, nonce_y = multiple_of_generator(k)
        if not nonce_y & 1:
            k = N - k
        e = challenge_scalar(number(nonce_x), public_key, message)
        signature = number(nonce_x) + number((k + e * d) % N)
    elif what == "infinity":
        r = number(random.choice((0, 1, random.randrange(P), x)))
        signature = r + number(challenge_scalar(r, public_key, message) * d % N)
    elif what == "negated s":
        signature = signature[:32] + number(N - int.from_bytes(signature[32:], "big"))
    elif what == "other key":
        public_key = number(multiple_of_generator(random.randrange(1, N))[0])
    elif what == "length":
        signature = random.choice((signature[:63], signature + b"\x00", b"", signature * 2))
    return what, public_key, message, signature


def fault_by_textbook(public_key: bytes, message: bytes, signature: bytes) -> int:
    """The fault that the same verifier finds with the textbook engine."""
    before = engines.active
    engines.active = fake_native
    try:
        return schnorr.check(public_key, message, signature)
    finally:
        engines.active = before


def test_verifiers_agree():
    random = Random(os.urandom(8).hex() if how_many(0, 1) else "repeat")
    counts: Counter[tuple[str, bool]] = Counter()
    for _ in range(how_many(400, 10_000)):
        what, public_key, message, signature = statement(random)
        fault = schnorr.check(public_key, message, signature)
        verdict = fault == faults.OK
        assert fault == fault_by_textbook(public_key, message, signature)
        context = (what, public_key.hex(), message.hex(), signature.hex())
        assert verdict == libsecp256k1_verify(public_key, message, signature), context
        assert verdict == ecdsa_verify(public_key, message, signature), context
        assert verdict == (what == "valid"), context
        counts[what, verdict] += 1
    assert len(counts) == 13, counts
    assert min(counts.values()) >= 8, counts


def test_signatures_made_here_convince_the_others():
    random = Random("ours")
    for _ in range(how_many(30, 1_000)):
        prover = schnorr.Prover(number(random.randrange(1, N)))
        message = random.randbytes(32)
        signature = prover.sign(message, random.randbytes(32))
        assert libsecp256k1_verify(prover.public_key, message, signature)
        assert ecdsa_verify(prover.public_key, message, signature)
