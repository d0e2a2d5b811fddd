"""The device's identity: made once, on the device, and never twice.

A first boot writes these records in this order. Each write takes effect whole or not at all:

    counter    boot count 0, its witness before it: nothing else exists yet
    identity   secret, the next secret or only its owner's commitment to the next key, and the
               public key that the secret gave then
    counter    boot count 1 and the first block of counters: from here on the identity must exist;
               then its witness
    enrolment  the gateway that has accepted this device

A power cut can leave only a prefix of this sequence. Any other combination means that the medium
lost something, and the device refuses to start. The device makes an identity only if it can prove
that there never was one.
"""

from countersign import identity
from countersign.proofs import schnorr
from countersign.proofs.coupons import Coupons
from countersign_agent.keys import counters as counters_module
from countersign_agent.keys.entropy import EntropyError
from countersign_agent.keys.stored_records import RecordDamaged

IDENTITY = "identity"
ENROLMENT = "enrolment"
# The record's version says who holds the next key: its third value is the secret or the digest.
NEXT_KEY_HERE = 2
NEXT_KEY_WITH_OWNER = 3
ENROLMENT_VERSION = 1
_IDENTITY_LENGTH = 4

# How many signatures the device prepares in idle time. An enrolment takes three.
COUPONS = 4


class KeyStoreDamaged(Exception):
    """The store holds a state that no power cut can explain. The device must not start."""


class Identity:
    """Key pair, next key pair and identifier. Secrets leave this object only as signatures
    and as the password of a broker.

    self_check: verify each signature before it leaves. A faulty computation, such as one after a
    glitch, may otherwise reveal the key.
    """

    self_check = False

    def __init__(self, custody, suite, secret, next_key, entropy, next_serial):
        prover = schnorr.Prover(secret)
        self._coupons = Coupons(prover, entropy.take, next_serial, COUPONS)
        self._secret = secret
        self._next_key = next_key
        self.owner_has_next_key = custody == NEXT_KEY_WITH_OWNER
        self.suite = suite
        self.public_key = prover.public_key
        self.device_id = identity.device_id(suite, self.public_key)

    def next_key_digest(self) -> bytes:
        """The commitment to the next key (32 bytes). It may be computed at each call."""
        if self.owner_has_next_key:
            return self._next_key
        return identity.next_key_digest(self.suite, schnorr.public_key(self._next_key))

    def sign(self, digest: bytes) -> bytes:
        """BIP-340 signature (64 bytes), from a coupon if one is ready.

        Raises RuntimeError if self_check finds it wrong. No part of it has left then.
        """
        return self._coupons.sign(digest, self.self_check)

    def broker_password(self, site_account_key: bytes, site: str) -> str:
        """The password of this device at its site's broker. ValueError for a key of no point."""
        # Imported only here: a board on a serial line has no broker.
        from countersign import accounts

        return accounts.device_password(
            accounts.shared_secret(self._secret, site_account_key), site
        )

    def prepare(self) -> bool:
        """Do half of a coming signature's work in idle time. False if there is nothing to do."""
        return self._coupons.prepare()


class KeyStore:
    """What a device keeps: `identity`, `counters`, and the gateway that accepted it."""

    def __init__(self, records, identity, counters, is_new):
        self._records = records
        self.identity = identity
        self.counters = counters
        self.is_new = is_new

    def enrolled_gateway(self) -> bytes:
        """gateway_id (32 bytes) of the gateway that accepted this device, or None.

        Raises RecordDamaged. The device can then enrol again safely, since nothing else changes.
        """
        values = self._records.load(ENROLMENT, ENROLMENT_VERSION, 1)
        return None if values is None else values[0]

    def set_enrolled_gateway(self, gateway_id: bytes) -> None:
        """Store the gateway_id (32 bytes), durable on return. Raises StorageError."""
        self._records.save(ENROLMENT, ENROLMENT_VERSION, [gateway_id])


