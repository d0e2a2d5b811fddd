"""Two engines behind one interface: chosen by a self-test, and the same to whoever uses them."""

import gc
import sys

from countersign.proofs import curve, engines, faults, pure_engine, schnorr
from countersign.tagged import tagged_sha256
from support.protocol import fake_native, vector_files
from support.protocol.fake_native import Broken
from support.skip import skip

SECRET = bytes([7] * 32)
MESSAGE = bytes([1] * 32)
ENTROPY = bytes([3] * 32)
KEY = schnorr.public_key(SECRET)
SIGNATURE = schnorr.sign(SECRET, MESSAGE, ENTROPY)


def number(value):
    return value.to_bytes(32, "big")


def on_both(test):
    """Run a test with the pure engine and with the native one's stand-in; the machine's own
    choice is restored."""

    def run():
        try:
            for candidate in (None, fake_native):
                engines.use(candidate)
                assert engines.name() == ("pure" if candidate is None else "native")
                test()
        finally:
            engines.choose()

    return run


def answer(function, *arguments):
    """What a call returns, or the type of what it raises."""
    try:
        return function(*arguments)
    except Exception as error:  # noqa: BLE001 - any kind is an answer here
        return type(error)


def test_the_choice_is_reported():
    assert schnorr.engine() in ("native", "pure")
    assert (schnorr.engine_fault() is None) == (schnorr.engine() == "native")


def test_every_engine_passes_the_self_test():
    assert engines.self_test(pure_engine) is None
    assert engines.self_test(fake_native) is None


def test_a_native_module_is_found_and_taken():
    before = sys.modules.get("countersign_native")
    try:
        sys.modules["countersign_native"] = fake_native
        engines.choose()
        assert schnorr.engine() == "native" and schnorr.engine_fault() is None
        assert schnorr.sign(SECRET, MESSAGE, ENTROPY) == SIGNATURE
        sys.modules["countersign_native"] = Broken(fake_native, respond=lambda k, e, d: d)
        engines.choose()
        assert schnorr.engine() == "pure"
        assert schnorr.engine_fault() == "respond: wrong answer"
        assert schnorr.sign(SECRET, MESSAGE, ENTROPY) == SIGNATURE
    finally:
        del sys.modules["countersign_native"]
        if before is not None:
            sys.modules["countersign_native"] = before
        engines.choose()


def test_a_broken_engine_is_refused():
    native = fake_native

    def fails(*arguments):
        raise OSError("a fault of the module")

    def nearly(function):
        def wrong(*arguments):
            result = function(*arguments)
            if isinstance(result, bytes):
                return result[:-1] + bytes([result[-1] ^ 1])
            return result

        return wrong

    def reducing(k):
        return native.generate(number(int.from_bytes(k, "big") % native.N))

    def any_parity(point, r, s, e):
        minus_e = number(-int.from_bytes(e, "big") % native.N)
        if int.from_bytes(s, "big") >= native.N:
            return False
        commitment = native.multiply_add(s, minus_e, point)
        return commitment is not None and commitment[:32] == r

    def zero_for_infinity(s, t, point):
        return native.multiply_add(s, t, point) or bytes(64)

    def any_point(k, point):
        try:
            return native.linear(k, point)
        except ValueError:
            return bytes(64) if k != bytes(32) else native.linear(k, point)

    def odd(x):
        point = native.lift_x(x)
        return point and point[:32] + number(native.P - int.from_bytes(point[32:], "big"))

    def wraps(x):
        return native.lift_x(number(int.from_bytes(x, "big") % native.P) if len(x) == 32 else x)

    kinds = (
        ("generate", fails, "generate: OSError"),
        ("prepare", fails, "prepare: OSError"),
        ("generate", None, "generate: AttributeError"),
        ("linear", None, "linear: AttributeError"),
        ("generate", nearly(native.generate), "generate: wrong answer"),
        ("respond", nearly(native.respond), "respond: wrong answer"),
        ("linear", nearly(native.linear), "linear: wrong answer"),
        ("linear", any_point, "linear: wrong answer"),
        ("lift_x", nearly(native.lift_x), "lift_x: wrong answer"),
        ("lift_x", odd, "lift_x: wrong answer"),
        ("lift_x", wraps, "lift_x: wrong answer"),
        ("multiply_add", nearly(native.multiply_add), "multiply_add: wrong answer"),
        ("multiply_add", zero_for_infinity, "multiply_add: wrong answer"),
        ("generate", reducing, "generate: wrong answer"),
        ("verify_equation", lambda *arguments: True, "verify_equation: wrong answer"),
        ("verify_equation", lambda *arguments: False, "verify_equation: wrong answer"),
        ("verify_equation", lambda *arguments: 1, "verify_equation: wrong answer"),
        ("verify_equation", any_parity, "verify_equation: wrong answer"),
        ("commit", lambda k: native.generate(k)[:32], "commit: wrong answer"),
        ("xor", lambda into, other: None, "xor: wrong answer"),
        ("xor", lambda into, other: bytes(into), "xor: wrong answer"),
        ("add", lambda one, other: one, "add: wrong answer"),
        ("combine", lambda s, one, t, other: one, "combine: wrong answer"),
    )
    try:
        for name, replaced, expected in kinds:
            fault = engines.use(Broken(native, **{name: replaced}))
            if replaced is reducing:
                # Zero has no multiple, whichever way it is reached.
                assert fault is not None and fault.startswith("generate"), fault
            else:
                assert fault == expected, (name, fault)
            assert engines.name() == "pure" and engines.active is pure_engine
    finally:
        engines.choose()


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
    """(r, s) as a faulty or hostile prover may make it: nonce k, whatever its parity."""
    d = int.from_bytes(schnorr.Prover(SECRET)._d, "big")
    r = pure_engine.generate(number(k))[:32]
    e = int.from_bytes(schnorr._challenge_scalar(r, KEY, MESSAGE), "big")
    return r + number((e_times_d_from(k) + e * d) % curve.N)


