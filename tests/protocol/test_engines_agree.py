"""Two engines behind one interface: the same answers, and the same faults."""

from countersign.proofs import curve, engines, faults, pure_engine, schnorr
from support.protocol import fake_native, vector_files
from support.protocol.both_engines import answer, number, on_both

SECRET = bytes([7] * 32)
MESSAGE = bytes([1] * 32)
ENTROPY = bytes([3] * 32)
KEY = schnorr.public_key(SECRET)
SIGNATURE = schnorr.sign(SECRET, MESSAGE, ENTROPY)


def committed_vectors():
    for case in vector_files.load("schnorr"):
        public_key = bytes.fromhex(case["public_key"])
        message = bytes.fromhex(case["message"])
        signature = bytes.fromhex(case["signature"])
        if "secret" in case:
            prover = schnorr.Prover(bytes.fromhex(case["secret"]))
            assert prover.public_key == public_key, case["what"]
            assert prover.sign(message, bytes.fromhex(case["aux"])) == signature, case["what"]
        fault = schnorr.check(public_key, message, signature)
        assert (fault == faults.OK) == case["valid"], case["what"]


test_committed_vectors_on_both = on_both(committed_vectors)


def signature_of(k, e_times_d_from):
    """(r, s) as a faulty or hostile prover may make it, with nonce k and either parity of y."""
    d = int.from_bytes(schnorr.Prover(SECRET)._d, "big")
    r = pure_engine.generate(number(k))[:32]
    e = int.from_bytes(schnorr._challenge_scalar(r, KEY, MESSAGE), "big")
    return r + number((e_times_d_from(k) + e * d) % curve.N)


def bad_signatures():
    """(public key, signature, fault) for each known kind of fault."""
    r, s = SIGNATURE[:32], SIGNATURE[32:]
    even = odd = None
    for k in range(1, 30):
        if pure_engine.generate(number(k))[63] & 1:
            odd = k
        else:
            even = k
    assert schnorr.check(KEY, MESSAGE, signature_of(even, lambda k: k)) == faults.OK
    infinity = signature_of(even, lambda k: 0)
    return (
        (KEY, SIGNATURE, faults.OK),
        # Wrong types and lengths, which are checked before any value.
        (None, SIGNATURE, faults.NOT_BYTES),
        (KEY, "a" * 64, faults.NOT_BYTES),
        (KEY, 64, faults.NOT_BYTES),
        (bytes(3), None, faults.NOT_BYTES),
        (b"", SIGNATURE, faults.WRONG_LENGTH),
        (KEY[:31], SIGNATURE, faults.WRONG_LENGTH),
        (b"\x02" + KEY, SIGNATURE, faults.WRONG_LENGTH),
        (KEY, SIGNATURE[:63], faults.WRONG_LENGTH),
        (KEY, SIGNATURE + b"\x00", faults.WRONG_LENGTH),
        (bytes(32), SIGNATURE[:63], faults.WRONG_LENGTH),
        # The key: zero, not on the curve, p and beyond.
        (bytes(32), SIGNATURE, faults.KEY_NOT_A_POINT),
        (number(5), SIGNATURE, faults.KEY_NOT_A_POINT),
        (number(curve.P), SIGNATURE, faults.KEY_NOT_A_POINT),
        (number(curve.P + 1), SIGNATURE, faults.KEY_NOT_A_POINT),
        (b"\xff" * 32, b"\xff" * 64, faults.KEY_NOT_A_POINT),
        # r ≥ p, then s ≥ n.
        (KEY, number(curve.P) + s, faults.COMMITMENT_OUT_OF_RANGE),
        (KEY, b"\xff" * 64, faults.COMMITMENT_OUT_OF_RANGE),
        (KEY, r + number(curve.N), faults.RESPONSE_OUT_OF_RANGE),
        (KEY, r + b"\xff" * 32, faults.RESPONSE_OUT_OF_RANGE),
        # The equation: infinity, odd y, other points, zeros.
        (KEY, infinity, faults.EQUATION_FAILS),
        (KEY, bytes(32) + infinity[32:], faults.EQUATION_FAILS),
        (KEY, signature_of(odd, lambda k: k), faults.EQUATION_FAILS),
        (KEY, r + number(curve.N - int.from_bytes(s, "big")), faults.EQUATION_FAILS),
        (KEY, bytes(64), faults.EQUATION_FAILS),
        (KEY, r + bytes(32), faults.EQUATION_FAILS),
        (KEY, number(curve.P - 1) + number(curve.N - 1), faults.EQUATION_FAILS),
        (pure_engine.generate(number(9))[:32], SIGNATURE, faults.EQUATION_FAILS),
    )


