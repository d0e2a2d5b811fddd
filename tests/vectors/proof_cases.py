"""The proofs of PROTOCOL.md, sections 10.3 and 10.4, made with the equations that stand there.

Nonces are those of section 10.2 with `AUX` as entropy, so a prover that follows the page makes the
same bytes. It need not: every verifier must accept what other nonces give.
"""

from typing import Any

import ecdsa

from support.differential.oracles import (
    N,
    P,
    _point,
    multiple_of_generator,
    ring_verify,
    tagged_hash,
)

GENERATOR = ecdsa.SECP256k1.generator


def number(value: int) -> bytes:
    return value.to_bytes(32, "big")


AUX = bytes([3]) * 32


def nonce(purpose: str, d: int, public_key: bytes, data: bytes) -> int:
    """Section 10.2, before it is negated."""
    mask = tagged_hash(purpose + "aux", AUX)
    masked = bytes(a ^ b for a, b in zip(number(d), mask, strict=True))
    return int.from_bytes(tagged_hash(purpose + "nonce", masked + public_key + data), "big") % N


def evened(k: int) -> tuple[int, bytes]:
    """(k, x of k·G), k negated if the point's y is odd."""
    x, y = multiple_of_generator(k)
    return (N - k if y & 1 else k), number(x)


def coupon() -> dict[str, Any]:
    d, public_key = even(7)
    serial = (3).to_bytes(8, "big") + (1).to_bytes(8, "big")
    _, nonce_commitment = evened(nonce("countersign/Coupon/1/", d, public_key, serial))
    return {
        "boot_count": 3,
        "number": 1,
        "aux": AUX.hex(),
        "nonce_commitment": nonce_commitment.hex(),
    }


def even(byte: int) -> tuple[int, bytes]:
    """(d, P) with d·G = P of even y, from the secret of this byte repeated."""
    d = int.from_bytes(bytes([byte]) * 32, "big") % N
    x, y = multiple_of_generator(d)
    return (N - d if y & 1 else d), number(x)


def three_moves() -> dict[str, Any]:
    d, public_key = even(7)
    verifier_id, context, challenge = bytes([9]) * 32, bytes([5]) * 32, bytes([0xC4]) * 32
    seal = tagged_hash("countersign/SigmaSeal/1", challenge)
    session = b"\x01" + public_key + verifier_id + context
    k, nonce_commitment = evened(nonce("countersign/Sigma/1/", d, public_key, session + seal))

    def scalar(role: int) -> int:
        digest = tagged_hash(
            "countersign/SigmaChallenge/1",
            bytes([role]) + public_key + verifier_id + context + challenge,
        )
        return int.from_bytes(digest, "big") % N

    response = number((k + scalar(1) * d) % N)
    refused = [
        ("EQUATION_FAILS", "the response plus 1", 1, nonce_commitment,
            number((int.from_bytes(response, "big") + 1) % N)),
        ("EQUATION_FAILS", "the same moves in the other role", 2, nonce_commitment, response),
        ("EQUATION_FAILS", "another commitment", 1, public_key, response),
        ("RESPONSE_OUT_OF_RANGE", "s = n", 1, nonce_commitment, number(N)),
        ("COMMITMENT_OUT_OF_RANGE", "R = p", 1, number(P), response),
        ("WRONG_LENGTH", "a response of 31 bytes", 1, nonce_commitment, response[:31]),
    ]  # fmt: skip
    return {
        "role": 1,
        "public_key": public_key.hex(),
        "verifier_id": verifier_id.hex(),
        "context": context.hex(),
        "seal": seal.hex(),
        "aux": AUX.hex(),
        "nonce": number(k).hex(),
        "nonce_commitment": nonce_commitment.hex(),
        "challenge": challenge.hex(),
        "challenge_scalar": number(scalar(1)).hex(),
        "response_scalar": response.hex(),
        "refused": [
            {
                "fault": fault,
                "what": what,
                "role": role,
                "nonce_commitment": commitment.hex(),
                "response_scalar": answer.hex(),
            }
            for fault, what, role, commitment, answer in refused
        ],
    }


