"""The locks: every package has hashes in them, none an address, and make installs nothing else."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from countersign_workshop.checkout import ROOT
from countersign_workshop.checks import lock


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Copies of the locks that a test may spoil."""
    shutil.copytree(lock.LOCKS, tmp_path / "locks")
    shutil.copy(lock.CONSTRAINTS, tmp_path / "constraints.txt")
    monkeypatch.setattr(lock, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(lock, "CONSTRAINTS", tmp_path / "constraints.txt")
    return tmp_path / "locks"


def spoil(path: Path, pattern: str, by: str) -> None:
    text = path.read_text(encoding="utf-8")
    changed = re.sub(pattern, by, text, count=1)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


def test_the_locks_as_they_stand_have_no_fault(locks: Path) -> None:
    assert lock.faults() == []


def test_a_package_without_hashes_is_a_fault(locks: Path) -> None:
    spoil(locks / "runtime.txt", r"cbor2==(\S+) \\\n(    --hash=\S+( \\)?\n)+", r"cbor2==\1\n")
    assert any("cbor2" in fault for fault in lock.faults())


def test_an_address_is_a_fault(locks: Path) -> None:
    spoil(locks / "build.txt", r"setuptools==", "--index-url https://example.org/ setuptools==")
    assert lock.faults()


def test_another_hash_function_is_a_fault(locks: Path) -> None:
    spoil(locks / "development.txt", r"sha256:[0-9a-f]{64}", "md5:" + "0" * 32)
    assert lock.faults()


def test_another_version_than_in_the_constraints_is_a_fault(locks: Path) -> None:
    spoil(locks / "runtime.txt", r"cbor2==\S+", "cbor2==0.0.1")
    assert any("cbor2" in fault for fault in lock.faults())


def test_make_installs_by_hash_and_builds_nothing_in_isolation() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--require-hashes" in text
    for line in text.splitlines():
        if re.search(r"\bpip (install|wheel) --", line):
            assert "--no-deps" in line, line
        if "--editable ." in line or "pip wheel --" in line:
            assert "--no-build-isolation" in line, line
