"""Ring proofs against a verifier written from PROTOCOL.md over python-ecdsa's points.

Default: rings of 2 to 16 keys. COUNTERSIGN_LONG=1: 500 proofs, up to 64 keys.
"""

from random import Random

from countersign.proofs import faults, ring, schnorr
from support.differential.inputs import how_many
from support.differential.oracles import N, ring_verify


def statement(random: Random, size: int) -> tuple[list[bytes], bytes, bytes, bytes]:
    """Ring, site, message, and a proof by one of its members."""
    provers = [schnorr.Prover(random.randrange(1, N).to_bytes(32, "big")) for _ in range(size)]
    members = sorted(prover.public_key for prover in provers)
    site = random.randbytes(random.choice((1, 8, 255)))
    message = random.randbytes(32)
    proof = ring.prove(random.choice(provers), members, site, message, random.randbytes(32))
    return members, site, message, proof


def test_the_oracle_agrees():
    random = Random("ring")
    for i in range(how_many(12, 500)):
        size = 64 if how_many(0, i % 50 == 49) else random.choice((2, 2, 3, 5, 16))
        members, site, message, proof = statement(random, size)
        assert ring.check(members, site, message, proof) == faults.OK
        assert ring_verify(members, site, message, proof)
        start = random.randrange(len(proof))
        changed = bytearray(proof)
        changed[start] ^= 1 << random.randrange(8)
        assert not ring.verify(members, site, message, bytes(changed))
        assert not ring_verify(members, site, message, bytes(changed))
        assert not ring_verify(members, site + b"x", message, proof)


def test_the_largest_ring():
    members, site, message, proof = statement(Random("largest"), 64)
    assert len(proof) == 33 + 64 * 64
    assert ring.check(members, site, message, proof) == faults.OK
    assert ring_verify(members, site, message, proof)
