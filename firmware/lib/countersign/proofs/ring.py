"""Ring proofs: one of N keys is the prover's, without saying which, with a tag for each site.

    "I know a d with d·G = P_i for some i of this ring, and T = d·H(site), the same d"

A disjunction of N proofs of equal discrete logarithms (Cramer, Damgård, Schoenmakers, CRYPTO '94;
Chaum, Pedersen, CRYPTO '92), non-interactive by hashing (Fiat, Shamir). T is the same whenever
the same device proves itself at the same site, and unrelated at another. PROTOCOL.md, section
10.4, has the statement and all that it does not hide.

A proof is T (33 bytes, SEC 1 compressed) ‖ N × (e_i ‖ s_i); it holds if

    A_i = s_i·G - e_i·P_i,  B_i = s_i·H - e_i·T,  e_1 + … + e_N = hash(statement, all A_i, B_i)

*The prover's steps do not depend on which branch is real.* The prover chooses all e_i and s_i at
random and computes all A_i and B_i in the same way, as if it could prove none. Then it computes the
hash, and the sum of all e_i differs from it by some δ. Because the prover knows d, it can correct
its own branch: e + δ and s + δ·d give the same A and B. It adds δ·m and δ·m·d to every branch with
the engine's `respond`, where m is 1 for its own key and 0 for the others. With the native engine
everything with secrets takes constant time, the sums of points included. With the pure engine
nothing is constant-time.
"""

from countersign.proofs import curve, engines, faults
from countersign.proofs.schnorr import Prover
from countersign.tagged import tagged_hash, tagged_sha256

LEAST = 2
MOST = 64
TAG_BYTES = 33
BRANCH_BYTES = 64
MAX_SITE_BYTES = 255

_ONE = bytes(31) + b"\x01"


def proof_bytes(size: int) -> int:
    """Length of a proof for a ring of `size` keys."""
    return TAG_BYTES + BRANCH_BYTES * size


def site_point(site: bytes) -> bytes:
    """H(site), a point (64 bytes) whose logarithm nobody knows, with even y. Its x-coordinate is
    the first tagged hash of site ‖ 0, site ‖ 1, … that belongs to a point. The number of attempts
    depends on the site's name alone, which is public."""
    if not isinstance(site, (bytes, bytearray)) or not 0 < len(site) <= MAX_SITE_BYTES:
        raise ValueError("a site is named by 1 to 255 bytes")
    for attempt in range(256):
        digest = tagged_sha256("countersign/RingSite/1", bytes(site), bytes([attempt]))
        point = engines.active.lift_x(digest)
        if point is not None:
            return point
    raise RuntimeError("no point for this site")  # a chance of 2**-256


def tag(prover: Prover, site: bytes) -> bytes:
    """T (33 bytes): the prover's tag, its pseudonym at this site."""
    return _compressed(engines.active.linear(prover._d, site_point(site)))


def prove(prover: Prover, ring: list, site: bytes, message: bytes, aux_entropy: bytes) -> bytes:
    """Proof for `message`: 32 bytes that bind the assertion, its receiver and the challenge.

    ring: 2 to 64 public keys (32 bytes, x-only), strictly ascending, the prover's own among
    them. aux_entropy: 32 fresh bytes; the nonces are hedged as in schnorr.py. ValueError on
    misuse. The work is about three signatures for each key.
    """
    _check_own(message, "message")
    _check_own(aux_entropy, "auxiliary entropy")
    engine = engines.active
    fault, points = _points(ring)
    if fault:
        raise ValueError("not a ring: " + faults.NAMES[fault])
    masks = [_equal(public_key, prover.public_key) for public_key in ring]
    if sum(masks) != 1:
        raise ValueError("the prover's key is not in the ring")
    base = site_point(site)
    tag_bytes = _compressed(engine.linear(prover._d, base))
    statement = _statement(ring, site, message, tag_bytes)

    # The proof is allocated in one piece first, because later the heap may lack 4 kB in a row.
    proof = bytearray(proof_bytes(len(ring)))
    proof[:TAG_BYTES] = tag_bytes

    # Every branch is made as if its key were another's: e and s first, then matching commitments.
    # The loop also computes how far the sum of all e is from the challenge.
    minus_one = engines.negated(_ONE)
    challenge = _challenge(statement)
    minus_sum = None
    for i, start in enumerate(range(TAG_BYTES, len(proof), BRANCH_BYTES)):
        e = _nonce(prover, aux_entropy, statement, i, b"e")
        s = _nonce(prover, aux_entropy, statement, i, b"s")
        minus_e = engines.negated(e)
        A = engines.add(engine.generate(s), engine.linear(minus_e, points[i]))
        if A is None:
            raise RuntimeError("a commitment at infinity")  # a chance of 2**-256
        challenge.update(A)
        # s·H - e·T, with T = d·H.
        challenge.update(engine.linear(engine.respond(s, minus_e, prover._d), base))
        proof[start : start + BRANCH_BYTES] = e + s
        minus_sum = engine.respond(minus_sum, e, minus_one) if i else minus_e
    delta = engine.respond(minus_sum, engines.reduced(challenge.digest()), _ONE)

    # The correction goes to the prover's own branch.
    for mask, start in zip(masks, range(TAG_BYTES, len(proof), BRANCH_BYTES)):
        middle, end = start + 32, start + BRANCH_BYTES
        proof[start:middle] = engine.respond(proof[start:middle], _masked(_ONE, mask), delta)
        proof[middle:end] = engine.respond(proof[middle:end], _masked(prover._d, mask), delta)
    return bytes(proof)


