"""Schnorr signatures on secp256k1, BIP-340 byte for byte.

A signature is a non-interactive Sigma proof of knowledge of the secret key: nonce commitment
R = k·G, challenge scalar e = hash(R ‖ P ‖ message), response scalar s = k + e·d. Any BIP-340
implementation verifies these signatures, and this module verifies theirs.

The active engine does the arithmetic (engines.py); engine() names it. The native engine runs
everything that touches a secret in constant time, and wipes secrets after use. The pure engine is
NOT CONSTANT-TIME and wipes no secrets: they become Python integers, which take longer when they
are longer and stay in the heap until it is reused. See curve.py.

All values are bytes: secret keys, public keys (x-only) and entropy 32, signatures 64, messages
of any length. A protocol message is always a 32-byte tagged digest (messages/envelope.py).

A prover's misuse raises an exception. A verifier only ever answers a fault of faults.py, or True or
False. No exception's text holds a value. This module makes no randomness: the caller passes it
in.
"""

from countersign.proofs import curve, engines, faults
from countersign.tagged import tagged_sha256

_ZEROS = bytes(32)

# The last public key verified, its prepared point, and the engine that prepared it. A device checks
# the signatures of one gateway all day. The code replaces this tuple as a whole, so no thread sees
# one key with the point of another.
_last = (None, None, None)


def engine() -> str:
    """ "native" or "pure": the arithmetic in use."""
    return engines.name()


def engine_fault() -> object:
    """Why the native engine is not in use, in words for a log, or None if it is in use."""
    return engines.fault()


class Prover:
    """A secret key, ready to sign. It computes its public key once, not at every signature.

    ValueError unless `secret` is 32 bytes that encode an integer in [1, n).
    """

    def __init__(self, secret: bytes):
        secret = _exactly(32, secret, "secret key")
        try:
            point = engines.active.generate(secret)
        except ValueError:
            raise ValueError("the secret key must be in [1, n)")
        # BIP-340 takes the key's point with even y, so the secret is negated to match.
        self._d = engines.even(secret, point)
        self.public_key = point[:32]

    def sign(self, message: bytes, aux_entropy: bytes, self_check: bool = False) -> bytes:
        """Signature (64 bytes) of `message`. BIP-340, "Default Signing".

        aux_entropy: 32 bytes, fresh for every call. The nonce depends on key, message and entropy,
        so weak or repeated entropy alone does not reveal the key. Entropy is never optional,
        because without it a fault in the hardware can reveal the key.
        self_check: verify before returning, and raise RuntimeError if that fails. It takes about
        three signatures' time. It catches a faulty computation, such as one after a glitch, which
        in the worst case reveals the key.
        """
        aux_entropy = _exactly(32, aux_entropy, "auxiliary entropy")
        message = _bytes(message, "message")
        k, nonce_commitment = self._commit(self._nonce("BIP0340/", aux_entropy, message))
        try:
            return self._answer(k, nonce_commitment, message, self_check)
        finally:
            k[:] = _ZEROS

    # The proof modules of this package use the functions below. Two answers from one nonce reveal
    # the key, so each of these modules says how it prevents that.

    def _nonce(self, purpose, aux_entropy, *parts):
        """A digest of key, fresh entropy and the nonce's purpose. `purpose` is a constant."""
        masked = bytearray(tagged_sha256(purpose + "aux", aux_entropy))
        engines.xor(masked, self._d)
        digest = tagged_sha256(purpose + "nonce", masked, self.public_key, *parts)
        masked[:] = _ZEROS
        return digest

    def _commit(self, digest):
        """(nonce with even y in a bytearray, to be wiped; x-only nonce commitment of it)."""
        try:
            return engines.commit(digest)
        except ValueError:
            # The probability is 2**-256, but a broken hash engine could lead here.
            raise RuntimeError("nonce is zero")

    def _respond(self, k, e):
        """The response scalar k + e·d (32 bytes)."""
        return engines.active.respond(k, e, self._d)

    def _answer(self, k, nonce_commitment, message, self_check):
        e = _challenge_scalar(nonce_commitment, self.public_key, message)
        signature = nonce_commitment + self._respond(k, e)
        if self_check and not verify(self.public_key, message, signature):
            raise RuntimeError("the signature does not verify")
        return signature


def public_key(secret: bytes) -> bytes:
    """Public key (32 bytes, x-only) of a secret key. ValueError if the secret is invalid."""
    return Prover(secret).public_key


def sign(secret: bytes, message: bytes, aux_entropy: bytes, self_check: bool = False) -> bytes:
    """Prover(secret).sign(message, aux_entropy, self_check). A caller that signs often keeps the
    Prover, which halves the time."""
    return Prover(secret).sign(message, aux_entropy, self_check)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """True if `signature` is a BIP-340 signature of `message` under `public_key`."""
    return check(public_key, message, signature) == faults.OK


def check(public_key: bytes, message: bytes, signature: bytes) -> int:
    """faults.OK, or the signature's first fault, in the order of BIP-340, "Verification".

    Public key and signature are untrusted: a wrong type or length is a fault like any other.
    TypeError if the message, which is the caller's own, is not bytes.
    """
    message = _bytes(message, "message")
    # Both are nearly always bytes already and need no copies.
    if type(public_key) is not bytes or type(signature) is not bytes:
        for value in (public_key, signature):
            if not isinstance(value, (bytes, bytearray, memoryview)):
                return faults.NOT_BYTES
        public_key = bytes(public_key)
        signature = bytes(signature)
    if len(public_key) != 32 or len(signature) != 64:
        return faults.WRONG_LENGTH
    # 1. P is the point of the public key: x < p, on the curve, even y.
    point = _prepared(public_key)
    if point is None:
        return faults.KEY_NOT_A_POINT
    # 4. e binds R, P and the message.
    r = signature[:32]
    s = signature[32:]
    e = _challenge_scalar(r, public_key, message)
    # 5. to 7. R = s·G - e·P exists, has even y, and has x = r.
    if engines.active.verify_equation(point, r, s, e):
        return faults.OK
    # 2. and 3. An engine answers False for these too. Only now does it matter which it was.
    # r < p: the x-coordinate of the nonce commitment.
    if curve.field_element(r) is None:
        return faults.COMMITMENT_OUT_OF_RANGE
    # s < n: the response scalar.
    if curve.scalar(s) is None:
        return faults.RESPONSE_OUT_OF_RANGE
    return faults.EQUATION_FAILS


def _prepared(public_key):
    global _last
    last = _last
    if last[0] == public_key and last[2] is engines.active:
        return last[1]
    engine = engines.active
    point = engine.lift_x(public_key)
    if point is None:
        return None
    if engines.prepares:
        point = engine.prepare(point)
    _last = (public_key, point, engine)
    return point


def _challenge_scalar(nonce_commitment, public_key, message):
    # The digest needs no reduction, since engines take it mod n.
    return tagged_sha256("BIP0340/challenge", nonce_commitment, public_key, message)


def _is_bytes(value, size):
    return isinstance(value, (bytes, bytearray, memoryview)) and len(value) == size


def _bytes(value, name):
    if type(value) is bytes:
        return value
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(name + " must be bytes")
    return bytes(value)


def _exactly(size, value, name):
    if not _is_bytes(value, size):
        raise ValueError(name + " must be " + str(size) + " bytes")
    return bytes(value)
