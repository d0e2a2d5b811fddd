"""The key store keeps exactly one identity, whatever the storage returns. Power cuts are tested in
tests/agent/on_cpython. The file is as long as the list of what storage may return."""

from countersign import identity
from countersign.proofs import engines, schnorr
from countersign_agent.keys import keystore
from countersign_agent.keys.counters import (
    BLOCK,
    LAST_COUNTER,
    WITNESS,
    CounterExhausted,
    Counters,
)
from countersign_agent.keys.entropy import EntropyPool
from countersign_agent.keys.keystore import KeyStoreDamaged
from countersign_agent.keys.storage import StorageError
from countersign_agent.keys.stored_records import RecordDamaged, StoredRecords
from support.agent.memory_site import Storage
from support.agent.noise import Noise


class CountingStorage(Storage):
    """Counts the writes of each file, which wear the flash."""

    def __init__(self):
        Storage.__init__(self)
        self.writes = {}

    def write(self, name, data):
        self.writes[name] = self.writes.get(name, 0) + 1
        Storage.write(self, name, data)


class Unreadable(Storage):
    """A storage whose medium refuses to read one file."""

    def __init__(self, files, name):
        Storage.__init__(self)
        self.files = files
        self.name = name

    def read(self, name):
        if name == self.name:
            raise StorageError("cannot read " + name)
        return Storage.read(self, name)


def boot(storage, seed=b"1"):
    records = StoredRecords(storage)
    counters = keystore.load_counters(records)
    noise = Noise(seed)
    entropy = EntropyPool(noise.urandom, noise.ticks_us, records, counters.boot_count)
    return keystore.open_key_store(records, counters, entropy)


def refuses(action, *arguments):
    try:
        action(*arguments)
    except (KeyStoreDamaged, StorageError):
        return True
    return False


def test_the_identity_is_made_once():
    storage = Storage()
    first = boot(storage)
    assert first.is_new
    second = boot(storage, b"2")
    assert not second.is_new
    assert second.identity.device_id == first.identity.device_id
    assert second.counters.boot_count == 2
    assert second.identity.next_key_digest() == first.identity.next_key_digest()


def test_looking_at_the_stored_identity_changes_nothing():
    storage = Storage()
    assert keystore.stored_identity(StoredRecords(storage)) is None
    assert storage.files == {}
    own = boot(storage).identity
    before = dict(storage.files)
    assert keystore.stored_identity(StoredRecords(storage)) == (own.suite, own.public_key)
    assert storage.files == before
    for lost in (keystore.IDENTITY, "counter"):
        storage.files = dict(before)
        storage.files.pop(lost)
        assert refuses(keystore.stored_identity, StoredRecords(storage)), lost


def test_the_next_key_is_another_key():
    store = boot(Storage())
    assert store.identity._coupons._prover._d != store.identity._next_key
    assert store.identity.next_key_digest() != identity.next_key_digest(
        store.identity.suite, store.identity.public_key
    )


def test_signatures_verify_and_their_nonces_differ():
    store = boot(Storage())
    digest = b"\x07" * 32
    first, second = store.identity.sign(digest), store.identity.sign(digest)
    assert first != second
    assert schnorr.verify(store.identity.public_key, digest, first)
    assert schnorr.verify(store.identity.public_key, digest, second)


def test_damage_is_never_taken_for_absence():
    storage = Storage()
    boot(storage)
    before = dict(storage.files)
    for name in ("identity", "counter", WITNESS):
        whole = before[name]
        changed = bytearray(whole)
        changed[9] ^= 1
        for damaged in (b"", whole[:-1], whole + b"\x00", bytes(len(whole)), bytes(changed)):
            storage.files = dict(before)
            storage.files[name] = damaged
            assert refuses(boot, storage, b"2"), name
            assert storage.files["identity"] == (
                damaged if name == "identity" else before["identity"]
            )


def test_an_unreadable_medium_is_never_taken_for_absence():
    storage = Storage()
    boot(storage)
    for name in ("identity", "counter", WITNESS):
        assert refuses(boot, Unreadable(storage.files, name), b"2")


def test_a_lost_identity_or_counter_is_not_replaced():
    for name in ("identity", "counter", WITNESS):
        storage = Storage()
        boot(storage)
        del storage.files[name]
        assert refuses(boot, storage, b"2"), name
        assert name not in storage.files


