"""Coupons: nonces and their commitments made in idle time, so that a signature takes one hash and
one multiply-add when it is needed. What comes out is an ordinary BIP-340 signature.

A coupon is (k, R = k·G). Whoever signs two messages from one gives the key away, and unlike the
nonce of `schnorr.Prover.sign`, which is another for another message, a coupon is made before its
message is known. So no property of k protects a coupon that is used twice, and two rules hold:

- Used once. A coupon leaves the pool before anything is computed from it, and its k is wiped
  before the signature is handed out or an exception passes: no exception, reconnection or call
  from within a call finds it again. Pools refuse to be copied, pickled or shared by a process
  that forks. They live in RAM only, so that no power cut brings one back.
- Made once. k comes from key, fresh entropy and a serial number that the device never repeats,
  its boot count in it. With entropy that is stuck, the serial number alone keeps two coupons
  apart; with a serial number that is wound back, as on a copied flash image, the entropy does.
  Both failing together give the key away. PROTOCOL.md, section 10.2.
"""

from countersign.proofs.schnorr import Prover

_SERIAL_BYTES = 16


class Coupons:
    """A pool of coupons for one key. `count` says how many are left.

    take_entropy: callable -> 32 fresh bytes. next_serial: callable -> an integer in [0, 2**128)
    that was never returned before for this key, earlier boots included. capacity: at most so
    many coupons (each about 200 bytes of heap).
    """

    def __init__(self, prover: Prover, take_entropy, next_serial, capacity: int):
        self.public_key = prover.public_key
        self._prover = prover
        self._take_entropy = take_entropy
        self._next_serial = next_serial
        self._capacity = capacity
        self._pool = []

    @property
    def count(self) -> int:
        return len(self._pool)

    def prepare(self) -> bool:
        """Make one coupon if there is room: about the work of a signature. True if it did."""
        if len(self._pool) >= self._capacity:
            return False
        serial = self._next_serial().to_bytes(_SERIAL_BYTES, "big")
        digest = self._prover._nonce("countersign/Coupon/1/", self._take_entropy(), serial)
        self._pool.append(_Coupon(*self._prover._commit(digest)))
        return True

    def sign(self, message: bytes, self_check: bool = False) -> bytes:
        """Prover.sign, from a coupon if there is one, in full if not."""
        if not isinstance(message, (bytes, bytearray, memoryview)):
            raise TypeError("message must be bytes")
        # From here on the message cannot change under us: one coupon, one challenge scalar.
        message = bytes(message)
        try:
            coupon = self._pool.pop()
        except IndexError:
            return self._prover.sign(message, self._take_entropy(), self_check)
        k = coupon.take()
        try:
            return self._prover._answer(k, coupon.nonce_commitment, message, self_check)
        finally:
            _wipe(k)

    def discard(self) -> None:
        """Wipe what is left, as before a key is rotated or a device sleeps with its RAM on."""
        while self._pool:
            _wipe(self._pool.pop().take())

    def __reduce_ex__(self, protocol):
        raise TypeError("coupons cannot be copied: each may be used once")


class _Coupon:
    def __init__(self, k, nonce_commitment):
        self._k = k
        self.nonce_commitment = nonce_commitment

    def take(self):
        """The nonce, the first time; whoever holds the same coupon later finds none."""
        k = self._k
        self._k = None
        if k is None:
            raise RuntimeError("this coupon was used")
        return k

    def __reduce_ex__(self, protocol):
        raise TypeError("a coupon cannot be copied: it may be used once")


def _wipe(k):
    for i in range(len(k)):
        k[i] = 0
