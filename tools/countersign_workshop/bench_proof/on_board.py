# What `countersign bench-proof` measures, as it runs on a board: MicroPython, either engine.
#
# The board's own prelude has defined
#   count(work, ready): the cost of work(), in the board's unit (cycles, instructions or
#     microseconds); ready() is called before each work(), which may be done more than once
#   stack_of(work): bytes of stack that work() needs, or None where that cannot be seen
# ruff: noqa: F821 - those two

import gc

from countersign.proofs import coupons, ring, schnorr
from countersign.tagged import tagged_sha256


def derived(label, index=0):
    # Nobody's secrets: they never leave the measurement.
    return tagged_sha256("countersign/bench-proof/" + label, bytes([index]))


prover = schnorr.Prover(derived("secret", 0))
other = schnorr.Prover(derived("secret", 1))
message = derived("message")
entropy = derived("entropy")
signature = prover.sign(message, entropy)
other_signature = other.sign(message, entropy)


def checked(key, signed):
    # That the measured thing works is part of the measurement.
    if not schnorr.verify(key, message, signed):
        raise RuntimeError("a signature does not verify")


def settled(work, ready=None):
    """What it costs to do it again: the first times also look up names and spread out the heap."""
    for _ in range(2):
        count(work, ready)
    return count(work, ready)


def prove():
    return settled(lambda: prover.sign(message, entropy))


def prove_coupon():
    pool = coupons.Coupons(prover, lambda: entropy, lambda: 7, 1)
    result = settled(lambda: pool.sign(message), pool.prepare)
    if pool.count:
        raise RuntimeError("the coupon was not used")
    return result


def verify():
    # With another key's point prepared before.
    return settled(
        lambda: schnorr.verify(prover.public_key, message, signature),
        lambda: checked(other.public_key, other_signature),
    )


def verify_cached():
    return settled(
        lambda: schnorr.verify(prover.public_key, message, signature),
        lambda: checked(prover.public_key, signature),
    )


def ring_of(size):
    members = [prover] + [schnorr.Prover(derived("member", i)) for i in range(1, size)]
    return sorted([member.public_key for member in members])


def or_prove(size):
    keys = ring_of(size)
    return count(lambda: ring.prove(prover, keys, b"site", message, entropy))


def or_verify(size):
    keys = ring_of(size)
    proof = ring.prove(prover, keys, b"site", message, entropy)
    if not ring.verify(keys, b"site", message, proof):
        raise RuntimeError("an OR-proof does not verify")
    return count(lambda: ring.verify(keys, b"site", message, proof))


def stack():
    needs = [
        stack_of(lambda: prover.sign(message, entropy)),
        stack_of(lambda: schnorr.verify(other.public_key, message, other_signature)),
        stack_of(lambda: schnorr.verify(prover.public_key, message, signature)),
    ]
    return None if None in needs else max(needs)


def heap_of_one_proof():
    """Bytes that a proof and its verification allocate, none given back until they end."""
    gc.collect()
    gc.disable()
    try:
        before = gc.mem_alloc()
        prover.sign(message, entropy)
        schnorr.verify(prover.public_key, message, signature)
        return gc.mem_alloc() - before
    except MemoryError:
        return None
    finally:
        gc.enable()
