"""Fetching parts works on a machine that has only Python."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from countersign_workshop.checkout import ROOT
from countersign_workshop.parts import toolchain


def test_the_fetcher_needs_no_package() -> None:
    """-S leaves out every installed package, as on a machine where nothing is installed yet."""
    finished = subprocess.run(
        [
            sys.executable,
            "-S",
            "-m",
            "countersign_workshop.parts.toolchain",
            "fetch",
            "no-such-part",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tools")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no-such-part" in finished.stderr
    assert "Traceback" not in finished.stderr, finished.stderr


def test_a_part_that_two_want_at_once_is_fetched_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two runs of make may want it. The second fetch would replace what the first already uses."""
    monkeypatch.setenv("COUNTERSIGN_CACHE", str(tmp_path))
    begun = threading.Event()
    end = threading.Event()
    fetched: list[int] = []

    def fetch() -> None:
        begun.set()
        assert end.wait(10)
        fetched.append(1)

    def locate() -> list[str]:
        if not fetched:
            raise toolchain.PartMissing("not there")
        return ["there"]

    part = toolchain.Part("slow-part", "", "test", locate, fetch)
    monkeypatch.setattr(toolchain, "parts", lambda: [part])
    first, second = (threading.Thread(target=toolchain.fetch, args=("slow-part",)) for _ in "ab")
    first.start()
    assert begun.wait(10)
    second.start()
    while second.is_alive() and not _waits_for_lock(tmp_path):
        time.sleep(0.01)
    end.set()
    first.join(10)
    second.join(10)
    assert fetched == [1]
    toolchain.fetch("slow-part")
    assert fetched == [1, 1], "who asks for a part that nobody fetches gets it anew"


def _waits_for_lock(cache: Path) -> bool:
    """Whether another process waits for a lock of this process, by Linux's own list."""
    inode = (cache / "fetching/slow-part/lock").stat().st_ino
    waiting = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f":{inode} " in line for line in waiting)
