"""What every board's image holds, leaves free and never holds (`make test-boards`)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from countersign_workshop.checkout import cache_folder
from countersign_workshop.emulation import qemu, rp2040
from countersign_workshop.images import firmware_build, image_budget
from countersign_workshop.parts import processors, toolchain
from support.boards import emulated_pico

pytestmark = pytest.mark.board

# Everything is imported that a device's main.py imports.
WITH_THE_AGENT = """\
import gc, json
from countersign_agent import main
from countersign.proofs import engines, schnorr
import countersign_native
gc.collect()
print(json.dumps({
    'engine': schnorr.engine(),
    'fault': engines.fault(),
    'place': getattr(countersign_native, '__file__', 'built in'),
    'free': gc.mem_free(),
}))
"""

# The agent runs on a Pico whose line nobody answers. Identity, entropy and UART are there.
RUNNING = """\
import gc, json
from countersign.proofs import schnorr
from countersign_agent import main
settings = {
    'site': 'site',
    'gateway_public_key': schnorr.public_key(bytes(range(1, 33))).hex(),
    'transport': 'serial',
    'serial_port': 'uart:1',
    'serial_tx_pin': 4,
    'serial_rx_pin': 5,
    'storage_folder': '/state',
    'reconnect_least_ms': 10,
}
with open('/agent.json', 'w') as file:
    json.dump(settings, file)
agent = main._start('/agent.json', None, None)
for _ in range(3):
    agent.step()
gc.collect()
print(json.dumps({'free': gc.mem_free()}))
"""


@pytest.fixture(scope="module", params=firmware_build.IMAGES)
def image(request: pytest.FixtureRequest) -> firmware_build.Image:
    def build() -> firmware_build.Image:
        if request.param in qemu.MACHINES:
            processors.machine()
        else:
            toolchain.node()
            toolchain.rp2040js()
        return firmware_build.build(request.param)

    return emulated_pico.built_or_skip(build)


@contextmanager
def running(image: firmware_build.Image) -> Iterator[qemu.Qemu | rp2040.Rp2040]:
    if image.board in qemu.MACHINES:
        with qemu.Qemu(image.board, image.elf) as board:
            yield board
    else:
        with rp2040.Rp2040(image.file) as board:
            yield board


def test_the_native_engine_is_built_in_and_the_heap_is_free(image: firmware_build.Image) -> None:
    with running(image) as board:
        seen = json.loads(board.run(WITH_THE_AGENT))
    print(f"{image.board}: {seen['free']} bytes of heap free with the agent imported, emulated")
    assert seen["engine"] == "native", seen["fault"]
    assert seen["place"] == "built in"
    budget = image_budget.read(firmware_build.BOARDS / image.board)
    assert seen["free"] >= budget.heap_free_bytes


def test_the_running_agent_leaves_the_heap_that_the_budget_wants() -> None:
    image = emulated_pico.image_or_skip()
    with rp2040.Rp2040(image) as board:
        free = json.loads(board.run(RUNNING).splitlines()[-1])["free"]
    print(f"RPI_PICO: {free} bytes of heap free with the agent running, emulated")
    assert free >= image_budget.read(firmware_build.BOARDS / "RPI_PICO").heap_free_bytes


def test_it_is_measured_as_what_is_flashed(image: firmware_build.Image) -> None:
    use = image_budget.measure(image.elf)
    print(f"{image.board}: image {use.image_bytes} bytes, heap {use.heap_bytes} bytes")
    if image.board in qemu.MACHINES:
        assert use.image_bytes < image.file.stat().st_size
        return
    # The file that is flashed has whole blocks, and gaps where a section is aligned.
    blocks = image.file.stat().st_size // 512 * 256
    assert 0 <= blocks - use.image_bytes < 1024


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(board, marks=() if board == "RPI_PICO" else pytest.mark.slow)
        for board in firmware_build.IMAGES
    ],
    indirect=True,
)
def test_a_build_elsewhere_gives_the_same_bytes(
    image: firmware_build.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build and its sources are in other folders. The image holds neither path."""
    parts = tmp_path / "another-cache"
    parts.mkdir()
    for name in ("cross", "sources"):
        (parts / name).symlink_to(cache_folder() / name)
    monkeypatch.setenv("COUNTERSIGN_CACHE", str(parts))
    again = firmware_build.build(image.board, tmp_path / "elsewhere")
    print(f"{image.board}: sha256 {image.digest()}")
    assert again.digest() == image.digest()
    for folder in (tmp_path, firmware_build.ROOT):
        assert str(folder).encode() not in again.file.read_bytes()


def test_no_board_has_entropy_that_was_injected_but_qemus(image: firmware_build.Image) -> None:
    emulated = image.board in qemu.MACHINES
    assert (b"emulated_entropy" in image.elf.read_bytes()) == emulated
    with running(image) as board:
        importable = board.run(
            "try:\n    import emulated_entropy\n    print(True)\n"
            "except ImportError:\n    print(False)\n"
        )
    assert importable.strip() == str(emulated)
