"""Coupons: nonces and their commitments made in idle time. With a coupon, a signature takes only
one hash and one multiply-add. The result is an ordinary BIP-340 signature.

A coupon is (k, R = k·G). Two messages signed with one coupon reveal the key. `schnorr.Prover.sign`
derives a different nonce for each message, but a coupon is made before its message is known. So
nothing in k protects a coupon that is used twice, and the code keeps two rules:

- A coupon is used once. It leaves the pool before anything is computed from it, and its k is wiped
  before the signature is returned or an exception passes. So no exception, reconnection or
  reentrant call finds it again. Pools refuse to be copied, pickled or shared by a process that
  forks. They live in RAM only, so no power cut brings a coupon back.
- A coupon is made once. k comes from key, fresh entropy and a serial number that the device never
  repeats, which holds the boot count. If the entropy is stuck, the serial number alone keeps two
  coupons apart. If the serial number is wound back, as on a copied flash image, the entropy does.
  If both fail together, the key is revealed. PROTOCOL.md, section 10.2.
"""

from countersign.proofs.schnorr import Prover

_SERIAL_BYTES = 16


class Coupons:
    """A pool of coupons for one key. `count` says how many are left.

    take_entropy: callable -> 32 fresh bytes. next_serial: callable -> an integer in [0, 2**128)
    that was never returned before for this key, earlier boots included. capacity: the most
    coupons that the pool holds (each about 200 bytes of heap).
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
        """As Prover.sign, with a coupon if there is one, and with a new nonce otherwise."""
        if not isinstance(message, (bytes, bytearray, memoryview)):
            raise TypeError("message must be bytes")
        # A copy cannot change during the call, so one coupon serves one challenge scalar.
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
        """Wipe all coupons, for example before a key rotation or a sleep with the RAM on."""
        while self._pool:
            _wipe(self._pool.pop().take())

    def __reduce_ex__(self, protocol):
        raise TypeError("coupons cannot be copied: each may be used once")


class _Coupon:
    def __init__(self, k, nonce_commitment):
        self._k = k
        self.nonce_commitment = nonce_commitment

    def take(self):
        """The nonce at the first call. Every later call raises RuntimeError."""
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
