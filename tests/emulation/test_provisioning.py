"""Boards are provisioned over their serial ports: MicroPython processes, emulated, not flashed."""

import csv
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
from provision_rows import settings, write_csv, write_settings
from running_site import SITE, running_site
from serial_lines import section
from serial_tap import SerialTap, found
from vm_board import VmBoard

from countersign import cbor, identity, schnorr
from countersign_gateway.keys import SigningKey, create_key_file
from countersign_tools import cli, micropython, native
from countersign_tools.provisioning import batch, bundle, rows
from countersign_tools.provisioning.journal import Journal
from countersign_tools.provisioning.session import Session

TESTS = Path(__file__).resolve().parents[1]
PATIENCE_S = 40.0
UNIQUE_ID = "e661{:012x}"


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The command takes the process's signals for itself."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


def board(folder: Path, number: int = 1, runtime: str | None = None) -> VmBoard:
    """One emulated board; a skip that says what to do if its runtime is missing."""
    try:
        return VmBoard(folder / f"board-{number}", UNIQUE_ID.format(number), runtime)
    except micropython.RuntimeMissing as missing:
        pytest.skip(str(missing))


def one(port: str, folder: Path, *more: str, engine: str = "--pure-engine") -> int:
    """`countersign provision` of the board bed-1 at a port."""
    shared = str(write_settings(folder))
    words = ["provision", "--port", port, "--name", "bed-1", "--settings", shared, *more]
    if engine:
        words.append(engine)
    return cli.main([*words, "--report", str(folder / "report.json")])


def report(folder: Path) -> dict[str, str]:
    (entry,) = json.loads((folder / "report.json").read_text())
    return dict(entry)


def identity_of(made: VmBoard) -> tuple[bytes, bytes, bytes, bytes]:
    """(secret, next secret, public key, device_id) from the board's flash."""
    record = made.file("/key_store/identity")
    assert record is not None
    _, suite, secret, next_secret, public_key = cbor.decode(record[:-32])
    assert schnorr.public_key(secret) == public_key
    return secret, next_secret, public_key, identity.device_id(suite, public_key)


def is_complete(made: VmBoard) -> bool:
    """Everything that the agent starts from is there, and nothing half."""
    config = made.file("/countersign.json")
    # A running agent has its own in the key store, for a moment.
    torn = [path for path in made.folder.rglob("*.tmp") if path.parent.name != "key_store"]
    return (
        config is not None
        and json.loads(config)["site"] == "ward-3"
        and made.file("/main.py") == bundle.MAIN
        and all(made.file(path) == content for path, content in bundle.modules().items())
        and made.file("/key_store/identity") is not None
        and not torn
    )


def heard(tap: SerialTap, mark: bytes, after: int = 0) -> None:
    """Wait until the board has said this."""
    deadline = time.monotonic() + PATIENCE_S
    while mark not in bytes(tap.from_board[after:]):
        assert time.monotonic() < deadline, bytes(tap.from_board[-400:])
        time.sleep(0.02)


# ---- one board ----------------------------------------------------------------------------------


@pytest.mark.parametrize("runtime", micropython.runtimes())
def test_a_stock_board_becomes_a_device(tmp_path: Path, runtime: str) -> None:
    with board(tmp_path, runtime=runtime) as made, SerialTap(made.port) as tap:
        assert one(tap.url, tmp_path, "--board", "UNIX") == 0
        done = report(tmp_path)
        _, _, public_key, device_id = identity_of(made)
        assert done["device_id"] == device_id.hex()
        assert done["public_key"] == public_key.hex()
        assert (done["result"], done["identity"], done["engine"]) == ("done", "made", "pure")
        assert (done["unique_id"], done["environment"]) == (made.unique_id, "emulated")
        assert done["host_entropy"] is True
        assert made.file("/key_store/provisioned_entropy") not in (None, bytes(32))
        assert is_complete(made)
        # The agent was started, and is the one that was provisioned.
        started = f'"device_id": "{device_id.hex()}", "engine": "pure", "entropy"'
        heard(tap, started.encode())


def test_a_running_agent_gives_way_and_keeps_its_identity(tmp_path: Path) -> None:
    with board(tmp_path) as made, SerialTap(made.port) as tap:
        assert one(tap.url, tmp_path) == 0
        first = identity_of(made)
        heard(tap, b'"event": "started"')
        said = len(tap.from_board)
        assert one(tap.url, tmp_path, "--set", "check_in_interval_ms=500") == 0
        heard(tap, b'"event": "stopped", "reason": "INTERRUPTED"', said)
        assert identity_of(made) == first
        assert report(tmp_path)["identity"] == "kept"
        assert json.loads(made.file("/countersign.json") or b"")["check_in_interval_ms"] == 500
        heard(tap, b'"event": "started"', said)


def test_the_native_engine_is_installed_where_it_is_built(tmp_path: Path) -> None:
    try:
        module = native.module(micropython.host_runtime())
    except native.NativeBuildError as missing:
        pytest.skip(str(missing))
    with board(tmp_path) as made:
        assert one(made.port, tmp_path, engine="") == 0
        assert report(tmp_path)["engine"] == "native"
        assert made.file(bundle.NATIVE_PATH) == module.read_bytes()


