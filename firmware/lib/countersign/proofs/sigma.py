"""Interactive proof of knowledge of a secret key: Schnorr's identification in three moves. Before
them the verifier commits to its challenge with a seal. PROTOCOL.md, section 10.3.

    verifier                                        prover
      seal = hash(challenge)        ─────────▶
                                    ◀─────────      nonce commitment R = k·G      (1)
      challenge, 32 random bytes    ─────────▶      does it open the seal?        (2)
                                    ◀─────────      response scalar s = k + e·d   (3)
      s·G - e·P = R ?

    e = tagged hash of (role ‖ prover's key ‖ verifier ‖ context ‖ challenge)

- *Not a signature.* e is a hash under a tag of its own. So a verifier cannot choose the challenge
  such that (R, s) is a BIP-340 signature, and no BIP-340 signature answers an exchange here.
- *Deniable.* e does not cover R. Anyone can choose e and s and compute a matching R, so a
  transcript proves nothing to an outsider. The seal stops a verifier from computing its challenge
  from R, which would make the transcript a proof.
- *Safe with a stuck entropy source.* k depends on the seal, and a seal has one challenge. Prover
  and nonce may repeat, but one nonce never gives two different answers.
- *Not to be relayed.* e covers both identities and the prover's role. So an answer to one verifier,
  or in the caller's role, is not valid for another verifier or role.

Each side is a small state machine for one exchange. A move that is out of turn, late or malformed
ends the exchange, and nothing of it can be used again. Moves are 32 bytes each. The other side's
moves are untrusted and give a fault (faults.py); only a caller's own mistakes raise.
"""

from countersign.proofs import curve, engines, faults
from countersign.proofs.schnorr import Prover
from countersign.tagged import tagged_sha256

MOVE_BYTES = 32

# The prover's role in the surrounding session: the peer that called, or the peer that was called.
# Two peers that prove themselves to one another run two exchanges, one with each role.
CALLER = 1
CALLED = 2

_NEW = 0
_WAITING = 1
_OVER = 2


class _Side:
    """The common part of both sides: the statement, whose turn it is, and the time that is left."""

    def __init__(self, role, public_key, verifier_id, context, now_ms, timeout_ms):
        if role not in (CALLER, CALLED):
            raise ValueError("role must be CALLER or CALLED")
        for value in (public_key, verifier_id, context):
            if not isinstance(value, (bytes, bytearray)) or len(value) != 32:
                raise ValueError("keys, identifiers and context are 32 bytes")
        self._statement = bytes([role]) + bytes(public_key) + bytes(verifier_id) + bytes(context)
        self._now_ms = now_ms
        self._end_ms = now_ms() + timeout_ms
        self._state = _NEW

    def _turn(self, expected_state, move):
        """The fault of the other side's move, or OK. Every fault ends the exchange."""
        fault = faults.OK
        if self._state != expected_state:
            fault = faults.OUT_OF_TURN
        elif self._now_ms() >= self._end_ms:
            fault = faults.EXPIRED
        elif not isinstance(move, (bytes, bytearray, memoryview)):
            fault = faults.NOT_BYTES
        elif len(move) != MOVE_BYTES:
            fault = faults.WRONG_LENGTH
        self._state = _OVER if fault or expected_state == _WAITING else _WAITING
        return fault

    def _challenge_scalar(self, challenge):
        # The digest needs no reduction, since engines take it mod n.
        return tagged_sha256("countersign/SigmaChallenge/1", self._statement, challenge)


class ProverSide(_Side):
    """One exchange as the prover.

    role: CALLER or CALLED. verifier_id: the verifier's identifier (32 bytes). context: 32 bytes
    that both sides derive from their session. now_ms: callable, a monotonic clock; the exchange
    ends `timeout_ms` after it began.
    """

    def __init__(self, prover: Prover, role, verifier_id, context, now_ms, timeout_ms):
        _Side.__init__(self, role, prover.public_key, verifier_id, context, now_ms, timeout_ms)
        self._prover = prover
        self._seal = None
        self._k = None

    def commit(self, seal: bytes, aux_entropy: bytes) -> tuple:
        """(OK, nonce commitment), or (fault, None). aux_entropy: 32 fresh bytes."""
        if not isinstance(aux_entropy, (bytes, bytearray)) or len(aux_entropy) != 32:
            raise ValueError("auxiliary entropy must be 32 bytes")
        fault = self._turn(_NEW, seal)
        if fault:
            self._forget()
            return fault, None
        self._seal = bytes(seal)
        digest = self._prover._nonce(
            "countersign/Sigma/1/", bytes(aux_entropy), self._statement, self._seal
        )
        self._k, nonce_commitment = self._prover._commit(digest)
        return faults.OK, nonce_commitment

    def respond(self, challenge: bytes) -> tuple:
        """(OK, response scalar), once, or (fault, None)."""
        fault = self._turn(_WAITING, challenge)
        k, self._k = self._k, None
        try:
            if not fault and k is None:
                fault = faults.OUT_OF_TURN  # `commit` raised and left no nonce
            if not fault and sealed(challenge) != self._seal:
                fault = faults.SEAL_BROKEN
            if fault:
                return fault, None
            return faults.OK, self._prover._respond(k, self._challenge_scalar(challenge))
        finally:
            _wipe(k)

    def _forget(self):
        k, self._k = self._k, None
        _wipe(k)


class VerifierSide(_Side):
    """One exchange as the verifier of a peer that claims to hold `public_key`. challenge: 32 fresh
    random bytes, which nobody else sees before their turn. The rest is as for ProverSide."""

    def __init__(self, public_key, role, verifier_id, context, challenge, now_ms, timeout_ms):
        _Side.__init__(self, role, public_key, verifier_id, context, now_ms, timeout_ms)
        if not isinstance(challenge, (bytes, bytearray)) or len(challenge) != 32:
            raise ValueError("a challenge is 32 bytes")
        self._public_key = bytes(public_key)
        self._challenge = bytes(challenge)
        self._nonce_commitment = None
        self.seal = sealed(challenge)

    def challenge(self, nonce_commitment: bytes) -> tuple:
        """(OK, challenge) for the prover's commitment, or (fault, None)."""
        fault = self._turn(_NEW, nonce_commitment)
        if not fault and curve.field_element(bytes(nonce_commitment)) is None:
            self._state = _OVER
            fault = faults.COMMITMENT_OUT_OF_RANGE
        if fault:
            return fault, None
        self._nonce_commitment = bytes(nonce_commitment)
        return faults.OK, self._challenge

    def check(self, response_scalar: bytes) -> int:
        """faults.OK if the prover knows the secret of `public_key`, else the first fault."""
        fault = self._turn(_WAITING, response_scalar)
        if fault:
            return fault
        response_scalar = bytes(response_scalar)
        point = engines.active.lift_x(self._public_key)
        if point is None:
            return faults.KEY_NOT_A_POINT
        if curve.scalar(response_scalar) is None:
            return faults.RESPONSE_OUT_OF_RANGE
        e = self._challenge_scalar(self._challenge)
        if not engines.active.verify_equation(point, self._nonce_commitment, response_scalar, e):
            return faults.EQUATION_FAILS
        return faults.OK


def sealed(challenge: bytes) -> bytes:
    """The verifier's seal (32 bytes). It binds the challenge and, as that is random, hides it."""
    return tagged_sha256("countersign/SigmaSeal/1", challenge)


def _wipe(k):
    for i in range(len(k or b"")):
        k[i] = 0