def test_a_counter_that_was_put_back_is_not_used():
    """LittleFS returns a folder's older state if the newest one is damaged."""
    storage = Storage()
    store = boot(storage)
    older = [dict(storage.files)]
    for _ in range(BLOCK + 1):
        store.counters.next()
    older.append(dict(storage.files))
    boot(storage, b"2")
    now = dict(storage.files)
    for then in older:
        storage.files = dict(then)
        storage.files[WITNESS] = now[WITNESS]
        assert refuses(boot, storage, b"3")
    # A whole folder that goes back to its empty state is the same case.
    storage.files = {WITNESS: now[WITNESS]}
    assert refuses(boot, storage, b"3")
    assert list(storage.files) == [WITNESS]


def test_a_witness_that_was_put_back_costs_nothing():
    """A power cut between the two writes leaves the same state."""
    storage = Storage()
    first = boot(storage)
    older = storage.files[WITNESS]
    last = [first.counters.next() for _ in range(BLOCK + 1)][-1]
    storage.files[WITNESS] = older
    again = boot(storage, b"2")
    assert again.identity.device_id == first.identity.device_id
    assert again.counters.next() > last
    assert StoredRecords(storage).load(WITNESS, 1, 2) == StoredRecords(storage).load(
        "counter", 1, 2
    )


def test_a_configured_device_is_that_one_and_no_other_is_made():
    empty, storage = Storage(), Storage()
    own = boot(storage).identity
    assert refuses(keystore.load_counters, StoredRecords(empty), own.device_id)
    assert empty.files == {}
    assert refuses(keystore.load_counters, StoredRecords(storage), bytes(32))
    assert keystore.load_counters(StoredRecords(storage), own.device_id).boot_count == 1


def test_records_cannot_take_each_others_place():
    storage = Storage()
    boot(storage)
    storage.files["counter"], storage.files["identity"] = (
        storage.files["identity"],
        storage.files["counter"],
    )
    assert refuses(boot, storage, b"2")


def test_counters_grow_over_boots_and_cost_one_write_a_block():
    storage = CountingStorage()
    last = 0
    for number in range(1, 4):
        store = boot(storage, str(number).encode())
        writes = storage.writes["counter"]
        for _ in range(2 * BLOCK):
            counter = store.counters.next()
            assert counter > last
            last = counter
        assert storage.writes["counter"] - writes == 1
    # Writes: one at the first boot's start, one for each boot, one for each further block.
    assert storage.writes["counter"] == storage.writes[WITNESS] == 1 + 3 + 3
    assert storage.writes["identity"] == 1


def test_a_counter_that_cannot_be_reserved_is_not_used():
    class Full(Storage):
        is_full = False

        def write(self, name, data):
            if self.is_full:
                raise StorageError("no space")
            Storage.write(self, name, data)

    storage = Full()
    store = boot(storage)
    for _ in range(BLOCK):
        last = store.counters.next()
    storage.is_full = True
    for _ in range(3):
        assert refuses(store.counters.next)
    storage.is_full = False
    assert store.counters.next() == last + 1


def test_counters_end_instead_of_wrapping():
    records = StoredRecords(Storage())
    for name in ("counter", WITNESS):
        records.save(name, 1, [1, LAST_COUNTER - 1])
    counters = Counters.load(records)
    try:
        counters.begin_boot()
    except CounterExhausted:
        return
    raise AssertionError("a counter beyond the last")


def test_a_record_of_another_version_or_length_is_refused():
    records = StoredRecords(Storage())
    records.save("thing", 1, [b"x", 2])
    assert records.load("thing", 1, 2) == [b"x", 2]
    for version, length in ((2, 2), (1, 1), (1, 3)):
        try:
            records.load("thing", version, length)
        except RecordDamaged:
            continue
        raise AssertionError("another format was read")
    assert records.load("absent", 1, 2) is None


OWNERS = bytes([5] * 32)


def boot_with(storage, next_key_digest, seed=b"1"):
    records = StoredRecords(storage)
    counters = keystore.load_counters(records)
    noise = Noise(seed)
    entropy = EntropyPool(noise.urandom, noise.ticks_us, records, counters.boot_count)
    return keystore.open_key_store(records, counters, entropy, next_key_digest)


def test_a_device_can_leave_its_next_key_to_its_owner():
    storage = Storage()
    first = boot_with(storage, OWNERS).identity
    assert first.owner_has_next_key
    assert first.next_key_digest() == OWNERS
    values = StoredRecords(storage).load("identity", keystore.NEXT_KEY_WITH_OWNER, 4)
    assert values[2] == OWNERS
    # A later start needs nothing from outside, and keeps what there is.
    for seed, digest in ((b"2", None), (b"3", OWNERS), (b"4", bytes([6] * 32))):
        again = boot_with(storage, digest, seed).identity
        assert (again.device_id, again.next_key_digest()) == (first.device_id, OWNERS)


