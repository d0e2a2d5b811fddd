"""Coupons: whatever happens, no nonce ever answers two challenges.

The tests watch that property itself: the engine in use records every (nonce, challenge scalar) that
it answers with the key, and `one_answer_each` checks the records.
"""

from countersign.proofs import coupons, engines, faults, schnorr
from support.protocol.watched_engine import Injected, Watched

SECRET = bytes([7] * 32)
ENTROPY = bytes([3] * 32)


class Bench:
    """A device's key with a pool, on a watched engine. Its entropy counts up, or is stuck."""

    def __init__(self, capacity=4, stuck=False):
        self.engine = Watched()
        engines.active = self.engine
        self.prover = schnorr.Prover(SECRET)
        self.engine.secret = self.prover._d
        self.stuck = stuck
        self.draws = 0
        self.boots = 0
        self.capacity = capacity
        self.boot()

    def boot(self):
        """Reset the device: RAM is lost, and the durable boot count grows."""
        self.boots += 1
        self.serial = self.boots << 64
        self.pool = coupons.Coupons(self.prover, self.take_entropy, self.next_serial, self.capacity)

    def take_entropy(self):
        self.draws += 1
        return ENTROPY if self.stuck else self.draws.to_bytes(32, "big")

    def next_serial(self):
        self.serial += 1
        return self.serial

    def fill(self):
        while self.pool.prepare():
            pass

    def sign(self, message, self_check=False):
        signature = self.pool.sign(message, self_check)
        assert schnorr.check(self.prover.public_key, message, signature) == faults.OK
        return signature

    def sign_another(self):
        self.sign(b"inner")


def watched(test):
    def run():
        try:
            test()
        finally:
            engines.choose()

    return run


def raised(call, *arguments):
    try:
        call(*arguments)
    except BaseException as error:  # noqa: BLE001 - every kind is a possible answer here
        return type(error)
    return None


def sign_from_coupons():
    bench = Bench(3)
    assert bench.pool.count == 0
    bench.fill()
    assert bench.pool.count == 3 and not bench.pool.prepare()
    draws = bench.draws
    commitments = set()
    for i in range(3):
        commitments.add(bench.sign(bytes([i]))[:32])
        assert bench.pool.count == 2 - i
    assert bench.draws == draws  # the pool took the entropy when it made them
    # With no coupon left the pool makes a full proof, and stays as usable as before.
    commitments.add(bench.sign(b"full")[:32])
    assert bench.draws == draws + 1
    assert bench.pool.prepare()
    commitments.add(bench.sign(b"again", True)[:32])
    assert len(commitments) == 5
    assert bench.engine.one_answer_each() == 5


test_sign_from_coupons = watched(sign_from_coupons)


def cost_of_a_coupon():
    bench = Bench(1)
    bench.fill()
    before = bench.engine.calls
    signature = bench.pool.sign(b"m")
    assert bench.engine.calls == before + 1  # one multiply-add
    assert schnorr.verify(bench.prover.public_key, b"m", signature)


test_a_coupon_costs_one_multiply_add = watched(cost_of_a_coupon)


def any_fault():
    """Stop at every call of the engine, before and after its work, with an ordinary exception and
    with an interrupt. Then go on signing until the pool is used up."""
    stopped = 0
    for error in (Injected, KeyboardInterrupt):
        for after in (False, True):
            for step in range(1, 12):
                bench = Bench(2)
                bench.fill()
                bench.engine.calls = 0
                bench.engine.fail_at = step
                bench.engine.after = after
                bench.engine.error = error
                for i in range(4):
                    left = bench.pool.count
                    kind = raised(bench.pool.sign, bytes([i]), i == 0)
                    assert kind in (None, error)
                    stopped += kind is error
                    # The call failed, but its coupon is spent all the same.
                    assert bench.pool.count == max(0, left - 1)
                raised(bench.pool.prepare)
                bench.engine.fail_at = None
                bench.fill()
                for i in range(3):
                    bench.sign(bytes([10 + i]))
                bench.engine.one_answer_each()
    assert stopped > 30, stopped


test_no_exception_gives_a_coupon_back = watched(any_fault)


def faulty_sources():
    bench = Bench(2)

    def fails(*arguments):
        raise Injected

    for name in ("_take_entropy", "_next_serial"):
        right = getattr(bench.pool, name)
        setattr(bench.pool, name, fails)
        assert raised(bench.pool.prepare) is Injected
        assert bench.pool.count == 0
        setattr(bench.pool, name, right)
    right = schnorr._challenge_scalar
    bench.fill()
    schnorr._challenge_scalar = fails
    try:
        assert raised(bench.pool.sign, b"m") is Injected
    finally:
        schnorr._challenge_scalar = right
    assert bench.pool.count == 1
    for message in (None, "text", 5, [1]):
        assert raised(bench.pool.sign, message) is TypeError
    assert bench.pool.count == 1  # the pool sees misuse before it touches a coupon
    bench.sign(b"m")
    bench.sign(b"n")
    bench.engine.one_answer_each()


