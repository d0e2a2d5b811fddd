"""The real image for the Raspberry Pi Pico on an emulated RP2040 (`make test-boards`)."""

import json
import shutil
import socket
from pathlib import Path

import pytest

from countersign_workshop.emulation import rp2040
from support.boards import emulated_pico

pytestmark = pytest.mark.board

# These are all tests that fit into a few minutes of emulation. The other runtimes run every test.
PROTOCOL_TESTS = {
    "test_identity": (),
    "test_tagged": (),
    "test_topics": (),
    "test_cbor": (),
    "test_merkle": ("test_definitions", "test_vectors", "test_misuse_raises"),
    "test_schnorr": ("test_committed_vectors", "test_official_vectors", "test_misuse_raises"),
}

# The key store boots as on a first start. Everything that it shows of itself is printed at once.
FIRST_BOOT = """\
import sys
sys.path[:] = ['', '.frozen', '/sweep']
from support.agent import writers
from countersign_agent.keys.storage import FolderStorage
boot = writers.Boot(FolderStorage('/state'), {salt})
print(boot.device_id.hex(), boot.counters.next())
"""


@pytest.fixture(scope="module")
def image() -> Path:
    return emulated_pico.image_or_skip()


@pytest.fixture(scope="module")
def flash_with_tests(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return emulated_pico.flash_with_tests(image, tmp_path_factory.mktemp("flash"))


@pytest.mark.parametrize("module", PROTOCOL_TESTS)
def test_protocol(module: str, flash_with_tests: Path, tmp_path: Path) -> None:
    flash = shutil.copy(flash_with_tests, tmp_path / "flash")
    with rp2040.Rp2040(None, flash=flash) as board:
        lines = emulated_pico.run_tests(board, module, PROTOCOL_TESTS[module])
    passed = [line for line in lines if line.startswith("@passed")]
    print(f"{module}: {len(passed)} passed on RPI_PICO")
    for line in lines:
        if line.startswith("@skipped"):
            print(line)
    assert passed
    assert not [line for line in lines if not line.startswith(("@passed", "@skipped"))], lines


def test_same_run_same_cycles(image: Path) -> None:
    counts = []
    for _ in range(2):
        with rp2040.Rp2040(image, seed=1) as board:
            counts.append(
                [
                    board.cycles("from countersign import tagged", expression)
                    for expression in ("None", "tagged.tagged_sha256('a', b'b')")
                ]
            )
    assert counts[0] == counts[1]
    assert counts[0][0] < 2000 < counts[0][1]


def test_proof_costs_and_heap(image: Path) -> None:
    """Allocating takes longer the more is in the heap, and the pure engine's integers allocate."""
    for place in ("alone", "with the agent"):
        with rp2040.Rp2040(image, seed=1) as board:
            if place == "with the agent":
                free = json.loads(board.run(HEAP).splitlines()[-1])
            sign = board.cycles(PROOF, "schnorr.sign(secret, message, entropy)")
            verify = board.cycles(PROOF, "schnorr.verify(public_key, message, signature)")
            engine = board.run("print(schnorr.engine())").strip()
        print(f"RPI_PICO, {engine} engine, {place}: sign {sign}, verify {verify} cycles", end="")
        print(" (cycle-counting emulator, no XIP cache misses)")
    print(f"RPI_PICO: free heap in bytes {free}")
    assert free["agent"] > 150_000


HEAP = """\
import gc, json
def free():
    gc.collect()
    return gc.mem_free()
result = {'start': free()}
from countersign import identity, messages
from countersign.carriers import topics
from countersign import cbor
from countersign.proofs import schnorr
from countersign import merkle
result['library'] = free()
from countersign_agent import agent, config
from countersign_agent.exchanges import check_in, enrolment
from countersign_agent.keys import keystore, storage
result['agent'] = free()
print(json.dumps(result))
"""

# The first verification makes the peer's table. The count is that of a later one.
PROOF = """\
from countersign.proofs import schnorr
secret, message, entropy = bytes(range(1, 33)), b'm' * 32, bytes(32)
public_key = schnorr.public_key(secret)
signature = schnorr.sign(secret, message, entropy)
assert schnorr.verify(public_key, message, signature)
"""


def test_files_survive_a_reset(image: Path) -> None:
    with rp2040.Rp2040(image) as board:
        board.copy_in({"folder/module.py": b"print('imported')\n"})
        board.reset()
        assert board.run("import folder.module") == "imported\n"


def test_entropy_differs_from_board_to_board_unless_seeded(image: Path) -> None:
    script = "import os\nprint(os.urandom(16).hex())"
    seen = []
    for seed in (None, None, 7, 7):
        with rp2040.Rp2040(image, seed=seed) as board:
            seen.append(board.run(script))
    assert seen[0] != seen[1]
    assert seen[2] == seen[3]
    assert len(set(seen)) == 3


def test_uart1_is_a_socket(image: Path) -> None:
    with (
        rp2040.Rp2040(image) as board,
        socket.create_connection(("127.0.0.1", board.uart1_port), timeout=60) as line,
    ):
        board.run("from machine import UART\nuart = UART(1, 115200, tx=4, rx=5)")
        line.sendall(b"ping")
        board.run("while uart.any() < 4:\n    pass\nuart.write(b'<' + uart.read(4) + b'>')")
        received = b""
        while len(received) < 6:
            received += line.recv(6)
    assert received == b"<ping>"


def test_a_stopped_board_says_why(image: Path) -> None:
    with rp2040.Rp2040(image) as board, pytest.raises(rp2040.EmulatorError, match="boot loader"):
        board.run("import machine\nmachine.bootloader()")


def test_key_store_survives_power_cuts(image: Path, tmp_path: Path) -> None:
    """Power is cut a few times in a first boot, between and within operations.

    power_cut_sweep.py states the promise that is checked.
    """
    before = tmp_path / "before.flash"
    with rp2040.Rp2040(image, flash=before) as board:
        for name in ("support/agent/writers", "support/agent/noise"):
            source = emulated_pico.TESTS / f"{name}.py"
            board.copy_in({f"sweep/{name}.mpy": emulated_pico.compiled(source, tmp_path)})

    flash = tmp_path / "flash"
    shutil.copy(before, flash)
    with rp2040.Rp2040(None, flash=flash) as board:
        first = board.flash_operations()
        board.run(FIRST_BOOT.format(salt=1))
        operations = board.flash_operations() - first
    assert operations > 5

    cuts = [0, operations // 3, 2 * operations // 3, operations - 1]
    for cut, cut_bytes in zip(cuts, (0, 100, 0, 100), strict=True):
        shutil.copy(before, flash)
        with (
            rp2040.Rp2040(None, flash=flash, cut_at=first + cut, cut_bytes=cut_bytes) as board,
            pytest.raises(rp2040.PowerCut) as power_cut,
        ):
            board.run(FIRST_BOOT.format(salt=1))
        seen = power_cut.value.output.splitlines()
        for salt in (2, 3):
            with rp2040.Rp2040(None, flash=flash) as board:
                seen += board.run(FIRST_BOOT.format(salt=salt)).splitlines()
        identities = {line.split()[0] for line in seen}
        counters = [int(line.split()[1]) for line in seen]
        assert len(identities) == 1, f"cut at {cut}: a second identity"
        assert counters == sorted(set(counters)), f"cut at {cut}: a counter went back"
    print(f"RPI_PICO: {len(cuts)} power cuts within a first boot of {operations} flash operations")
