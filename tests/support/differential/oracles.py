"""Independent implementations of the protocol's primitives, to compare the code under test with.

    tagged hashes    hashlib
    BIP-340          libsecp256k1 (coincurve), and the equation over python-ecdsa's points
    CBOR             cbor2, with a canonical re-encoding check
    Merkle           the recursive definitions of RFC 9162 §2.1, as they stand there

Nothing here imports the code under test.
"""

import hashlib
from typing import Any

import cbor2
import coincurve
import ecdsa
from coincurve._libsecp256k1 import ffi, lib

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def tagged_hash(tag: str, data: bytes) -> bytes:
    prefix = sha256(tag.encode())
    return sha256(prefix + prefix + data)


# BIP-340 -------------------------------------------------------------------------------------


def challenge_scalar(r: bytes, public_key: bytes, message: bytes) -> int:
    return int.from_bytes(tagged_hash("BIP0340/challenge", r + public_key + message), "big") % N


def libsecp256k1_sign(secret: bytes, message: bytes, aux: bytes) -> bytes:
    """Signature by libsecp256k1, for messages of any length.

    coincurve's own method takes only 32 bytes, so this calls the C function below it.
    """
    key = coincurve.PrivateKey(secret)
    context = key.context.ctx
    pair = ffi.new("secp256k1_keypair *")
    if not lib.secp256k1_keypair_create(context, pair, secret):
        raise ValueError("not a secret key")
    entropy = ffi.new("unsigned char[32]", aux)
    parameters = ffi.new("secp256k1_schnorrsig_extraparams *")
    parameters.magic = b"\xda\x6f\xb3\x8c"
    parameters.noncefp = ffi.NULL
    parameters.ndata = entropy
    signature = ffi.new("unsigned char[64]")
    if not lib.secp256k1_schnorrsig_sign_custom(
        context, signature, message, len(message), pair, parameters
    ):
        raise ValueError("libsecp256k1 did not sign")
    return bytes(ffi.buffer(signature, 64))


def libsecp256k1_verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    if len(public_key) != 32 or len(signature) != 64:
        return False
    try:
        return coincurve.PublicKeyXOnly(public_key).verify(signature, message)
    except ValueError:  # coincurve raises this for an invalid key
        return False


