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


def test_who_waited_for_a_fetch_that_failed_fetches_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An older version of the part may be there, so its being there says nothing."""
    monkeypatch.setenv("COUNTERSIGN_CACHE", str(tmp_path))
    begun = threading.Event()
    end = threading.Event()
    fetched: list[int] = []
    failures: list[str] = []

    def fetch() -> None:
        fetched.append(1)
        if len(fetched) == 1:
            begun.set()
            assert end.wait(10)
            raise toolchain.PartMissing("the network broke off")

    def run() -> None:
        try:
            toolchain.fetch("slow-part")
        except toolchain.PartMissing as missing:
            failures.append(str(missing))

    part = toolchain.Part("slow-part", "", "test", lambda: ["there"], fetch)
    monkeypatch.setattr(toolchain, "parts", lambda: [part])
    first, second = (threading.Thread(target=run) for _ in "ab")
    first.start()
    assert begun.wait(10)
    second.start()
    while second.is_alive() and not _waits_for_lock(tmp_path):
        time.sleep(0.01)
    end.set()
    first.join(10)
    second.join(10)
    assert (fetched, failures) == ([1, 1], ["the network broke off"])


def _waits_for_lock(cache: Path) -> bool:
    """Whether another process waits for a lock of this process, by Linux's own list."""
    inode = (cache / "fetching/slow-part/lock").stat().st_ino
    waiting = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f":{inode} " in line for line in waiting)