CASES = bad_signatures()


def reasons():
    for public_key, signature, expected in CASES:
        fault = schnorr.check(public_key, MESSAGE, signature)
        assert fault == expected, (faults.NAMES[fault], faults.NAMES[expected])
        assert schnorr.verify(public_key, MESSAGE, signature) is (expected == faults.OK)


test_reasons_on_both = on_both(reasons)


def misuse():
    for secret in (
        bytes(32),
        number(curve.N),
        b"\xff" * 32,
        bytes(31),
        bytes(33),
        None,
        7,
        "a" * 32,
    ):
        assert answer(schnorr.Prover, secret) is ValueError
    assert answer(schnorr.check, KEY, "text", SIGNATURE) is TypeError


test_misuse_on_both = on_both(misuse)


def test_both_refuse_the_same_input():
    point = pure_engine.generate(number(2))
    bad_scalars = (number(curve.N), b"\xff" * 32, bytes(31), bytes(33), b"", None, 5, "a" * 32, [1])
    bad_points = (
        bytes(64),
        point[:63],
        point + b"\x00",
        point[:63] + b"\x01",
        b"\xff" * 64,
        None,
        64,
    )
    bad_points += (number(curve.P + 1) + point[32:], "a" * 64, point[:32] + number(curve.P))
    one, zero = number(1), bytes(32)
    calls = [("generate", (zero,)), ("linear", (zero, point))]
    calls += [("respond", (zero, one, one)), ("respond", (one, one, zero))]
    for bad in bad_scalars:
        calls += [("generate", (bad,)), ("linear", (bad, point)), ("lift_x", (bad,))]
        calls += [("respond", (bad, one, one)), ("respond", (one, bad, one))]
        calls += [("respond", (one, one, bad))]
        calls += [("multiply_add", (bad, one, point)), ("multiply_add", (one, bad, point))]
        calls += [("verify_equation", (point, bad, one, one))]
        calls += [("verify_equation", (point, one, bad, one))]
        calls += [("verify_equation", (point, one, one, bad))]
    for bad in bad_points:
        calls += [("linear", (one, bad)), ("prepare", (bad,)), ("multiply_add", (one, one, bad))]
        calls += [("verify_equation", (bad, one, one, one))]
    refused = 0
    for name, arguments in calls:
        pure = answer(getattr(pure_engine, name), *arguments)
        native = answer(getattr(fake_native, name), *arguments)
        assert pure == native, (name, arguments)
        refused += pure in (TypeError, ValueError)
    assert refused > 90, refused


def test_composed_operations():
    five, six = pure_engine.generate(number(5)), pure_engine.generate(number(6))
    minus_five = pure_engine.generate(number(curve.N - 5))

    def composed():
        active = engines.active
        assert engines.add(five, six) == active.generate(number(11))
        assert engines.add(five, five) == active.generate(number(10))
        assert engines.add(five, minus_five) is None
        for one, other in ((five, six), (active.prepare(five), active.prepare(six))):
            got = engines.combine(number(3), one, number(curve.N - 2), other)
            assert got == active.generate(number(3))
            assert engines.combine(number(6), one, number(curve.N - 5), other) is None
            assert engines.combine(bytes(32), one, number(1), other) == six
            assert engines.combine(number(1), one, bytes(32), other) == five
            assert engines.combine(bytes(32), one, bytes(32), other) is None
        assert engines.negated(number(5)) == number(curve.N - 5)
        for point in (five, minus_five):
            k = number(5) if point is five else number(curve.N - 5)
            assert active.generate(engines.even(k, point))[63] & 1 == 0
        for digest in (5, curve.N - 5, curve.N + 5):
            k, x = engines.commit(number(digest))
            point = active.generate(k)
            assert (x, point[63] & 1) == (five[:32], 0)
            assert k in (number(5), number(curve.N - 5)) and isinstance(k, bytearray)
        for zero in (0, curve.N):
            try:
                engines.commit(number(zero))
                raise AssertionError("a nonce of zero")
            except ValueError:
                pass
        masked = bytearray(range(32))
        engines.xor(masked, bytes(range(100, 132)))
        assert masked == bytes([i ^ (i + 100) for i in range(32)])

    on_both(composed)()
    assert engines.reduced(number(curve.N - 1)) == number(curve.N - 1)
    assert engines.reduced(number(curve.N)) == bytes(32)
    assert engines.reduced(b"\xff" * 32) == number(2**256 - 1 - curve.N)