def test_nothing_on_the_wire_gives_the_private_key_away(tmp_path: Path) -> None:
    with board(tmp_path) as made, SerialTap(made.port) as tap:
        assert one(tap.url, tmp_path) == 0
        assert one(tap.url, tmp_path) == 0
        heard(tap, b'"event": "started"')
        secret, next_secret, public_key, _ = identity_of(made)
        seed = (made.file("/key_store/seed") or b"")[2:-32]
        wire = bytes(tap.to_board), bytes(tap.from_board)
    assert all(len(way) > 1000 for way in wire)
    # The search finds what is there.
    assert any(found(public_key, way) for way in wire)
    for hidden in (secret, next_secret, seed):
        assert len(hidden) >= 32
        assert not any(found(hidden, way) for way in wire)


def test_a_board_that_cannot_prove_its_key_is_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = Session.device

    def device(self: Session, call: str) -> dict[str, object]:
        answer = real(self, call)
        if call.startswith("prove"):
            # As by a board that holds another key.
            own = bytes([9] * 32)
            answer["signature"] = schnorr.sign(own, bytes(32), bytes(32)).hex()
        return answer

    monkeypatch.setattr(Session, "device", device)
    with board(tmp_path) as made:
        assert one(made.port, tmp_path) == 1
        assert "does not prove that it holds its key" in capsys.readouterr().err
        assert made.file("/countersign.json") is None
    assert report(tmp_path)["result"] == "failed"


# ---- what is in the way -------------------------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], sentence: str) -> None:
    said = capsys.readouterr().err
    assert sentence in said, said
    assert "Traceback" not in said


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
    monkeypatch.setattr(Session.__init__, "__defaults__", (0.1,))
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
    """The board restarts in the middle; its port stays. In the end it is one device."""
    chance = random.Random(5)  # noqa: S311 - moments of a test, not a secret
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


# ---- new identities -----------------------------------------------------------------------------


def enrol(made: VmBoard, tmp_path: Path) -> None:
    """As if a gateway had accepted it: the key store's own record."""
    script = (
        "from countersign_agent import device, keystore; "
        f"records = device.Records(device.open_storage('{made.folder}/key_store')); "
        "records.save(keystore.ENROLMENT, keystore.ENROLMENT_VERSION, [b'g' * 32])"
    )
    subprocess.run(
        [*micropython.argv(), "-c", script],
        env=micropython.environment([made.folder / "lib"]),
        check=True,
    )


def test_a_new_identity_only_when_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with board(tmp_path) as made:
        assert one(made.port, tmp_path) == 0
        first = identity_of(made)[3]
        assert one(made.port, tmp_path, "--new-identity") == 0
        second = identity_of(made)[3]
        assert second != first
        done = report(tmp_path)
        assert (done["identity"], done["replaced"]) == ("replaced", first.hex())
        assert not (made.folder / "key_store.abandoned").exists()

        enrol(made, tmp_path)
        capsys.readouterr()
        assert one(made.port, tmp_path, "--new-identity") == 1
        refused(capsys, f"bed-1 is enrolled as {second.hex()}")
        assert one(made.port, tmp_path, "--new-identity", "--abandon", first.hex()) == 1
        assert identity_of(made)[3] == second
        assert made.file("/key_store/enrolment") is not None
        assert one(made.port, tmp_path, "--new-identity", "--abandon", second.hex()) == 0
        assert identity_of(made)[3] not in (first, second)
        assert made.file("/key_store/enrolment") is None


def test_a_copied_flash_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with board(tmp_path, 1) as first:
        assert shift(tmp_path, [first]).returncode == 0
        shutil.copytree(first.folder, tmp_path / "board-2")
        with board(tmp_path, 2) as copy:
            run = shift(tmp_path, [first, copy])
            assert run.returncode == 1
            assert "has the identity of bed-1" in run.stderr
            assert json.loads(copy.file("/countersign.json") or b"{}")["name"] == "bed-1"


# ---- batches ------------------------------------------------------------------------------------


def table(folder: Path, ports: list[str]) -> Path:
    return write_csv(
        folder / "boards.csv",
        [{"name": f"bed-{n}", "port": port, "board": "UNIX"} for n, port in enumerate(ports, 1)],
    )


def words(folder: Path, *more: str) -> list[str]:
    shared = str(write_settings(folder))
    batch_words = ["provision", "--batch", str(folder / "boards.csv"), "--settings", shared]
    return [*batch_words, "--pure-engine", *more]


def shift(folder: Path, boards: list[VmBoard], *more: str) -> subprocess.CompletedProcess[str]:
    """Run the batch of these boards in a process of its own."""
    table(folder, [made.port for made in boards])
    return subprocess.run(
        [sys.executable, "-m", "countersign_tools.cli", *words(folder, *more)],
        capture_output=True,
        text=True,
        check=False,
    )


