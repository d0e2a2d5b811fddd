"""The ring proof: it shows one of N keys without saying which, and gives one tag for each site.

Rings are small here, because Python is slow. tests/protocol/on_cpython has all sizes and an
independent verifier.
"""

import sys

from countersign.proofs import curve, engines, faults, pure_engine, ring, schnorr, sigma
from support.protocol import fake_native

SIZE = 5 if sys.maxsize > 2**32 else 3
PROVERS = [schnorr.Prover(bytes([i + 1] * 32)) for i in range(SIZE)]
PROVERS.sort(key=lambda prover: prover.public_key)
RING = [prover.public_key for prover in PROVERS]
OUTSIDER = schnorr.Prover(bytes([99] * 32))
SITE = b"store-17"
MESSAGE = bytes([1] * 32)
ENTROPY = bytes([3] * 32)
PROOF = ring.prove(PROVERS[1], RING, SITE, MESSAGE, ENTROPY)


def number(value):
    return value.to_bytes(32, "big")


def raises(call, *arguments):
    try:
        call(*arguments)
    except ValueError:
        return True
    return False


def changed(start, part):
    return PROOF[:start] + part + PROOF[start + len(part) :]


def test_every_member_convinces():
    tags = set()
    for prover in PROVERS:
        proof = ring.prove(prover, RING, SITE, MESSAGE, ENTROPY)
        assert len(proof) == ring.proof_bytes(SIZE) == 33 + 64 * SIZE
        assert ring.check(RING, SITE, MESSAGE, proof) == faults.OK
        assert ring.verify(RING, SITE, MESSAGE, bytearray(proof)) is True
        assert proof[: ring.TAG_BYTES] == ring.tag(prover, SITE)
        tags.add(proof[: ring.TAG_BYTES])
    assert len(tags) == SIZE


def test_the_tag_is_that_of_device_and_site():
    other = ring.prove(PROVERS[1], RING[:2], SITE, bytes(32), bytes(32))
    assert other[:33] == PROOF[:33]  # another ring, message and entropy
    assert ring.check(RING[:2], SITE, bytes(32), other) == faults.OK
    assert ring.tag(PROVERS[1], b"store-18") != PROOF[:33]
    assert ring.tag(PROVERS[1], SITE + b"\x00") != PROOF[:33]


def test_a_proof_is_for_its_ring_site_and_message():
    assert ring.check(RING, SITE, bytes(32), PROOF) == faults.EQUATION_FAILS
    assert ring.check(RING, b"store-18", MESSAGE, PROOF) == faults.EQUATION_FAILS
    other = sorted(RING[:-1] + [OUTSIDER.public_key])
    assert ring.check(other, SITE, MESSAGE, PROOF) == faults.EQUATION_FAILS
    assert ring.check(RING[:-1], SITE, MESSAGE, PROOF) == faults.WRONG_LENGTH


def test_a_tag_cannot_be_exchanged():
    for tag in (ring.tag(PROVERS[0], SITE), ring.tag(PROVERS[1], b"store-18")):
        assert ring.check(RING, SITE, MESSAGE, changed(0, tag)) == faults.EQUATION_FAILS
    negated = changed(0, bytes([PROOF[0] ^ 1]))
    assert ring.check(RING, SITE, MESSAGE, negated) == faults.EQUATION_FAILS


def test_every_part_counts():
    for start in range(33, len(PROOF), 32):
        flipped = changed(start + 31, bytes([PROOF[start + 31] ^ 1]))
        assert ring.check(RING, SITE, MESSAGE, flipped) == faults.EQUATION_FAILS, start
    # Branches cannot change places.
    swapped = PROOF[:33] + PROOF[97:161] + PROOF[33:97] + PROOF[161:]
    assert ring.check(RING, SITE, MESSAGE, swapped) == faults.EQUATION_FAILS


