"""Two engines behind one interface: the choice between them, and the state that they keep."""

import gc
import sys

from countersign.proofs import engines, faults, pure_engine, schnorr
from countersign.tagged import tagged_sha256
from support.protocol import fake_native
from support.protocol.both_engines import answer, number
from support.protocol.fake_native import Broken
from support.skip import skip

SECRET = bytes([7] * 32)
MESSAGE = bytes([1] * 32)
ENTROPY = bytes([3] * 32)
KEY = schnorr.public_key(SECRET)
SIGNATURE = schnorr.sign(SECRET, MESSAGE, ENTROPY)


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
                # Zero is refused, however it comes about.
                assert fault is not None and fault.startswith("generate"), fault
            else:
                assert fault == expected, (name, fault)
            assert engines.name() == "pure" and engines.active is pure_engine
    finally:
        engines.choose()


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
