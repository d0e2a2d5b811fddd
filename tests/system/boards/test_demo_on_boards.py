"""The demonstration's devices are emulated boards with the image that is flashed.

The emulation takes minutes, so these tests are part of `make test-boards`.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from countersign_workshop.images import firmware_build
from countersign_workshop.parts import processors, toolchain
from support.boards import emulated_pico
from support.contracts import parts

pytestmark = [pytest.mark.board, pytest.mark.chain, pytest.mark.slow]


@pytest.mark.parametrize("board", firmware_build.IMAGES)
def test_the_story_goes_the_same_way(board: str) -> None:
    def build() -> Path:
        toolchain.rp2040js()
        processors.machine()
        return firmware_build.build(board).file

    parts.anvil()
    emulated_pico.built_or_skip(build)
    demo = subprocess.run(
        [sys.executable, "-m", "countersign_cli.cli", "demo", "--board", board],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    counts = json.loads(demo.stdout.splitlines()[-1])
    print(f"{board} (emulated): {counts}")
    assert (counts["enrolled"], counts["lost"], counts["duplicated"]) == (3, 0, 0)
    assert (counts["replays_refused"], counts["impostors_refused"]) == (1, 1)
    assert counts["strangers_refused"] == 1
    assert counts["anchored"] == counts["commitments"] > 6
    assert counts["degraded_verified"] >= 3
    assert counts["receipts_verified_on_device"] >= 3