def test_malformed_proofs():
    for bad in (None, 7, "a" * len(PROOF), [PROOF]):
        assert ring.check(RING, SITE, MESSAGE, bad) == faults.NOT_BYTES
    for bad in (b"", PROOF[:-1], PROOF + b"\x00", PROOF[:33]):
        assert ring.check(RING, SITE, MESSAGE, bad) == faults.WRONG_LENGTH
    for first in (0, 1, 4, 5, 255):
        bad = changed(0, bytes([first]))
        assert ring.check(RING, SITE, MESSAGE, bad) == faults.TAG_NOT_A_POINT
    for x in (0, 5, curve.P, curve.P + 1, 2**256 - 1):
        assert ring.check(RING, SITE, MESSAGE, changed(1, number(x))) == faults.TAG_NOT_A_POINT
    # Each scalar has one encoding, so the same number plus n is refused.
    for start in range(33, len(PROOF), 32):
        expected = faults.CHALLENGE_OUT_OF_RANGE
        if start % 64 == 1:
            expected = faults.RESPONSE_OUT_OF_RANGE
        for value in (curve.N, 2**256 - 1):
            assert ring.check(RING, SITE, MESSAGE, changed(start, number(value))) == expected


def test_a_ring_is_canonical():
    for bad in (
        [RING[0]],
        [],
        [RING[1], RING[0]] + RING[2:],
        [RING[0], RING[0]] + RING[2:],
        RING[:1] + RING[:1],
    ):
        proof = bytes(ring.proof_bytes(len(bad)))
        assert ring.check(bad, SITE, MESSAGE, proof) == faults.RING_NOT_CANONICAL
        assert raises(ring.prove, PROVERS[0], bad, SITE, MESSAGE, ENTROPY)
    many = [number(i + 1) for i in range(65)]
    proof = bytes(ring.proof_bytes(65))
    assert ring.check(many, SITE, MESSAGE, proof) == faults.RING_NOT_CANONICAL
    assert ring.check(None, SITE, MESSAGE, PROOF) == faults.RING_NOT_CANONICAL
    assert ring.check(RING[:-1] + ["a" * 32], SITE, MESSAGE, PROOF) == faults.NOT_BYTES
    assert ring.check(RING[:-1] + [b"\xff" * 31], SITE, MESSAGE, PROOF) == faults.WRONG_LENGTH
    for x in (5, 0):
        bad = sorted(RING[1:] + [number(x)])
        assert ring.check(bad, SITE, MESSAGE, PROOF) == faults.KEY_NOT_A_POINT
    bad = RING[:-1] + [number(curve.P)]
    assert ring.check(bad, SITE, MESSAGE, PROOF) == faults.KEY_NOT_A_POINT
    assert raises(ring.prove, PROVERS[0], bad, SITE, MESSAGE, ENTROPY)


def test_misuse():
    assert raises(ring.prove, OUTSIDER, RING, SITE, MESSAGE, ENTROPY)
    for bad in (None, b"", bytes(31), bytes(33), "a" * 32):
        assert raises(ring.prove, PROVERS[0], RING, SITE, bad, ENTROPY)
        assert raises(ring.prove, PROVERS[0], RING, SITE, MESSAGE, bad)
        assert raises(ring.check, RING, SITE, bad, PROOF)
    for bad in (None, b"", bytes(256), "store"):
        assert raises(ring.prove, PROVERS[0], RING, bad, MESSAGE, ENTROPY)
        assert raises(ring.check, RING, bad, MESSAGE, PROOF)
        assert raises(ring.tag, PROVERS[0], bad)


def test_an_outsider_does_not_convince():
    # A forger without a key of the ring can only simulate every branch and hope for the sum.
    outsider = schnorr.Prover(bytes([98] * 32))
    forged = list(RING)
    forged[0] = outsider.public_key
    forged.sort()
    proof = ring.prove(outsider, forged, SITE, MESSAGE, ENTROPY)
    assert ring.check(forged, SITE, MESSAGE, proof) == faults.OK
    assert ring.check(RING, SITE, MESSAGE, proof) == faults.EQUATION_FAILS


