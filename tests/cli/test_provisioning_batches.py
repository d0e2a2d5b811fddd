"""Many emulated boards are provisioned at once, and the provisioner is killed in the middle."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign_cli.provisioning import batch, bundle, rows
from countersign_cli.provisioning.resume_file import ResumeFile
from support.boards.bench_of_boards import (
    PATIENCE_S,
    Doomed,
    all_complete,
    board,
    csv_report,
    identity_of,
    is_complete,
    is_whole,
    shift,
    table,
    words,
)
from support.boards.provision_rows import settings
from support.boards.vm_board import VmBoard


def test_five_boards_at_once_and_again(tmp_path: Path) -> None:
    boards = [board(tmp_path, number) for number in range(1, 6)]
    try:
        run = shift(tmp_path, boards, "--parallel", "5")
        assert run.returncode == 0, run.stderr
        all_complete(tmp_path, boards)
        assert "5 of 5 boards done" in run.stdout
        before = [identity_of(made) for made in boards]
        again = shift(tmp_path, boards, "--report", str(tmp_path / "again.json"))
        assert again.returncode == 0
        assert again.stdout.count("already done") == 5
        assert [identity_of(made) for made in boards] == before
        assert len(json.loads((tmp_path / "again.json").read_text())) == 5
    finally:
        for made in boards:
            made.stop()


def test_one_bad_board_does_not_stop_the_shift(tmp_path: Path) -> None:
    boards = [board(tmp_path, number) for number in range(1, 4)]
    (boards[1].folder / "main.py").write_bytes(b"print('a heater')\n")
    try:
        run = shift(tmp_path, boards)
        assert run.returncode == 1
        assert "2 of 3 boards done" in run.stdout
        assert [entry["result"] for entry in csv_report(tmp_path)] == ["done", "failed", "done"]
        assert "main.py" in csv_report(tmp_path)[1]["error"]
        (boards[1].folder / "main.py").unlink()
        assert shift(tmp_path, boards).returncode == 0
        all_complete(tmp_path, boards)
    finally:
        for made in boards:
            made.stop()


@pytest.fixture
def doomed() -> Iterator[Doomed]:
    process = Doomed()
    yield process
    process.stop()


def test_killed_at_every_moment_it_goes_on_to_one_identity(tmp_path: Path, doomed: Doomed) -> None:
    """Each moment has a fresh board, with all modules but one there already, to save time."""
    installed = tmp_path / "installed/lib"
    for path, content in bundle.modules().items():
        (installed / path.removeprefix("/lib/")).parent.mkdir(parents=True, exist_ok=True)
        (installed / path.removeprefix("/lib/")).write_bytes(content)
    next(installed.rglob("wifi.mpy")).unlink()

    def fresh(number: int) -> tuple[Path, VmBoard]:
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copytree(installed, folder / "board-1/lib")
        made = board(folder)
        table(folder, [made.port])
        return folder, made

    folder, made = fresh(0)
    with made:
        whole = doomed.run(words(folder), None)
        assert whole["status"] == 0
    moments = whole["moments"]
    assert moments > 30
    # Odd moments come before an effect, and even ones after it. The state before an effect is the
    # state after the previous one, so only the even moments are tested.
    for moment in range(2, moments + 1, 2):
        folder, made = fresh(moment)
        with made:
            killed = doomed.run(words(folder), moment)
            assert killed == {"status": -signal.SIGKILL, "moments": moment}
            record = made.file("/key_store/identity")
            if made.file("/countersign.json") is not None:
                # An agent that would start now is complete.
                assert is_complete(made), moment
            assert doomed.run(words(folder), None)["status"] == 0, moment
            all_complete(folder, [made])
            deadline = time.monotonic() + PATIENCE_S
            while not made.runs_main:
                assert time.monotonic() < deadline, f"{moment}: the agent was not started"
                time.sleep(0.01)
            assert record in (None, made.file("/key_store/identity")), moment
            (entry,) = csv_report(folder)
            if moment < moments - 3:
                assert entry["identity"] == "made", moment
        shutil.rmtree(folder)
    print(f"killed after each of {moments // 2} steps: one identity each time (emulated boards)")


def test_a_new_identity_is_one_whenever_it_is_killed(tmp_path: Path, doomed: Doomed) -> None:
    with board(tmp_path) as made:
        table(tmp_path, [made.port])
        assert doomed.run(words(tmp_path), None)["status"] == 0
        shutil.copytree(made.folder, tmp_path / "before")
    journal = tmp_path / "boards.csv.journal"
    shutil.copy(journal, tmp_path / "before.journal")
    first = identity_of(made)[3]
    asked = "--new-identity"
    moment = 0
    while True:
        moment += 2
        shutil.rmtree(made.folder)
        shutil.copytree(tmp_path / "before", made.folder)
        shutil.copy(tmp_path / "before.journal", journal)
        with board(tmp_path) as again:
            table(tmp_path, [again.port])
            killed = doomed.run(words(tmp_path, asked), moment)
            if killed["status"] == 0:
                break
            had = again.file("/key_store/identity")
            abandoned = had is None or identity_of(again)[3] != first
            assert doomed.run(words(tmp_path, asked), None)["status"] == 0, moment
            all_complete(tmp_path, [again])
            assert identity_of(again)[3] != first
            if abandoned and had is not None:
                assert again.file("/key_store/identity") == had, f"{moment}: a third identity"
            assert csv_report(tmp_path)[0]["replaced"] == first.hex()
    assert moment > 30


def test_four_boards_killed_at_random_end_as_four_devices(tmp_path: Path) -> None:
    chance = random.Random(11)
    boards = [board(tmp_path, number) for number in range(1, 5)]
    table(tmp_path, [made.port for made in boards])
    seen: list[set[bytes]] = [set() for _ in boards]
    kills = 0
    try:
        for _ in range(8):
            process = subprocess.Popen(
                [sys.executable, "-m", "countersign_cli.cli", *words(tmp_path)],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            assert process.stdout
            for _ in range(chance.randrange(1, 12)):
                process.stdout.readline()
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
            kills += process.wait() == -signal.SIGKILL
            for known, made in zip(seen, boards, strict=True):
                if made.file("/key_store/identity"):
                    known.add(identity_of(made)[3])
                if made.file("/countersign.json") is not None:
                    # A kill may leave half of a file's next version beside it.
                    assert is_whole(made)
        assert kills >= 4
        run = shift(tmp_path, boards)
        assert run.returncode == 0, run.stderr
        all_complete(tmp_path, boards)
        for known, made in zip(seen, boards, strict=True):
            assert known <= {identity_of(made)[3]}
        print(f"four emulated boards at once, killed {kills} times: four devices")
    finally:
        for made in boards:
            made.stop()


def test_a_damaged_journal_is_refused_and_no_board_is_touched(tmp_path: Path) -> None:
    with board(tmp_path) as made:
        assert shift(tmp_path, [made]).returncode == 0
        journal = tmp_path / "boards.csv.journal"
        damaged = bytearray(journal.read_bytes())
        damaged[60] ^= 1
        journal.write_bytes(damaged)
        before = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
        run = shift(tmp_path, [made])
        assert run.returncode == 2
        assert "boards.csv.journal is damaged at line" in run.stderr
        assert journal.read_bytes() == damaged
        after = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
        assert {p: d for p, d in after.items() if "key_store" not in p.parts} == {
            p: d for p, d in before.items() if "key_store" not in p.parts
        }


def test_a_row_stays_with_its_board_until_it_is_released(tmp_path: Path) -> None:
    with board(tmp_path, 1) as first, board(tmp_path, 2) as second:
        (first.folder / "lib").write_bytes(b"a file where a folder was")
        assert shift(tmp_path, [first]).returncode == 1
        run = shift(tmp_path, [second])
        assert run.returncode == 1
        assert f"bed-1 was begun on board {first.unique_id}" in run.stderr
        assert second.file("/key_store/identity") is None
        assert shift(tmp_path, [second], "--release", "bed-1").returncode == 0
        all_complete(tmp_path, [second])


def test_the_same_board_is_not_two(tmp_path: Path) -> None:
    with board(tmp_path, 1) as made:
        link = tmp_path / "another-name"
        link.symlink_to(made.port)
        table(tmp_path, [made.port, str(link)])
        run = subprocess.run(
            [sys.executable, "-m", "countersign_cli.cli", *words(tmp_path, "--parallel", "1")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 1
        assert f"the board at {link} is that of bed-1: connect another one" in run.stderr
        assert [entry["result"] for entry in csv_report(tmp_path)] == ["done", "failed"]


def test_rows_that_share_a_port_wait_for_the_next_board(tmp_path: Path) -> None:
    port = tmp_path / "port"

    class Hands:
        """A person at the bench who changes the board when asked to."""

        def __init__(self) -> None:
            self.asked: list[str] = []

        def step(self, _row: str, _step: str) -> None:
            pass

        def ended(self, row: str, result: str, why: str) -> None:
            assert (result, why) == ("done", ""), row

        def say(self, text: str) -> None:
            self.asked.append(text)
            port.unlink()

            def plug_in() -> None:
                port.symlink_to(second.port)

            threading.Timer(1.2, plug_in).start()

    hands = Hands()
    with board(tmp_path, 1) as first, board(tmp_path, 2) as second, ResumeFile(None) as resume_file:
        port.symlink_to(first.port)
        cells = [{"name": name, "port": str(port)} for name in ("bed-1", "bed-2")]
        todo = [rows.single(row, settings()) for row in cells]
        wishes = batch.Wishes(pure_engine=True)
        assert batch.Run(resume_file, wishes, hands).all(todo) == {}
        assert hands.asked == [f"bed-2: take bed-1 off {port} and connect the next board"]
        assert is_complete(first)
        assert is_complete(second)
        assert identity_of(first) != identity_of(second)


def test_it_ends_at_a_step_when_it_is_asked_to(tmp_path: Path) -> None:
    with board(tmp_path) as made:
        table(tmp_path, [made.port])
        process = subprocess.Popen(
            [sys.executable, "-m", "countersign_cli.cli", *words(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        assert process.stdout.readline() == "bed-1: begun\n"
        process.terminate()
        _, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1
        assert "bed-1: failed: not finished: run this again, it goes on here" in said
        assert csv_report(tmp_path)[0]["result"] == "failed"
        assert shift(tmp_path, [made]).returncode == 0
        all_complete(tmp_path, [made])


def test_on_a_terminal_there_is_a_bar(tmp_path: Path) -> None:
    master, slave = os.openpty()
    with board(tmp_path) as made:
        table(tmp_path, [made.port])
        process = subprocess.Popen(
            [sys.executable, "-m", "countersign_cli.cli", *words(tmp_path)],
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        )
        os.close(slave)
        said = b""
        while True:
            try:
                said += os.read(master, 4096)
            except OSError:
                break  # the terminal's other end is closed
        assert process.wait(PATIENCE_S) == 0, said
        os.close(master)
        assert is_complete(made)
    text = said.decode()
    assert "1/1" in text
    assert re.search(r"bed-1: (begun|installed|described|entropy|identity|configured|proven)", text)
    assert "bed-1: done" in text
    assert "Traceback" not in text
