"""Whole proofs on the emulated RP2040 take the same number of cycles for every key and position.

The tests use the real RPI_PICO image with the library and the module. Every trial starts from the
same state of the machine (countersign_workshop/bench_proof/trials.py). Each claim has a control: a
prover that leaks a little, which the test must detect.
"""

import pytest

from countersign.proofs import ring, schnorr
from countersign_workshop.bench_proof import trials
from countersign_workshop.bench_proof.boards import Rp2040Board
from countersign_workshop.images import firmware_build, native
from countersign_workshop.parts import toolchain
from support.native.parts import N, or_skip

pytestmark = pytest.mark.board

MESSAGE = bytes(range(32))
SETUP = f"message = {MESSAGE!r}\n"
SIGN = "prover.sign(message, message)"

# The native module with one function replaced.
LEAKY = """
class Leaky:
    pass
native, leaky = engines.active, Leaky()
for name in dir(native):
    setattr(leaky, name, getattr(native, name))
{function}
engines.active = leaky
"""
# This prover runs one more bytecode if the key is odd.
LEAKY_XOR = LEAKY.format(
    function="""
def xor(into, other):
    native.xor(into, other)
    if other[31] & 1:
        other[0]
leaky.xor = xor
"""
)
# This prover uses a verifier's sum of products with scalars that only the prover knows.
LEAKY_SUM = LEAKY.format(
    function="""
def generate(s):
    leaky.s = s
    return native.generate(s)
def add(one, other):
    return native.multiply_add(leaky.s, bytes(31) + b'\\x01', other)
leaky.generate, leaky.add = generate, add
"""
)


@pytest.fixture(scope="module", autouse=True)
def image():
    or_skip(lambda: native.build("armv6m"))
    or_skip(toolchain.node)
    or_skip(toolchain.rp2040js)
    or_skip(lambda: firmware_build.build("RPI_PICO"))


def run(secrets, work, setup, tail=8):
    with Rp2040Board("native", trials.files(secrets)) as board:
        return trials.run(board, work, setup, tail)


SECRETS = [1, 2, 3, N - 1, N - 2, N // 2, 2**255, 2**128 - 1, 977**20 % N, 976**21 % N]


def test_a_signature_takes_one_time_for_all_keys():
    found = run(SECRETS, SIGN, SETUP)
    expected = [schnorr.sign(d.to_bytes(32, "big"), MESSAGE, MESSAGE)[-8:] for d in SECRETS]
    assert found.results == expected
    print(f"sign: {sorted(set(found.cycles))} cycles")
    assert found.spread() == 0


def test_a_prover_that_leaks_one_bit_is_seen():
    found = run(SECRETS, SIGN, SETUP + LEAKY_XOR)
    odd = [trials.key_pair(d)[0][31] & 1 for d in SECRETS]
    assert {cycles > min(found.cycles) for cycles in found.cycles} == {True, False}
    assert [cycles > min(found.cycles) for cycles in found.cycles] == [bool(bit) for bit in odd]


def ring_of(size):
    """(the secrets in the order of the ring, the ring)."""
    secrets = [978**i % N for i in range(20, 20 + size)]
    pairs = sorted((trials.key_pair(d)[1], d) for d in secrets)
    return [d for _, d in pairs], [key for key, _ in pairs]


def ring_trials(size, setup=""):
    members, keys = ring_of(size)
    proof_bytes = ring.proof_bytes(size)
    # This pads to whole words.
    work = f"ring.prove(prover, keys, b'site', message, message) + bytes({-proof_bytes % 4})"
    # The calls before the first trial must also be for a key of the ring.
    own = f"prover = schnorr.Prover(bytes.fromhex('{members[0]:064x}'))\n"
    setup = SETUP + own + f"from countersign.proofs import ring\nkeys = {keys!r}\n" + setup
    found = run(members, work, setup, proof_bytes + -proof_bytes % 4)
    for proof in found.results:
        assert ring.verify(keys, b"site", MESSAGE, proof[:proof_bytes])
    return found


@pytest.mark.parametrize("size", [4, pytest.param(16, marks=pytest.mark.slow)])
def test_a_ring_proof_takes_one_time_for_all_positions(size):
    """The ring, site, message and entropy are the same in all trials. Tag, nonces and the points of
    all branches follow from the key, so they differ from trial to trial, as they must."""
    found = ring_trials(size)
    assert len(set(found.results)) == size
    print(f"ring of {size}: {sorted(set(found.cycles))} cycles")
    assert found.spread() == 0


def test_a_ring_prover_whose_sums_tell_is_seen():
    assert ring_trials(4, LEAKY_SUM).spread() > 0