def test_no_branch_is_another_kind_of_proof():
    for i in range(SIZE):
        e = PROOF[33 + 64 * i : 65 + 64 * i]
        s = PROOF[65 + 64 * i : 97 + 64 * i]
        point = engines.active.lift_x(RING[i])
        minus_e = number(-int.from_bytes(e, "big") % curve.N)
        A = engines.active.multiply_add(s, minus_e, point)
        for message in (MESSAGE, SITE, b""):
            assert not schnorr.verify(RING[i], message, A[:32] + s)
        verifier = sigma.VerifierSide(RING[i], 1, bytes(32), bytes(32), MESSAGE, lambda: 0, 9)
        verifier.challenge(A[:32])
        assert verifier.check(s) == faults.EQUATION_FAILS


class Recording:
    """The pure engine, which records the functions that each public point is passed to."""

    def __init__(self):
        self.calls = []
        for name in ("generate", "respond", "linear", "lift_x", "prepare", "multiply_add"):
            setattr(self, name, self._wrapped(name, getattr(pure_engine, name)))

    def _wrapped(self, name, function):
        def call(*arguments):
            points = [bytes(value) for value in arguments if len(value) == 64]
            self.calls.append((name, points))
            return function(*arguments)

        return call


def test_the_work_is_the_same_whichever_branch_is_real():
    calls = []
    try:
        for prover in (PROVERS[0], PROVERS[-1]):
            engines.active = Recording()
            assert ring.prove(prover, RING, SITE, MESSAGE, ENTROPY)
            calls.append(engines.active.calls)
    finally:
        engines.choose()
    assert calls[0] == calls[1]
    assert len(calls[0]) > 6 * SIZE


def test_masks():
    for one, other, expected in (
        (bytes(32), bytes(32), 1),
        (bytes(32), bytes(31) + b"\x01", 0),
        (bytes(32), b"\x80" + bytes(31), 0),
        (b"\xff" * 32, bytes(32), 0),
        (RING[0], RING[0], 1),
        (RING[0], RING[1], 0),
    ):
        assert ring._equal(one, other) == expected
    assert ring._masked(RING[0], 1) == RING[0]
    assert ring._masked(RING[0], 0) == bytes(32)


def test_both_engines_make_and_take_the_same_proof():
    members = RING[:2]
    prover = [prover for prover in PROVERS if prover.public_key == members[0]][0]
    try:
        engines.use(None)
        expected = ring.prove(prover, members, SITE, MESSAGE, ENTROPY)
        assert engines.use(fake_native) is None
        assert ring.prove(prover, members, SITE, MESSAGE, ENTROPY) == expected
        assert ring.check(members, SITE, MESSAGE, expected) == faults.OK
        wrong = expected[:-1] + bytes([expected[-1] ^ 1])
        assert ring.check(members, SITE, MESSAGE, wrong) == faults.EQUATION_FAILS
    finally:
        engines.choose()


def test_known_answer():
    provers = sorted([1, 2], key=lambda i: schnorr.public_key(bytes([i] * 32)))
    prover = schnorr.Prover(bytes([provers[0]] * 32))
    members = sorted([schnorr.public_key(bytes([i] * 32)) for i in (1, 2)])
    assert ring.site_point(SITE)[:32].hex() == KNOWN_SITE
    assert ring.prove(prover, members, SITE, MESSAGE, ENTROPY).hex() == KNOWN


KNOWN_SITE = "7f6f6835c514afd7e5f87e0b4d35e9360ae0cb5ccd92858eec871e6d141b98bc"
# The tag; e and s of the first key, which is the prover's; e and s of the second key.
KNOWN = (
    "03973eb5299bc56bcbda714cbcb9f210c8da1add0b997025b5a662c16338e83317"
    "f92e2b3ae5577f18063b1af862bc66e6a04308e1ba7551dc10a192655da86c2c"
    "72fb1ada23281f79d13945ef7057fb19ad5302d06b9237e9fb7d441dac05bc37"
    "494121086aa3b2ea877fa814afdfb1997e75614bcd5284e3107bf48eec3ffdd8"
    "43a3f107c0eeada691caf34c9d93dab5b730559f708113d5f1811bfed527c785"
)
