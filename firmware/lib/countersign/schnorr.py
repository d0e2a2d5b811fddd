"""Schnorr signatures on secp256k1, BIP-340 byte for byte.

A signature is a non-interactive Sigma proof of knowledge of the secret key: nonce commitment
R = k·G, challenge scalar e = hash(R ‖ P ‖ message), response scalar s = k + e·d. Any BIP-340
implementation verifies what is made here, and the other way round.

NOT CONSTANT-TIME, and secrets are not wiped: they live in Python integers, which take longer
when they are longer and stay in the heap until it is reused. See curve.py.

All values are bytes: secret keys, public keys (x-only) and entropy 32, signatures 64, messages
of any length. A protocol message is always a 32-byte tagged digest (messages.py).

Misuse on the prover's side raises; a verifier answers True or False and nothing else. No text of
an exception holds a value. Nothing here makes randomness: it is passed in.
"""

from countersign import curve
from countersign.tagged import tagged_sha256


class Prover:
    """A secret key, ready to sign: computes its public key once instead of at every signature.

    ValueError unless `secret` is 32 bytes that encode an integer in [1, n).
    """

    def __init__(self, secret: bytes):
        d = curve.scalar(_exactly(32, secret, "secret key"))
        if not d:
            raise ValueError("the secret key must be in [1, n)")
        x, y = curve.multiply_generator(d)
        # The key pair's point is taken with even y; its secret is negated to match.
        self._d = curve.N - d if y & 1 else d
        self.public_key = x.to_bytes(32, "big")

    def sign(self, message: bytes, aux_entropy: bytes, self_check: bool = False) -> bytes:
        """Signature (64 bytes) of `message`. BIP-340, "Default Signing".

        aux_entropy: 32 bytes, fresh for every call. The nonce is hedged: it depends on key,
        message and entropy, so weak or repeated entropy alone does not reveal the key; but it is
        never optional, since without it a fault in the hardware can.
        self_check: verify before returning, RuntimeError if that fails; costs a verification
        (about three signatures' time) and catches a computation gone wrong, which in the worst
        case reveals the key. For hardware that may be glitched.
        """
        aux_entropy = _exactly(32, aux_entropy, "auxiliary entropy")
        message = _bytes(message, "message")
        masked = self._d ^ int.from_bytes(tagged_sha256("BIP0340/aux", aux_entropy), "big")
        k = int.from_bytes(
            tagged_sha256("BIP0340/nonce", masked.to_bytes(32, "big"), self.public_key, message),
            "big",
        )
        k %= curve.N
        if not k:
            # Probability 2**-256; a constant hash engine would come here.
            raise RuntimeError("nonce is zero")
        x, y = curve.multiply_generator(k)
        if y & 1:
            k = curve.N - k
        nonce_commitment = x.to_bytes(32, "big")
        e = _challenge_scalar(nonce_commitment, self.public_key, message)
        response_scalar = (k + e * self._d) % curve.N
        signature = nonce_commitment + response_scalar.to_bytes(32, "big")
        if self_check and not verify(self.public_key, message, signature):
            raise RuntimeError("the signature does not verify")
        return signature


def public_key(secret: bytes) -> bytes:
    """Public key (32 bytes, x-only) of a secret key; ValueError if that is not one."""
    return Prover(secret).public_key


def sign(secret: bytes, message: bytes, aux_entropy: bytes, self_check: bool = False) -> bytes:
    """Prover(secret).sign(message, aux_entropy, self_check). Who signs often keeps the Prover,
    which halves the time."""
    return Prover(secret).sign(message, aux_entropy, self_check)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """True if `signature` is a BIP-340 signature of `message` under `public_key`.

    BIP-340, "Verification", in its order. Public key and signature are untrusted: of a wrong
    type or length they are False like any other bad value. TypeError if the message, which is
    the caller's own, is not bytes.
    """
    message = _bytes(message, "message")
    if not (_is_bytes(public_key, 32) and _is_bytes(signature, 64)):
        return False
    public_key = bytes(public_key)
    signature = bytes(signature)
    # 1. P is the point of the public key: x < p, on the curve, even y.
    point = curve.lift_x(public_key)
    if point is None:
        return False
    # 2. r < p: the x-coordinate of the nonce commitment.
    r = curve.field_element(signature[:32])
    if r is None:
        return False
    # 3. s < n: the response scalar.
    s = curve.scalar(signature[32:])
    if s is None:
        return False
    # 4. e binds R, P and the message.
    e = _challenge_scalar(signature[:32], public_key, message)
    # 5. R = s·G - e·P exists, ...
    commitment = curve.multiply_add(s, (curve.N - e) % curve.N, point)
    if commitment is None:
        return False
    x, y = commitment
    # 6. ... has even y, and ...
    if y & 1:
        return False
    # 7. ... has x = r.
    return x == r


def _challenge_scalar(nonce_commitment, public_key, message):
    digest = tagged_sha256("BIP0340/challenge", nonce_commitment, public_key, message)
    return int.from_bytes(digest, "big") % curve.N


def _is_bytes(value, size):
    return isinstance(value, (bytes, bytearray, memoryview)) and len(value) == size


def _bytes(value, name):
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(name + " must be bytes")
    return bytes(value)


def _exactly(size, value, name):
    if not _is_bytes(value, size):
        raise ValueError(name + " must be " + str(size) + " bytes")
    return bytes(value)
