"""The runner distinguishes passed, failed, skipped and crashed on a real virtual machine."""

import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).resolve().parents[1] / "run_micropython.py"


@pytest.fixture
def run(tmp_path):
    """Writes one test file and runs it: (exit status, everything printed)."""

    def run_source(source):
        file = tmp_path / "test_subject.py"
        file.write_text(source)
        finished = subprocess.run(
            [sys.executable, RUNNER, file], capture_output=True, text=True, check=False
        )
        return finished.returncode, finished.stdout + finished.stderr

    return run_source


def test_counts_each_outcome(run):
    status, output = run(
        "from support.skip import skip\n"
        "def test_a(): pass\n"
        "def test_b(): assert 1 == 2, 'why'\n"
        "def test_c(): skip('not on this board')\n"
        "def helper(): raise ValueError\n"
    )
    assert status == 1
    assert ": 1 passed, 1 failed, 1 skipped" in output
    assert "AssertionError: why" in output
    assert "SKIPPED test_subject.test_c: not on this board" in output


def test_a_whole_file_may_be_left_out_but_that_is_no_success(run):
    status, output = run("from support.skip import skip\nskip('no vectors')\ndef test_a(): pass\n")
    assert status == 1
    assert ": 0 passed, 0 failed, 1 skipped" in output


def test_a_file_that_cannot_be_imported_fails(run):
    status, output = run("import typing\ndef test_a(): pass\n")
    assert status == 1
    assert ": 0 passed, 1 failed, 0 skipped" in output


def test_a_virtual_machine_that_stops_half_way_fails(run):
    status, output = run(
        "import sys\ndef test_a(): pass\ndef test_b(): sys.exit(0)\ndef test_c(): pass\n"
    )
    assert status == 1
    assert "the virtual machine stopped" in output


def test_the_heap_is_a_devices(run):
    status, output = run("def test_a(): bytearray(1000000)\n")
    assert status == 1
    assert "MemoryError" in output


def test_all_well(run):
    status, output = run("def test_a(): pass\n")
    assert status == 0
    assert ": 1 passed, 0 failed, 0 skipped" in output