test_faulty_sources = watched(faulty_sources)


def reentrancy():
    """A reentrant call, as from a callback, takes another coupon or makes a full proof."""
    for left in (1, 2, 3):
        bench = Bench(left)
        bench.fill()
        bench.engine.within = bench.sign_another
        bench.sign(b"outer")
        assert bench.engine.one_answer_each() == 2
    # The entropy source calls back while the pool makes a coupon.
    bench = Bench(2)
    bench.fill()
    bench.sign(b"one")
    take = bench.pool._take_entropy

    def take_and_sign():
        bench.pool._take_entropy = take
        bench.sign(b"two")
        bench.pool.prepare()
        return take()

    bench.pool._take_entropy = take_and_sign
    bench.pool.prepare()
    while bench.pool.count:
        bench.sign(bytes([bench.pool.count]))
    bench.engine.one_answer_each()


test_reentrancy = watched(reentrancy)


def copying():
    bench = Bench(3)
    bench.fill()
    assert raised(bench.pool.__reduce_ex__, 4) is TypeError
    assert raised(bench.pool._pool[0].__reduce_ex__, 4) is TypeError
    try:
        import copy
        import pickle
    except ImportError:
        copy = None  # MicroPython has no way to copy an object
    if copy is not None:
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            assert raised(duplicate, bench.pool) is TypeError
            assert raised(duplicate, bench.pool._pool) in (TypeError, None)
    # A caller can copy the list. The copy holds the same coupons, and they are spent.
    stolen = list(bench.pool._pool)
    nonces = [coupon._k for coupon in stolen]
    for i in range(3):
        bench.sign(bytes([i]))
    for coupon, k in zip(stolen, nonces):
        assert k == bytearray(32)  # wiped
        assert raised(coupon.take) is RuntimeError
    bench.pool._pool += stolen
    for i in range(3):
        assert raised(bench.pool.sign, bytes([10 + i])) is RuntimeError
    bench.sign(b"full")
    bench.engine.one_answer_each()


test_copies_are_refused_or_spent = watched(copying)


def resets():
    """No nonce repeats with stuck entropy, the same messages and a reset at every moment."""
    bench = Bench(2, stuck=True)
    commitments = []
    for used in range(4):
        bench.fill()
        for i in range(used):
            commitments.append(bench.sign(bytes([used, i]))[:32])
        bench.boot()
        assert bench.pool.count == 0  # RAM only
    # A new pool within the same boot, as after a reconnection, goes on counting.
    bench.fill()
    commitments.append(bench.sign(b"before")[:32])
    bench.pool = coupons.Coupons(bench.prover, bench.take_entropy, bench.next_serial, 2)
    bench.fill()
    commitments.append(bench.sign(b"after")[:32])
    assert len(set(commitments)) == len(commitments)
    assert bench.engine.one_answer_each() == len(commitments)


test_no_reset_repeats_a_coupon = watched(resets)


def serial_wound_back():
    # With an old flash image the boot count repeats, and fresh entropy keeps the nonces apart.
    bench = Bench(2)
    bench.fill()
    first = bench.sign(b"one")[:32]
    bench.boots -= 1
    bench.boot()
    bench.fill()
    assert bench.sign(b"two")[:32] != first
    bench.engine.one_answer_each()


test_entropy_alone_keeps_coupons_apart = watched(serial_wound_back)


def discarding():
    bench = Bench(3)
    bench.fill()
    nonces = [coupon._k for coupon in bench.pool._pool]
    bench.pool.discard()
    assert bench.pool.count == 0
    assert nonces == [bytearray(32)] * 3
    bench.sign(b"m")


test_discarded_coupons_are_wiped = watched(discarding)


def self_check():
    bench = Bench(2)
    bench.fill()
    right = bench.engine.respond
    bench.engine.respond = lambda k, e, d: right(k, bytes(31) + b"\x05", d)
    assert raised(bench.pool.sign, b"m", True) is RuntimeError
    assert bench.pool.count == 1


test_self_check_catches_a_fault = watched(self_check)


def test_known_answer():
    serials = [5, 6]
    pool = coupons.Coupons(schnorr.Prover(SECRET), lambda: ENTROPY, lambda: serials.pop(0), 2)
    pool.prepare()
    assert pool.sign(b"message").hex() == KNOWN
    assert "_k" not in repr(pool) and "07070707" not in repr(pool)


KNOWN = (
    "eb301db7abf13f7060cfbf8489be0ebfcb326cf4b30918f8efe50e774eba27b7"
    "63ad7659fae4782efc6597d3bf3924ee059dc40795567e798fc0262c60f1bfc5"
)
