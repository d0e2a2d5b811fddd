"""The device's identity: made once, on the device, and never twice.

Records and the order in which a first boot writes them (each write whole or not at all):

    counter    boot count 0: nothing else exists yet
    identity   secret and next secret
    counter    boot count 1 and the first block of counters: from here on the identity must exist
    enrolment  the gateway that has accepted this device

Each state that a power cut can leave behind is one of these prefixes, so every other
combination means that the medium lost something, and the device refuses to start: an identity
is made only where there provably never was one.
"""

from countersign import identity, schnorr
from countersign_agent import counters as counters_module
from countersign_agent.entropy import EntropyError
from countersign_agent.records import RecordDamaged

IDENTITY = "identity"
ENROLMENT = "enrolment"
VERSION = 1


class KeyStoreDamaged(Exception):
    """The store holds a state that no power cut can explain. The device must not start."""


class Identity:
    """Key pair, next key pair and identifier. Secrets leave this object only as signatures."""

    def __init__(self, suite, secret, next_secret, entropy):
        self._secret = secret
        self._next_secret = next_secret
        self._entropy = entropy
        self.suite = suite
        self.public_key = schnorr.public_key(secret)
        self.device_id = identity.device_id(suite, self.public_key)

    def next_key_digest(self) -> bytes:
        """The commitment to the next key. Computed when asked: only enrolment needs it."""
        return identity.next_key_digest(self.suite, schnorr.public_key(self._next_secret))

    def sign(self, digest: bytes) -> bytes:
        """BIP-340 signature (64 bytes) with a hedged nonce."""
        return schnorr.sign(self._secret, digest, self._entropy.take())


class KeyStore:
    """What a device keeps: `identity`, `counters`, and which gateway accepted it."""

    def __init__(self, records, identity, counters, is_new):
        self._records = records
        self.identity = identity
        self.counters = counters
        self.is_new = is_new

    def enrolled_gateway(self) -> bytes:
        """gateway_id (32 bytes) of the gateway that accepted this device, or None.

        Raises RecordDamaged; enrolling again is then safe, since it changes nothing else.
        """
        values = self._records.load(ENROLMENT, VERSION, 1)
        return None if values is None else values[0]

    def set_enrolled_gateway(self, gateway_id: bytes) -> None:
        """Durable when it returns."""
        self._records.save(ENROLMENT, VERSION, [gateway_id])


def load_counters(records):
    """First step of a start: the stored counters, or new ones on a device that never booted.

    Raises KeyStoreDamaged, StorageError.
    """
    try:
        counters = counters_module.Counters.load(records)
        has_identity = records.load(IDENTITY, VERSION, 3) is not None
    except RecordDamaged as damage:
        raise KeyStoreDamaged(str(damage))
    if counters is None:
        if has_identity:
            raise KeyStoreDamaged("an identity without its counter: counters could repeat")
        return counters_module.Counters.create(records)
    if counters.boot_count > 0 and not has_identity:
        raise KeyStoreDamaged("this device had an identity, and it is gone")
    return counters


def open_key_store(records, counters, entropy) -> KeyStore:
    """Second step: load the identity, or make it on a first boot, and count this boot.

    `counters` comes from `load_counters`, `entropy` is an EntropyPool: the boot count is one of
    its inputs, which is why there are two steps. Raises KeyStoreDamaged, StorageError.
    """
    try:
        values = records.load(IDENTITY, VERSION, 3)
    except RecordDamaged as damage:
        raise KeyStoreDamaged(str(damage))
    is_new = values is None
    if is_new:
        if counters.boot_count > 0:
            raise KeyStoreDamaged("this device had an identity, and it is gone")
        secret, next_secret = new_secret(entropy), new_secret(entropy)
        values = [identity.SUITE_SECP256K1, secret, next_secret]
        records.save(IDENTITY, VERSION, values)
    try:
        own = Identity(values[0], values[1], values[2], entropy)
    except ValueError:
        # Whatever the library complained of stays out of the text: the value is a secret.
        raise KeyStoreDamaged("the stored identity is not a key pair")
    counters.begin_boot()
    return KeyStore(records, own, counters, is_new)


def new_secret(entropy) -> bytes:
    """A secret key: 32 bytes from the pool that are a scalar in [1, n-1]."""
    for _ in range(4):
        secret = entropy.take()
        try:
            schnorr.public_key(secret)
        except ValueError:
            continue  # zero, or not below the group order: a chance of 2**-127
        return secret
    raise EntropyError("the pool gives no valid key")
