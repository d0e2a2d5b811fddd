"""The images of the QEMU boards: library, agent and engine on a processor (`make test-boards`)."""

from pathlib import Path

import pytest

from countersign_workshop.emulation import qemu
from countersign_workshop.images import firmware_build
from countersign_workshop.parts import processors
from support.boards import emulated_pico

pytestmark = pytest.mark.board

PROTOCOL_TESTS = ("test_identity", "test_tagged", "test_topics", "test_cbor", "test_schnorr")


@pytest.fixture(scope="module", params=list(qemu.MACHINES))
def board_name(request: pytest.FixtureRequest) -> str:
    def build() -> Path:
        processors.machine()
        return firmware_build.build(request.param).elf

    emulated_pico.built_or_skip(build)
    return str(request.param)


@pytest.mark.parametrize("module", PROTOCOL_TESTS)
def test_protocol(module: str, board_name: str, tmp_path: Path) -> None:
    files = emulated_pico.protocol_files(tmp_path, support_of=module)
    with qemu.Qemu(board_name) as board:
        board.copy_in({f"/ram{name}": content for name, content in files.items()})
        lines = emulated_pico.run_tests(board, module, root="/ram")
    passed = [line for line in lines if line.startswith("@passed")]
    print(f"{module}: {len(passed)} passed on {board_name}")
    assert passed
    assert not [line for line in lines if not line.startswith(("@passed", "@skipped"))], lines


def test_same_run_same_instructions(board_name: str) -> None:
    setup = "from countersign import tagged"
    counts = []
    for _ in range(2):
        with qemu.Qemu(board_name) as board:
            counts.append(board.instructions(setup, "tagged.tagged_sha256('a', b'b')"))
    # The timer's ticks are not whole instructions, and when a script arrives decides which tick is
    # the first: `instructions` promises its answer but for two.
    assert abs(counts[0] - counts[1]) <= 2
    assert counts[0] > 1000
