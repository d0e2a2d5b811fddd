"""A board that cannot be provisioned as it is gets a sentence, and is not left half done."""

import os
import random
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from countersign_cli.provisioning.session import Session
from support.boards.bench_of_boards import (
    PATIENCE_S,
    board,
    heard,
    identity_of,
    is_complete,
    one,
    refused,
    report,
)
from support.boards.serial_tap import SerialTap


def test_the_wrong_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with board(tmp_path) as made:
        assert one(made.port, tmp_path, "--board", "RPI_PICO") == 1
        refused(capsys, "bed-1 is to be a RPI_PICO, and at")
        assert sorted(made.folder.iterdir()) == []


def test_a_port_that_is_busy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with board(tmp_path) as made:
        holder = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys, serial\n"
                f"port = serial.serial_for_url({made.port!r}, exclusive=True)\n"
                "print('open', flush=True)\nsys.stdin.read()",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert holder.stdin and holder.stdout
        assert holder.stdout.readline() == b"open\n"
        assert one(made.port, tmp_path) == 1
        said = capsys.readouterr().err
        assert f"{made.port} is busy (held by " in said
        assert f"process {holder.pid}" in said
        holder.stdin.close()
        holder.wait(PATIENCE_S)
        assert one(made.port, tmp_path) == 0


def test_a_port_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert one("/dev/ttyNOTHING", tmp_path) == 1
    refused(capsys, "/dev/ttyNOTHING is not there: plug the board in")
    assert one("socket://127.0.0.1:1", tmp_path) == 1
    refused(capsys, "nothing listens at socket://127.0.0.1:1")


def test_a_board_that_does_not_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session.__init__, "__defaults__", (None, 0.1))
    master, slave = os.openpty()
    try:
        assert one(os.ttyname(slave), tmp_path) == 1
    finally:
        os.close(master)
        os.close(slave)
    refused(capsys, "no MicroPython answers at")


@pytest.mark.parametrize("at", ["_begin", "_commit", "introduce", "prove"])
def test_a_board_that_vanishes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    real = Session._run
    with board(tmp_path) as made:

        def run(self: Session, script: str, *more: float) -> str:
            if at in script:
                made.stop()
            return real(self, script, *more)

        monkeypatch.setattr(Session, "_run", run)
        assert one(made.port, tmp_path) == 1
        refused(capsys, "is gone (")
        assert made.file("/countersign.json") is None
    monkeypatch.setattr(Session, "_run", real)
    with board(tmp_path) as again:
        assert one(again.port, tmp_path) == 0
        assert is_complete(again)


def test_power_cuts_while_provisioning(tmp_path: Path) -> None:
    """The board restarts in the middle, and its port stays. In the end it is one device."""
    chance = random.Random(5)
    with board(tmp_path) as made:
        seen = set()
        for _ in range(6):
            cut = threading.Timer(chance.uniform(0.05, 0.6), made.power_cut)
            cut.start()
            one(made.port, tmp_path)
            cut.join()
            if made.file("/key_store/identity"):
                seen.add(identity_of(made)[3])
        assert one(made.port, tmp_path) == 0
        assert is_complete(made)
        assert seen <= {identity_of(made)[3]}


def test_a_main_that_is_not_ours_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with board(tmp_path) as made:
        (made.folder / "main.py").write_bytes(b"print('a heater')\n")
        assert one(made.port, tmp_path) == 1
        refused(capsys, "has a main.py that is not ours")
        assert [path.name for path in made.folder.iterdir()] == ["main.py"]


def test_a_damaged_file_system(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with board(tmp_path) as made:
        (made.folder / "lib").write_bytes(b"a file where a folder was")
        assert one(made.port, tmp_path) == 1
        refused(capsys, "the board's file system is damaged (OSError: ")
        assert made.file("/countersign.json") is None


def test_a_damaged_key_store_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with board(tmp_path) as made:
        assert one(made.port, tmp_path) == 0
        first = identity_of(made)
        record = made.folder / "key_store/identity"
        damaged = bytearray(record.read_bytes())
        damaged[20] ^= 1
        record.write_bytes(damaged)
        assert one(made.port, tmp_path) == 1
        refused(capsys, "the board's key store is damaged (identity: digest does not match)")
        assert record.read_bytes() == damaged
        assert one(made.port, tmp_path, "--new-identity") == 1
        refused(capsys, f"add --abandon {made.unique_id}")
        assert record.read_bytes() == damaged
        assert one(made.port, tmp_path, "--new-identity", "--abandon", made.unique_id) == 0
        assert identity_of(made)[3] != first[3]
        assert report(tmp_path)["replaced"] == "damaged"


def test_a_fault_is_said_on_the_line_and_the_board_can_still_be_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The state file cannot be read, because a folder has its name."""
    with board(tmp_path) as made, SerialTap(made.port) as tap:
        assert one(tap.url, tmp_path) == 0
        seed = made.folder / "key_store/seed"
        seed.unlink()
        seed.mkdir()
        said = len(tap.from_board)
        made.power_cut()
        heard(tap, b'"event": "cannot_start", "do": "', said)
        heard(tap, b'"error": "StorageError", "why": "', said)
        heard(tap, b'{"event": "restarting", "delay_ms": 60000}', said)
        assert one(tap.url, tmp_path) == 1
        refused(capsys, "the board's storage fails (")
        seed.rmdir()
        assert one(tap.url, tmp_path) == 0
        assert is_complete(made)


def test_an_identity_that_is_gone_is_not_replaced_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with board(tmp_path) as made, SerialTap(made.port) as tap:
        assert one(tap.url, tmp_path) == 0
        first = identity_of(made)
        shutil.rmtree(made.folder / "key_store")
        said = len(tap.from_board)
        made.power_cut()
        heard(tap, b'"why": "the identity of the configured device is gone"', said)
        assert one(tap.url, tmp_path) == 1
        refused(
            capsys, f"the board's configuration is for {first[3].hex()} and its key store has none"
        )
        assert made.file("/key_store/identity") is None
        confirmed = ("--new-identity", "--abandon", made.unique_id)
        assert one(tap.url, tmp_path, *confirmed) == 0
        assert is_complete(made)
        assert identity_of(made)[3] != first[3]
        assert report(tmp_path)["replaced"] == "damaged"


def test_an_older_agent_is_replaced_and_cannot_start_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with board(tmp_path) as made:
        assert one(made.port, tmp_path) == 0
        first = identity_of(made)
        package = made.folder / "lib/countersign_agent"
        (package / "agent.mpy").write_bytes(b"of another release")
        (package / "gone.mpy").write_bytes(b"of another release")
        real = Session.write

        def write(self: Session, path: str, content: bytes) -> None:
            if path.startswith("/lib"):
                assert made.file("/countersign.json") is None
            real(self, path, content)

        monkeypatch.setattr(Session, "write", write)
        assert one(made.port, tmp_path) == 0
        assert "quiet" in report(tmp_path)["steps"]
        assert is_complete(made)
        assert not (package / "gone.mpy").exists()
        assert identity_of(made) == first