def bad_signatures():
    """(public key, signature, fault): each known way to be wrong."""
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
        # Not bytes, wrong lengths; both are looked at before any value is.
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


def test_the_pure_engine_collects_when_the_heap_is_full():
    if not hasattr(gc, "threshold"):
        skip("this interpreter's collector has no threshold")
    before = gc.threshold()
    gc.threshold(16384)
    try:
        assert pure_engine._gathering(lambda: gc.threshold())() == -1
        assert gc.threshold() == 16384
        assert pure_engine.verify_equation(
            pure_engine.lift_x(KEY), SIGNATURE[:32], SIGNATURE[32:], challenge_of_signature()
        )
        assert gc.threshold() == 16384
        assert answer(pure_engine.generate, bytes(32)) is ValueError
        assert gc.threshold() == 16384
    finally:
        gc.threshold(before)


def test_a_point_verified_with_again_answers_the_same():
    point = pure_engine.prepare(pure_engine.lift_x(KEY))
    e = challenge_of_signature()
    wrong = bytes([e[0] ^ 1]) + e[1:]
    for _ in range(3):
        assert pure_engine.verify_equation(point, SIGNATURE[:32], SIGNATURE[32:], e)
        assert not pure_engine.verify_equation(point, SIGNATURE[:32], SIGNATURE[32:], wrong)


def challenge_of_signature():
    return tagged_sha256("BIP0340/challenge", SIGNATURE[:32], KEY, MESSAGE)


def test_a_remembered_key_does_not_outlive_its_engine():
    try:
        engines.use(None)
        assert schnorr.verify(KEY, MESSAGE, SIGNATURE)
        engines.use(fake_native)
        assert schnorr.verify(KEY, MESSAGE, SIGNATURE)
        engines.use(None)
        assert schnorr.verify(KEY, MESSAGE, SIGNATURE)
    finally:
        engines.choose()


def test_a_lifted_point_is_prepared_only_where_that_gives_more():
    asked = []

    def marked(point):
        asked.append(point)
        return fake_native.prepare(point)

    def the_point(point):
        return marked(point)[len(fake_native.MARK) :]

    try:
        for prepare, times in ((marked, 1), (the_point, 0)):
            assert engines.use(Broken(fake_native, prepare=prepare)) is None
            del asked[:]
            assert schnorr.verify(KEY, MESSAGE, SIGNATURE)
            assert schnorr.verify(KEY, MESSAGE, SIGNATURE)
            assert not schnorr.verify(KEY, ENTROPY, SIGNATURE)
            assert len(asked) == times
    finally:
        engines.choose()


def test_faults_have_names_and_numbers_of_their_own():
    constants = [
        (name, value)
        for name, value in [(name, getattr(faults, name)) for name in dir(faults)]
        if isinstance(value, int)
    ]
    assert len(constants) == len(faults.NAMES) == len(set([value for _, value in constants]))
    for name, value in constants:
        assert faults.NAMES[value] == name