def csv_report(folder: Path) -> list[dict[str, str]]:
    with (folder / "boards.report.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def all_complete(folder: Path, boards: list[VmBoard]) -> None:
    """Every board is a device of its own, and the report says which."""
    devices = [identity_of(made)[3].hex() for made in boards]
    assert len(set(devices)) == len(boards)
    assert all(is_complete(made) for made in boards)
    entries = csv_report(folder)
    assert [entry["device_id"] for entry in entries] == devices
    assert [entry["result"] for entry in entries] == ["done"] * len(boards)
    assert [entry["unique_id"] for entry in entries] == [made.unique_id for made in boards]


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


class Doomed:
    """The provisioner, killed at the moments that are asked for (provision_and_die.py)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, TESTS / "emulation/provision_and_die.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, argv: list[str], die_at: int | None) -> dict[str, int]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"argv": argv, "die_at": die_at}) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))

    def stop(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)


@pytest.fixture
def doomed() -> Iterator[Doomed]:
    process = Doomed()
    yield process
    process.stop()


def test_killed_at_every_moment_it_goes_on_to_one_identity(tmp_path: Path, doomed: Doomed) -> None:
    """One board; a fresh one for each moment, with the modules there but one, to save time."""
    installed = tmp_path / "installed/lib"
    for path, content in bundle.modules().items():
        (installed / path.removeprefix("/lib/")).parent.mkdir(parents=True, exist_ok=True)
        (installed / path.removeprefix("/lib/")).write_bytes(content)
    (installed / "countersign_agent/wifi.mpy").unlink()

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
    # Odd moments are before what even ones are after: the same as after what came before.
    for moment in range(2, moments + 1, 2):
        folder, made = fresh(moment)
        with made:
            killed = doomed.run(words(folder), moment)
            assert killed == {"status": -signal.SIGKILL, "moments": moment}
            record = made.file("/key_store/identity")
            if made.file("/countersign.json") is not None:
                # What would start is whole.
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
    chance = random.Random(11)  # noqa: S311 - moments of a test, not a secret
    boards = [board(tmp_path, number) for number in range(1, 5)]
    table(tmp_path, [made.port for made in boards])
    seen: list[set[bytes]] = [set() for _ in boards]
    kills = 0
    try:
        for _ in range(8):
            process = subprocess.Popen(
                [sys.executable, "-m", "countersign_tools.cli", *words(tmp_path)],
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
                    assert is_complete(made)
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
            [sys.executable, "-m", "countersign_tools.cli", *words(tmp_path, "--parallel", "1")],
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
        """Somebody at the bench: changes the board when asked to."""

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
    with board(tmp_path, 1) as first, board(tmp_path, 2) as second, Journal(None) as journal:
        port.symlink_to(first.port)
        cells = [{"name": name, "port": str(port)} for name in ("bed-1", "bed-2")]
        todo = [rows.single(row, settings()) for row in cells]
        wishes = batch.Wishes(pure_engine=True)
        assert batch.Run(journal, wishes, hands).all(todo) == {}
        assert hands.asked == [f"bed-2: take bed-1 off {port} and connect the next board"]
        assert is_complete(first)
        assert is_complete(second)
        assert identity_of(first) != identity_of(second)


def test_it_ends_at_a_step_when_it_is_asked_to(tmp_path: Path) -> None:
    with board(tmp_path) as made:
        table(tmp_path, [made.port])
        process = subprocess.Popen(
            [sys.executable, "-m", "countersign_tools.cli", *words(tmp_path)],
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
            [sys.executable, "-m", "countersign_tools.cli", *words(tmp_path)],
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


# ---- and then -----------------------------------------------------------------------------------


def test_a_provisioned_board_enrols_on_the_same_line_and_is_not_ended_lightly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create_key_file(tmp_path / "gateway.key")
    key = SigningKey.from_file(tmp_path / "gateway.key").public_key.hex()
    site = ["--set", f"site={SITE}", "--set", f"gateway_public_key={key}"]
    site += ["--set", "check_in_interval_ms=200"]
    with board(tmp_path) as made:
        assert one(made.port, tmp_path, *site) == 0
        device_id = identity_of(made)[3]
        with running_site(
            tmp_path, None, beacon_interval_s=0.5, lines=section(made.port, 115200)
        ) as running:
            deadline = time.monotonic() + PATIENCE_S
            while not running.events("evidence_verified"):
                assert time.monotonic() < deadline, running.log.getvalue()
                time.sleep(0.05)
            record = running.gateway.registry.device(device_id)
            assert record is not None
            assert record.public_key == identity_of(made)[2]
            capsys.readouterr()
            assert one(made.port, tmp_path, *site) == 1
            refused(capsys, f"{made.port} is busy")
        assert one(made.port, tmp_path, *site, "--new-identity") == 1
        refused(capsys, f"bed-1 is enrolled as {device_id.hex()}")
        assert one(made.port, tmp_path, *site) == 0
        assert identity_of(made)[3] == device_id
        assert report(tmp_path)["identity"] == "kept"
