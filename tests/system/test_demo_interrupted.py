"""Ctrl-C in the middle of the demonstration: it says so, and leaves no process running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.chain


def _descendants(pid: int) -> set[int]:
    """The process ids of all descendants."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:  # it ended meanwhile
                continue
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found: set[int] = set()
    grown = {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown} - found
        found |= grown
    return found


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGINT, ()), (signal.SIGTERM, ()), (signal.SIGINT, ("--board", "UNIX"))],
)
def test_nothing_is_left_running(number: signal.Signals, words: tuple[str, ...]) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "countersign_cli.cli", "demo", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if "made its key" in line:
            break
    started = _descendants(demo.pid)
    # These are the chain, the gateway and three devices.
    assert len(started) >= 5, lines
    os.kill(demo.pid, number)
    rest = demo.communicate(timeout=60)[0]
    assert demo.returncode == 130, rest
    assert "everything that was started has been stopped" in rest
    deadline_s = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in started):
        assert time.monotonic() < deadline_s, "something outlived the demonstration"
        time.sleep(0.05)
