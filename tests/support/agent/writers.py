"""The list of all code on a device that writes flash. Add new code that writes flash here.

A writer has three functions over a storage:

    prepare(storage)          bring the flash to the state before the write
    act(storage, witness)     write, and append to `witness` everything that the outside world has
                              seen; the power may fail at any moment
    check(storage, witness)   when the power is back: assert the promise, whatever was cut
"""

from countersign.proofs import schnorr
from countersign_agent.keys import counters, keystore
from countersign_agent.keys.entropy import EntropyPool
from countersign_agent.keys.stored_records import StoredRecords
from support.agent.noise import Noise

GATEWAY_1 = b"\x11" * 32
GATEWAY_2 = b"\x22" * 32


class Boot:
    """One start of the key store, as in main.py. `salt`: gives this boot its own randomness."""

    def __init__(self, storage, salt):
        self.records = StoredRecords(storage)
        stored = keystore.load_counters(self.records)
        noise = Noise(bytes([salt]))
        self.entropy = EntropyPool(noise.urandom, noise.ticks_us, self.records, stored.boot_count)
        self.key_store = keystore.open_key_store(self.records, stored, self.entropy)
        self.device_id = self.key_store.identity.device_id
        self.counters = self.key_store.counters


class KnownKeys:
    """The real keys, each computed only once, because the sweep boots hundreds of times."""

    def __init__(self):
        self._known = {}

    def Prover(self, secret):
        if secret not in self._known:
            self._known[secret] = schnorr.Prover(secret)
        return self._known[secret]

    def public_key(self, secret):
        return self.Prover(secret).public_key


def nothing(storage):
    """prepare: formatted flash without files."""


def booted_once(storage):
    Boot(storage, 1)


def first_boot(storage, witness):
    boot = Boot(storage, 1)
    # From here on the outside world has seen this identity and this counter.
    witness.append((boot.device_id, boot.counters.next()))


def second_boot(storage, witness):
    boot = Boot(storage, 2)
    witness.append((boot.device_id, boot.counters.next()))


def use_up_blocks(storage, witness):
    boot = Boot(storage, 2)
    for _ in range(2 * counters.BLOCK + 2):
        witness[:] = [(boot.device_id, boot.counters.next())]


def enrol(storage, witness):
    boot = Boot(storage, 2)
    boot.key_store.set_enrolled_gateway(GATEWAY_1)
    witness.append(GATEWAY_1)
    boot.key_store.set_enrolled_gateway(GATEWAY_2)
    witness.append(GATEWAY_2)


def same_identity_higher_counter(storage, witness):
    """The identity is the one that was seen, no counter repeats, and the device keeps working."""
    seen = list(witness)
    for salt in (3, 4):
        boot = Boot(storage, salt)
        seen.append((boot.device_id, boot.counters.next()))
    for earlier, later in zip(seen, seen[1:]):
        assert earlier[0] == later[0], "a second identity"
        assert earlier[1] < later[1], "a counter went back"


def old_identity_stays(storage, witness):
    """As above, and the identity is that of `booted_once`."""
    same_identity_higher_counter(storage, witness)
    assert Boot(storage, 5).device_id == first_identity(), "another identity"


def old_or_new_gateway(storage, witness):
    """The enrolment is the last one seen, or the one that was being written."""
    boot = Boot(storage, 3)
    assert boot.device_id == first_identity(), "another identity"
    steps = [None, GATEWAY_1, GATEWAY_2]
    allowed = steps[len(witness) : len(witness) + 2]
    assert boot.key_store.enrolled_gateway() in allowed, "an enrolment from nowhere"


def use_before_reserving(storage, witness):
    """A deliberate fault: it uses a counter before it writes the reservation."""
    boot = Boot(storage, 2)
    for _ in range(2 * counters.BLOCK + 2):
        witness[:] = [(boot.device_id, boot.counters._last + 1)]
        boot.counters.next()


class InMemory:
    """A storage that cannot fail, for the result of a boot without any cut."""

    def __init__(self):
        self._files = {}

    def read(self, name):
        return self._files.get(name)

    def write(self, name, data):
        self._files[name] = data


_first = []


def first_identity():
    if not _first:
        _first.append(Boot(InMemory(), 1).device_id)
    return _first[0]


# (name, prepare, act, check)
WRITERS = (
    ("first boot", nothing, first_boot, same_identity_higher_counter),
    ("later boot", booted_once, second_boot, old_identity_stays),
    ("counter reservation", booted_once, use_up_blocks, old_identity_stays),
    ("enrolment", booted_once, enrol, old_or_new_gateway),
)

# This one tests the sweep itself, which must find it broken.
CONTROL = ("control that must fail", booted_once, use_before_reserving, old_identity_stays)
