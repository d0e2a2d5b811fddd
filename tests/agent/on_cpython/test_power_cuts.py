"""The power-cut sweep on each MicroPython that this machine runs (power_cut_sweep.py)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from countersign_workshop.parts import micropython

TESTS = Path(__file__).resolve().parents[2]
FIRMWARE = TESTS.parent / "firmware"
TIMEOUT_S = 300
# The simulated flash takes RAM beside the heap that a device has.
HEAP_BYTES = 600_000
# qemu-arm runs this ten times slower, and a torn write does not depend on the processor.
TORN_MODES = {"armhf": ["noise"]}


@pytest.mark.parametrize("runtime", micropython.runtimes())
def test_no_power_cut_breaks_a_promise(runtime: str) -> None:
    try:
        command = micropython.argv(runtime, HEAP_BYTES)
    except micropython.RuntimeMissing as missing:
        pytest.skip(str(missing))
    finished = subprocess.run(
        [*command, str(TESTS / "support/agent/power_cut_sweep.py"), *TORN_MODES.get(runtime, [])],
        env=micropython.environment([TESTS, FIRMWARE / "lib", FIRMWARE / "agent"]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    sys.stdout.write(finished.stdout)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    counts = json.loads(finished.stdout.splitlines()[-1])
    assert counts["broken"] == 0
    assert counts["cuts"] > 150, "the sweep became smaller than it was"
    assert not finished.stderr