def verify(ring: list, site: bytes, message: bytes, proof: bytes) -> bool:
    """True if `proof` holds. Then proof[:33] is the tag of the device that made it."""
    return check(ring, site, message, proof) == faults.OK


def check(ring: list, site: bytes, message: bytes, proof: bytes) -> int:
    """faults.OK, or the first fault. The proof is untrusted, and so are the ring's keys. ValueError
    if site or message, which are the caller's own, are not what `prove` asks for.
    """
    _check_own(message, "message")
    base = site_point(site)
    engine = engines.active
    # 1. The ring is canonical: 2 to 64 points, strictly ascending.
    if not isinstance(proof, (bytes, bytearray, memoryview)):
        return faults.NOT_BYTES
    if not isinstance(ring, (list, tuple)):
        return faults.RING_NOT_CANONICAL
    proof = bytes(proof)
    if len(proof) != proof_bytes(len(ring)):
        return faults.WRONG_LENGTH
    fault, points = _points(ring)
    if fault:
        return fault
    # 2. The tag is a point.
    tag_bytes = proof[:TAG_BYTES]
    tag_point = _decompressed(tag_bytes)
    if tag_point is None:
        return faults.TAG_NOT_A_POINT
    # 3. All scalars are below n.
    branches = []
    for start in range(TAG_BYTES, len(proof), BRANCH_BYTES):
        branches.append((proof[start : start + 32], proof[start + 32 : start + BRANCH_BYTES]))
    if None in [curve.scalar(e) for e, _ in branches]:
        return faults.CHALLENGE_OUT_OF_RANGE
    if None in [curve.scalar(s) for _, s in branches]:
        return faults.RESPONSE_OUT_OF_RANGE
    # 4. The hash of the recomputed commitments is the sum of the challenge scalars.
    base = engine.prepare(base)
    tag_point = engine.prepare(tag_point)
    challenge = _challenge(_statement(ring, site, message, tag_bytes))
    total = 0
    for point, (e, s) in zip(points, branches):
        total += int.from_bytes(e, "big")
        minus_e = (-int.from_bytes(e, "big") % curve.N).to_bytes(32, "big")
        A = engine.multiply_add(s, minus_e, point)
        B = engines.combine(s, base, minus_e, tag_point)
        if A is None or B is None:
            return faults.EQUATION_FAILS
        challenge.update(A)
        challenge.update(B)
    if engines.reduced(challenge.digest()) != (total % curve.N).to_bytes(32, "big"):
        return faults.EQUATION_FAILS
    return faults.OK


def _points(ring):
    """(OK, the points of the ring's keys), or (fault, None)."""
    if not isinstance(ring, (list, tuple)) or not LEAST <= len(ring) <= MOST:
        return faults.RING_NOT_CANONICAL, None
    last = b""
    for public_key in ring:
        if not isinstance(public_key, bytes):
            return faults.NOT_BYTES, None
        if len(public_key) != 32:
            return faults.WRONG_LENGTH, None
        if not last < public_key:
            return faults.RING_NOT_CANONICAL, None
        last = public_key
    points = [engines.active.lift_x(public_key) for public_key in ring]
    if None in points:
        return faults.KEY_NOT_A_POINT, None
    return faults.OK, points


def _statement(ring, site, message, tag_bytes):
    # Only the site's name, which is last, has no fixed width. The first byte counts the keys.
    size = bytes([len(ring)])
    return tagged_sha256(
        "countersign/RingStatement/1", size, *ring, tag_bytes, bytes(message), bytes(site)
    )


def _challenge(statement):
    """An open hash for the challenge scalar. The caller adds all commitments in their order."""
    challenge = tagged_hash("countersign/RingChallenge/1")
    challenge.update(statement)
    return challenge


def _nonce(prover, aux_entropy, statement, index, which):
    return engines.reduced(
        prover._nonce("countersign/Ring/1/", bytes(aux_entropy), statement, bytes([index]), which)
    )


def _equal(one, other):
    """1 if equal, else 0, without a branch on the content."""
    difference = 0
    for a, b in zip(one, other):
        difference |= a ^ b
    return (difference - 1) >> 8 & 1


def _masked(scalar, mask):
    mask = -mask & 255
    return bytes([byte & mask for byte in scalar])


def _compressed(point):
    return bytes([2 + (point[63] & 1)]) + point[:32]


def _decompressed(data):
    if data[0] not in (2, 3):
        return None
    point = engines.active.lift_x(data[1:])
    if point is None or data[0] == 2:
        return point
    y = curve.P - int.from_bytes(point[32:], "big")
    return point[:32] + y.to_bytes(32, "big")


def _check_own(value, name):
    if not isinstance(value, (bytes, bytearray)) or len(value) != 32:
        raise ValueError(name + " must be 32 bytes")
