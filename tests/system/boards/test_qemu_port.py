"""What our code adds to the QEMU port: clock, terminal, files, entropy (`make test-boards`)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign_cli.board_port.raw_repl import ScriptFailed
from countersign_workshop.emulation import qemu
from countersign_workshop.images import firmware_build
from countersign_workshop.parts import processors
from support.boards import emulated_pico

pytestmark = pytest.mark.board

RAM_FLASH = emulated_pico.TESTS / "support/agent/ram_flash.py"


@pytest.fixture(scope="module", params=list(qemu.MACHINES))
def elf(request: pytest.FixtureRequest) -> tuple[str, Path]:
    def build() -> Path:
        processors.machine()
        return firmware_build.build(request.param).elf

    return request.param, emulated_pico.built_or_skip(build)


@pytest.fixture
def board(elf: tuple[str, Path]) -> Iterator[qemu.Qemu]:
    with qemu.Qemu(*elf) as machine:
        yield machine


def test_time_passes_and_sleep_takes_it(board: qemu.Qemu) -> None:
    output = board.run(
        "import time\n"
        "ms, us = time.ticks_ms(), time.ticks_us()\n"
        "time.sleep_ms(250)\n"
        "print(time.ticks_diff(time.ticks_ms(), ms), time.ticks_diff(time.ticks_us(), us))\n"
    )
    # This is the machine's own time, which follows its instructions.
    slept_ms, slept_us = map(int, output.split())
    assert 250 <= slept_ms <= 260
    assert 250_000 <= slept_us <= 260_000


def test_standard_input_is_polled(board: qemu.Qemu) -> None:
    output = board.run(
        "import select, sys, time\n"
        "readable, writable = select.poll(), select.poll()\n"
        "readable.register(sys.stdin.buffer, select.POLLIN)\n"
        "writable.register(sys.stdout.buffer, select.POLLOUT)\n"
        "start = time.ticks_ms()\n"
        "print(len(readable.poll(300)), time.ticks_diff(time.ticks_ms(), start) >= 300)\n"
        "print(len(writable.poll(0)), sys.stdout.buffer.write(b'') )\n"
    )
    assert output.splitlines() == ["0 True", "1 0"]


def test_entropy_is_absent_until_injected_once(board: qemu.Qemu) -> None:
    for absent in ("os.urandom(1)", "os.urandom(32)"):
        with pytest.raises(ScriptFailed, match="OSError: this board has no entropy"):
            board.run(f"import os\n{absent}")
    with pytest.raises(ScriptFailed, match="ValueError: a seed has 32 bytes or more"):
        board.run("import emulated_entropy\nemulated_entropy.inject(bytes(31))")
    assert board.run("print(emulated_entropy.injected())") == "False\n"

    output = board.run(
        "import os\nemulated_entropy.inject(bytes(range(32)))\n"
        "print(emulated_entropy.injected(), len(os.urandom(0)), len(os.urandom(70)))\n"
        "print(len({os.urandom(32) for _ in range(50)}))\n"
    )
    assert output.splitlines() == ["True 0 70", "50"]
    with pytest.raises(ScriptFailed, match="ValueError: a seed was injected before"):
        board.run("emulated_entropy.inject(bytes(32))")


def test_another_seed_gives_other_bytes(elf: tuple[str, Path]) -> None:
    seen = []
    for seed in (1, 1, 2):
        with qemu.Qemu(*elf) as machine:
            seen.append(
                machine.run(
                    "import emulated_entropy, os\n"
                    f"emulated_entropy.inject(bytes([{seed}]) * 32)\n"
                    "print(os.urandom(40).hex())"
                )
            )
    assert seen[0] == seen[1] != seen[2]


def test_the_key_stores_file_system_is_there(board: qemu.Qemu, tmp_path: Path) -> None:
    board.copy_in({"ram_flash.mpy": emulated_pico.compiled(RAM_FLASH, tmp_path)})
    output = board.run(
        "import ram_flash, vfs\n"
        "device = ram_flash.RamFlash(bytearray(b'\\xff' * 65536), 4096)\n"
        "vfs.VfsLfs2.mkfs(device)\n"
        "vfs.mount(vfs.VfsLfs2(device), '/flash')\n"
        "from countersign_agent.keys.storage import FolderStorage\n"
        "store = FolderStorage('/flash/state')\n"
        "store.write('record', b'kept')\n"
        "print(FolderStorage('/flash/state').read('record'))\n"
    )
    assert output == "b'kept'\n"