def test_an_identity_with_its_next_key_stays_so():
    storage = Storage()
    first = boot(storage).identity
    again = boot_with(storage, OWNERS, b"2").identity
    assert not again.owner_has_next_key
    assert again.next_key_digest() == first.next_key_digest()


def test_a_digest_that_commits_to_no_other_key_makes_no_identity():
    never = Storage()
    own = boot(never).identity
    current = identity.next_key_digest(own.suite, own.public_key)
    for digest in (bytes(32), current, b"short"):
        storage = Storage()  # with the same noise, so the same key
        try:
            boot_with(storage, digest)
        except ValueError:
            assert keystore.IDENTITY not in storage.files
            continue
        raise AssertionError("it was taken")


def test_a_damaged_record_of_an_owners_key_is_seen():
    storage = Storage()
    own = boot_with(storage, OWNERS).identity
    records = StoredRecords(storage)
    values = records.load("identity", keystore.NEXT_KEY_WITH_OWNER, 4)
    sound = storage.files[keystore.IDENTITY]
    for at in range(0, len(sound), 7):
        storage.files[keystore.IDENTITY] = sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :]
        assert refuses(boot, storage, b"2"), at
    # These are whole records with a wrong content.
    current = identity.next_key_digest(own.suite, own.public_key)
    for seed, wrong in ((b"2", bytes(32)), (b"3", current), (b"4", b""), (b"5", 7)):
        records.save("identity", keystore.NEXT_KEY_WITH_OWNER, values[:2] + [wrong, values[3]])
        assert refuses(boot, storage, seed), wrong


def test_no_secret_in_the_text_of_any_object():
    store = boot(Storage())
    for thing in (store, store.identity, store.counters):
        text = repr(thing) + str(thing)
        assert repr(store.identity._coupons._prover._d)[2:-1] not in text


def test_a_boot_shows_that_the_key_is_still_the_same():
    storage = Storage()
    boot(storage)
    records = StoredRecords(storage)
    values = records.load("identity", 2, 4)
    assert values[3] == schnorr.public_key(values[1])
    # The first case is an undamaged record with a wrong content.
    records.save("identity", 2, values[:3] + [schnorr.public_key(values[2])])
    assert refuses(boot, storage, b"2")
    records.save("identity", 2, values)

    class Wrong:
        """The second case: an engine that computes another key than at the first boot."""

        def generate(self, k):
            return engines.pure_engine.generate(values[2])

        def respond(self, k, e, d):
            return engines.pure_engine.respond(k, e, d)

    try:
        engines.active = Wrong()
        assert refuses(boot, storage, b"3")
    finally:
        engines.choose()
    assert boot(storage, b"4").identity.public_key == values[3]


def test_a_device_that_checks_lets_no_wrong_signature_out():
    store = boot(Storage())
    digest = bytes([7] * 32)
    secret = store.identity._coupons._prover._d
    right = engines.active

    class Glitched:
        """The engine in use, but with one wrong bit in each response."""

        def __getattr__(self, name):
            return getattr(right, name)

        def respond(self, k, e, d):
            answer = right.respond(k, e, d)
            return answer[:31] + bytes([answer[31] ^ (d == secret)])

    try:
        for from_coupon in (False, True):
            for self_check in (False, True):
                if from_coupon:
                    assert store.identity.prepare()
                store.identity.self_check = self_check
                engines.active = Glitched()
                try:
                    signature = store.identity.sign(digest)
                    assert not self_check, "it was handed out"
                    assert not schnorr.verify(store.identity.public_key, digest, signature)
                except RuntimeError:
                    assert self_check
                engines.active = right
                assert schnorr.verify(
                    store.identity.public_key, digest, store.identity.sign(digest)
                )
    finally:
        engines.choose()


def test_serials_never_repeat_over_boots():
    storage = Storage()
    serials = []
    for number in range(3):
        store = boot(storage, str(number).encode())
        serials += [store.counters.next_serial() for _ in range(5)]
        # A boot that ends before it was counted gives no serial numbers.
        uncounted = keystore.load_counters(StoredRecords(storage))
        try:
            uncounted.next_serial()
            raise AssertionError("a serial before the boot was counted")
        except RuntimeError:
            pass
    assert len(set(serials)) == 15


def test_coupons_are_made_in_idle_time_and_spent_once():
    store = boot(Storage())
    while store.identity.prepare():
        pass
    digest = b"\x07" * 32
    signatures = [store.identity.sign(digest) for _ in range(keystore.COUPONS + 2)]
    for signature in signatures:
        assert schnorr.verify(store.identity.public_key, digest, signature)
    assert len(set([signature[:32] for signature in signatures])) == len(signatures)