def load_counters(records, device_id: bytes = None):
    """First step of a start: the stored counters, or new ones on a device that never booted.

    device_id: if given, the store must already hold this device's identity. Raises
    KeyStoreDamaged, StorageError.
    """
    counters, values = _load(records)
    if device_id is not None:
        if values is None:
            raise KeyStoreDamaged("the identity of the configured device is gone")
        if identity.device_id(values[1], values[4]) != device_id:
            raise KeyStoreDamaged("this is another device than the configured one")
    return counters_module.Counters.create(records) if counters is None else counters


def stored_identity(records) -> tuple:
    """(suite, public key) of the identity in the store, or None. It writes and counts nothing.

    Raises KeyStoreDamaged for a store that `load_counters` would refuse, StorageError.
    """
    _, values = _load(records)
    return None if values is None else (values[1], values[4])


def _load(records):
    try:
        counters = counters_module.Counters.load(records)
        values = _load_identity(records)
    except RecordDamaged as damage:
        raise KeyStoreDamaged(str(damage))
    if counters is None and values is not None:
        raise KeyStoreDamaged("an identity without its counter: counters could repeat")
    if counters is not None and counters.boot_count > 0 and values is None:
        raise KeyStoreDamaged("this device had an identity, and it is gone")
    return counters, values


def _load_identity(records):
    """[custody, suite, secret, next secret or digest, public key], or None."""
    versions = (NEXT_KEY_HERE, NEXT_KEY_WITH_OWNER)
    return records.load_one_of(IDENTITY, versions, _IDENTITY_LENGTH)


def open_key_store(records, counters, entropy, next_key_digest: bytes = None) -> KeyStore:
    """Second step: load the identity, or make it on a first boot, and count this boot.

    `counters` comes from `load_counters`, `entropy` is an EntropyPool: the boot count is one of
    its inputs, which is why there are two steps. next_key_digest: of the key that the owner holds
    (32 bytes); None to make the next key here. An identity that is there already keeps its own.
    Raises KeyStoreDamaged, StorageError; ValueError for a digest that commits to no other key.
    """
    try:
        values = _load_identity(records)
    except RecordDamaged as damage:
        raise KeyStoreDamaged(str(damage))
    is_new = values is None
    if is_new:
        if counters.boot_count > 0:
            raise KeyStoreDamaged("this device had an identity, and it is gone")
        suite = identity.SUITE_SECP256K1
        secret, public_key = new_key_pair(entropy)
        if next_key_digest is None:
            values = [NEXT_KEY_HERE, suite, secret, new_key_pair(entropy)[0], public_key]
        else:
            if not _commits(next_key_digest, suite, public_key):
                raise ValueError("the next key's digest is zero, or that of the current key")
            values = [NEXT_KEY_WITH_OWNER, suite, secret, next_key_digest, public_key]
        records.save(IDENTITY, values[0], values[1:])
    custody, suite, secret, next_key, public_key = values
    try:
        own = Identity(custody, suite, secret, next_key, entropy, counters.next_serial)
    except ValueError:
        # The library's own message stays out of the text, because the value is a secret.
        raise KeyStoreDamaged("the stored identity is not a key pair")
    if own.owner_has_next_key and not _commits(next_key, suite, own.public_key):
        raise KeyStoreDamaged("the stored digest commits to no next key")
    if own.public_key != public_key:
        # Either the record or this boot's arithmetic is wrong, so the device must not sign.
        raise KeyStoreDamaged("the stored public key is not that of the secret")
    counters.begin_boot()
    return KeyStore(records, own, counters, is_new)


def _commits(digest, suite, public_key):
    """Whether a digest can be that of a next key beside this key."""
    if not isinstance(digest, bytes) or len(digest) != 32 or digest == identity.ZERO_DIGEST:
        return False
    return digest != identity.next_key_digest(suite, public_key)


def new_key_pair(entropy) -> tuple:
    """(secret key, public key), 32 bytes each. The secret comes from the pool, in [1, n-1]."""
    for _ in range(4):
        secret = entropy.take()
        try:
            return secret, schnorr.public_key(secret)
        except ValueError:
            continue  # zero, or not below the group order: a chance of 2**-127
    raise EntropyError("the pool gives no valid key")