def ecdsa_verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """BIP-340 verification with python-ecdsa's points."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    x = int.from_bytes(public_key, "big")
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if x >= P or r >= P or s >= N:
        return False
    y = pow(x**3 + 7, (P + 1) // 4, P)
    if (y * y - x**3 - 7) % P:
        return False
    curve = ecdsa.SECP256k1.curve
    key = ecdsa.ellipticcurve.PointJacobi(curve, x, P - y if y & 1 else y, 1, N)
    e = challenge_scalar(signature[:32], public_key, message)
    commitment = ecdsa.SECP256k1.generator.mul_add(s, key, (N - e) % N)
    if commitment == ecdsa.ellipticcurve.INFINITY:
        return False
    return commitment.y() % 2 == 0 and commitment.x() == r


def multiple_of_generator(k: int) -> tuple[int, int]:
    return coincurve.PrivateKey(k.to_bytes(32, "big")).public_key.point()


# Ring proofs, from PROTOCOL.md 10.4 alone, with python-ecdsa's points ---------------------------


def ring_verify(ring: list[bytes], site: bytes, message: bytes, proof: bytes) -> bool:
    size = len(ring)
    if not 2 <= size <= 64 or ring != sorted(set(ring)) or len(proof) != 33 + 64 * size:
        return False
    for i in range(256):
        x = tagged_hash("countersign/RingSite/1", site + bytes([i]))
        base = _point(b"\x02" + x)
        if base is not None:
            break
    tag = _point(proof[:33])
    keys = [_point(b"\x02" + key) for key in ring]
    if tag is None or base is None or None in keys:
        return False
    statement = tagged_hash(
        "countersign/RingStatement/1",
        bytes([size]) + b"".join(ring) + proof[:33] + message + site,
    )
    commitments = b""
    total = 0
    for i, key in enumerate(keys):
        e = int.from_bytes(proof[33 + 64 * i : 65 + 64 * i], "big")
        s = int.from_bytes(proof[65 + 64 * i : 97 + 64 * i], "big")
        if e >= N or s >= N:
            return False
        total += e
        a = ecdsa.SECP256k1.generator.mul_add(s, key, -e % N)
        b = base.mul_add(s, tag, -e % N)
        if ecdsa.ellipticcurve.INFINITY in (a, b):
            return False
        for point in (a, b):
            commitments += point.x().to_bytes(32, "big") + point.y().to_bytes(32, "big")
    digest = tagged_hash("countersign/RingChallenge/1", statement + commitments)
    return (int.from_bytes(digest, "big") - total) % N == 0


def _point(encoded: bytes) -> Any:
    x = int.from_bytes(encoded[1:], "big")
    if encoded[0] not in (2, 3) or x >= P:
        return None
    y = pow(x**3 + 7, (P + 1) // 4, P)
    if (y * y - x**3 - 7) % P:
        return None
    if y & 1 != encoded[0] & 1:
        y = P - y
    return ecdsa.ellipticcurve.PointJacobi(ecdsa.SECP256k1.curve, x, y, 1, N)


# CBOR ----------------------------------------------------------------------------------------


def bytewise(value: Any) -> Any:
    """The same value with its maps in the order of RFC 8949 §4.2.1, by encoded bytes.

    cbor2's canonical form follows the older rule of RFC 7049 §3.9, length first: it puts -1
    before 256, which RFC 8949 does not. So this function sorts, and cbor2 keeps the order.
    """
    if isinstance(value, list):
        return [bytewise(entry) for entry in value]
    if isinstance(value, dict):
        pairs = sorted((cbor2.dumps(key), key) for key in value)
        return {key: bytewise(value[key]) for _, key in pairs}
    return value


def cbor_encode(value: Any) -> bytes:
    return cbor2.dumps(bytewise(value))


def cbor_in_domain(value: Any, levels: int) -> bool:
    """True if the value is one of the protocol's, in at most `levels` arrays and maps."""
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int):
        return -(2**64) <= value < 2**64
    if isinstance(value, (bytes, str)):
        return True
    if type(value) is list:
        return levels > 0 and all(cbor_in_domain(entry, levels - 1) for entry in value)
    if type(value) is dict:
        return levels > 0 and all(
            type(key) in (int, str) and cbor_in_domain(key, 0) and cbor_in_domain(entry, levels - 1)
            for key, entry in value.items()
        )
    return False


def cbor_decode(data: bytes, max_bytes: int = 2048, max_depth: int = 8) -> tuple[bool, Any]:
    """(True, value) if `data` is the deterministic encoding of a value of the protocol."""
    if len(data) > max_bytes:
        return False, None
    try:
        value = cbor2.loads(data)
    except Exception:  # noqa: BLE001 - any exception of cbor2 counts as a refusal
        return False, None
    if not cbor_in_domain(value, max_depth) or cbor_encode(value) != data:
        return False, None
    return True, value


# Merkle --------------------------------------------------------------------------------------


def merkle_head(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 §2.1.1."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0])
    k = merkle_split(len(leaves))
    return sha256(b"\x01" + merkle_head(leaves[:k]) + merkle_head(leaves[k:]))


def merkle_split(n: int) -> int:
    """Largest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


def merkle_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 §2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = merkle_split(len(leaves))
    if m < k:
        return [*merkle_path(m, leaves[:k]), merkle_head(leaves[k:])]
    return [*merkle_path(m - k, leaves[k:]), merkle_head(leaves[:k])]


def merkle_proof(m: int, leaves: list[bytes]) -> list[bytes]:
    """PROOF of RFC 9162 §2.1.4.1."""
    return _subproof(m, leaves, True)


def _subproof(m: int, leaves: list[bytes], complete: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if complete else [merkle_head(leaves)]
    k = merkle_split(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], complete), merkle_head(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], False), merkle_head(leaves[:k])]