def ring() -> dict[str, Any]:
    site, message = b"ward-7", bytes([0x33]) * 32
    pairs = sorted((even(byte) for byte in (7, 8, 9)), key=lambda pair: pair[1])
    keys = [key for _, key in pairs]
    mine = next(i for i, pair in enumerate(pairs) if pair == even(7))
    d = pairs[mine][0]
    attempts = (tagged_hash("countersign/RingSite/1", site + bytes([i])) for i in range(256))
    base = next(point for x in attempts if (point := _point(b"\x02" + x)) is not None)
    tag_point = base * d
    tag = bytes([2 + (tag_point.y() & 1)]) + number(tag_point.x())
    statement = tagged_hash(
        "countersign/RingStatement/1", bytes([3]) + b"".join(keys) + tag + message + site
    )

    def drawn(i: int, which: bytes) -> int:
        return nonce("countersign/Ring/1/", d, keys[mine], statement + bytes([i]) + which)

    scalars = [(drawn(i, b"e"), drawn(i, b"s")) for i in range(3)]
    commitments = b""
    for key, (e, s) in zip(keys, scalars, strict=True):
        for point in (
            GENERATOR.mul_add(s, _point(b"\x02" + key), -e % N),
            base.mul_add(s, tag_point, -e % N),
        ):
            commitments += number(point.x()) + number(point.y())
    challenge = tagged_hash("countersign/RingChallenge/1", statement + commitments)
    # e + δ and s + δ·d give the same commitments, in the own branch alone.
    delta = (int.from_bytes(challenge, "big") - sum(e for e, _ in scalars)) % N
    e, s = scalars[mine]
    scalars[mine] = ((e + delta) % N, (s + delta * d) % N)
    proof = tag + b"".join(number(e) + number(s) for e, s in scalars)
    if not ring_verify(keys, site, message, proof):
        raise SystemExit("the oracle refuses the ring proof")
    start = 33 + 64 * mine
    refused = [
        ("RING_NOT_CANONICAL", "descending keys", keys[::-1], site, message, proof),
        ("RING_NOT_CANONICAL", "a key twice", [keys[0], *keys[:2]], site, message, proof),
        ("WRONG_LENGTH", "a byte too many", keys, site, message, proof + b"\x00"),
        ("WRONG_LENGTH", "a key of the ring is missing", keys[:2], site, message, proof),
        ("WRONG_LENGTH", "a byte too many, and descending keys",
            keys[::-1], site, message, proof + b"\x00"),
        ("RING_NOT_CANONICAL", "a key twice that is no point, and a tag that begins with 4",
            [number(5), number(5), keys[0]], site, message, b"\x04" + proof[1:]),
        ("KEY_NOT_A_POINT", "a key that is no point, and a tag that begins with 4",
            [number(5), *keys[:2]], site, message, b"\x04" + proof[1:]),
        ("TAG_NOT_A_POINT", "the tag begins with 4, and all scalars are too large", keys, site,
            message, b"\x04" + proof[1:33] + b"\xff" * 192),
        ("CHALLENGE_OUT_OF_RANGE", "s = n in the first branch, e = n in the last", keys, site,
            message, proof[:65] + number(N) + proof[97:161] + number(N) + proof[193:]),
        ("TAG_NOT_A_POINT", "the tag begins with 4", keys, site, message, b"\x04" + proof[1:]),
        ("CHALLENGE_OUT_OF_RANGE", "e = n", keys, site, message,
            proof[:start] + number(N) + proof[start + 32 :]),
        ("RESPONSE_OUT_OF_RANGE", "s = n", keys, site, message,
            proof[: start + 32] + number(N) + proof[start + 64 :]),
        ("EQUATION_FAILS", "another site", keys, b"ward-8", message, proof),
        ("EQUATION_FAILS", "another message", keys, site, bytes(32), proof),
        ("EQUATION_FAILS", "the tag negated", keys, site, message,
            bytes([proof[0] ^ 1]) + proof[1:]),
    ]  # fmt: skip
    return {
        "keys": [key.hex() for key in keys],
        "position": mine,
        "site": site.hex(),
        "site_point": (number(base.x()) + number(base.y())).hex(),
        "message": message.hex(),
        "tag": tag.hex(),
        "aux": AUX.hex(),
        "proof": proof.hex(),
        "refused": [
            {
                "fault": fault,
                "what": what,
                "keys": [key.hex() for key in ring_keys],
                "site": ring_site.hex(),
                "message": ring_message.hex(),
                "proof": ring_proof.hex(),
            }
            for fault, what, ring_keys, ring_site, ring_message, ring_proof in refused
        ],
    }
