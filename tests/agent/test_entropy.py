"""The entropy pool: it mixes several inputs, and fails closed when its source is broken."""

from countersign_agent.keys.entropy import EntropyError, EntropyPool
from countersign_agent.keys.stored_records import StoredRecords
from support.agent.memory_site import Storage
from support.agent.noise import Noise


def pool(urandom, storage=None, ticks_us=lambda: 0, boot_count=1):
    return EntropyPool(urandom, ticks_us, StoredRecords(storage or Storage()), boot_count)


def expect_closed(urandom, storage=None):
    try:
        pool(urandom, storage)
    except EntropyError:
        return
    raise AssertionError("a broken source was accepted")


def test_a_missing_or_broken_source_is_refused():
    period = [bytes(range(32)), bytes(range(1, 33))]
    expect_closed(None)
    expect_closed(lambda size: bytes(size))
    expect_closed(lambda size: b"\xff" * size)
    expect_closed(lambda size: b"\x01\x80" * (size // 2))
    expect_closed(lambda size: Noise().urandom(size))  # the same at every call
    expect_closed(lambda size: Noise().urandom(size)[:-1])
    expect_closed(lambda size: period[0])


def test_a_source_that_starts_the_same_at_every_boot_is_refused():
    storage = Storage()
    pool(Noise(b"fixed seed").urandom, storage)
    expect_closed(Noise(b"fixed seed").urandom, storage)
    pool(Noise(b"another").urandom, storage)


def test_a_source_that_breaks_later_is_refused_then():
    noise = Noise()
    calls = []

    def urandom(size):
        calls.append(1)
        return noise.urandom(size) if len(calls) < 6 else bytes(size)

    source = pool(urandom)
    for _ in range(2):
        source.take()
    try:
        for _ in range(3):
            source.take()
    except EntropyError:
        return
    raise AssertionError("a source that broke was used")


def test_each_input_alone_changes_the_output():
    def first(urandom_seed=b"u", seed=None, provisioned=None, ticks=0, boot_count=1):
        storage = Storage()
        if seed is not None:
            StoredRecords(storage).save("seed", 1, [seed, bytes(32)])
        if provisioned is not None:
            storage.files["provisioned_entropy"] = provisioned
        return pool(Noise(urandom_seed).urandom, storage, lambda: ticks, boot_count).take()

    outputs = [
        first(),
        first(urandom_seed=b"v"),
        first(seed=b"\x01" * 32),
        first(seed=b"\x02" * 32),
        first(provisioned=b"from the factory"),
        first(ticks=5),
        first(boot_count=2),
    ]
    assert len(set(outputs)) == len(outputs)
    assert first() == outputs[0]


def test_the_seed_changes_at_every_boot_before_anything_is_taken():
    storage = Storage()
    seen = []
    for number in range(3):
        pool(Noise(bytes([number])).urandom, storage)
        seen.append(storage.files["seed"])
    assert len(set(seen)) == 3


def test_it_states_its_sources():
    storage = Storage()
    assert pool(Noise(b"1").urandom, storage).sources()["seed"] == "absent"
    assert pool(Noise(b"2").urandom, storage).sources()["seed"] == "stored"
    storage.files["seed"] = b"broken"
    assert pool(Noise(b"3").urandom, storage).sources()["seed"] == "unreadable"
    assert pool(Noise(b"4").urandom, storage).sources()["seed"] == "stored"


def test_outputs_do_not_repeat():
    source = pool(Noise().urandom)
    outputs = [source.take() for _ in range(50)]
    assert len(set(outputs)) == 50
    assert all([len(output) == 32 for output in outputs])
