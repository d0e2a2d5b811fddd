"""A bench with emulated boards, and the ways in which people run the provisioner there."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from countersign import cbor, identity
from countersign.proofs import schnorr
from countersign_cli import cli
from countersign_cli.provisioning import bundle
from countersign_workshop.parts import micropython
from support.boards.provision_rows import write_csv, write_settings
from support.boards.serial_tap import SerialTap
from support.boards.vm_board import VmBoard

TESTS = Path(__file__).resolve().parents[2]
PATIENCE_S = 40.0
UNIQUE_ID = "e661{:012x}"


def board(folder: Path, number: int = 1, runtime: str | None = None) -> VmBoard:
    """One emulated board. Skips if its runtime is missing; the reason says what to do."""
    try:
        return VmBoard(folder / f"board-{number}", UNIQUE_ID.format(number), runtime)
    except micropython.RuntimeMissing as missing:
        pytest.skip(str(missing))


def one(port: str, folder: Path, *more: str, engine: str = "--pure-engine") -> int:
    """Run `countersign provision` for the board bed-1 at a port."""
    shared = str(write_settings(folder))
    words = ["provision", "--port", port, "--name", "bed-1", "--settings", shared]
    words += ["--provisioner-key", str(folder / "provisioner.key"), *more]
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


def is_whole(made: VmBoard) -> bool:
    """Everything that the agent starts from is there, each file whole."""
    config = made.file("/countersign.json")
    return (
        config is not None
        and json.loads(config)["site"] == "ward-3"
        and made.file("/main.py") == bundle.MAIN
        and all(made.file(path) == content for path, content in bundle.modules().items())
        and made.file("/key_store/identity") is not None
    )


def is_complete(made: VmBoard) -> bool:
    """The board is whole, and no write was left half done."""
    # A running agent has half a write in the key store, for a moment.
    torn = [path for path in made.folder.rglob("*.tmp") if "key_store" not in path.parts]
    return is_whole(made) and not torn


def heard(tap: SerialTap, mark: bytes, after: int = 0) -> None:
    """Wait until the board has said this."""
    deadline = time.monotonic() + PATIENCE_S
    while mark not in bytes(tap.from_board[after:]):
        assert time.monotonic() < deadline, bytes(tap.from_board[-400:])
        time.sleep(0.02)


def refused(capsys: pytest.CaptureFixture[str], sentence: str) -> None:
    said = capsys.readouterr().err
    assert sentence in said, said
    assert "Traceback" not in said


def enrol(made: VmBoard, tmp_path: Path) -> None:
    """Put into the key store the record of a gateway's acceptance."""
    script = (
        "from countersign_agent.keys import keystore; "
        "from countersign_agent.hardware import device; "
        f"records = device.StoredRecords(device.open_storage('{made.folder}/key_store')); "
        "records.save(keystore.ENROLMENT, keystore.ENROLMENT_VERSION, [b'g' * 32])"
    )
    subprocess.run(
        [*micropython.argv(), "-c", script],
        env=micropython.environment([made.folder / "lib"]),
        check=True,
    )


def table(folder: Path, ports: list[str]) -> Path:
    return write_csv(
        folder / "boards.csv",
        [{"name": f"bed-{n}", "port": port, "board": "UNIX"} for n, port in enumerate(ports, 1)],
    )


def words(folder: Path, *more: str) -> list[str]:
    shared = str(write_settings(folder))
    batch_words = ["provision", "--batch", str(folder / "boards.csv"), "--settings", shared]
    batch_words += ["--provisioner-key", str(folder / "provisioner.key")]
    return [*batch_words, "--pure-engine", *more]


def shift(folder: Path, boards: list[VmBoard], *more: str) -> subprocess.CompletedProcess[str]:
    """Run the batch of these boards in a process of its own."""
    table(folder, [made.port for made in boards])
    return subprocess.run(
        [sys.executable, "-m", "countersign_cli.cli", *words(folder, *more)],
        capture_output=True,
        text=True,
        check=False,
    )


def csv_report(folder: Path) -> list[dict[str, str]]:
    with (folder / "boards.report.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def all_complete(folder: Path, boards: list[VmBoard]) -> None:
    """Check that every board is a device of its own, and that the report says which."""
    devices = [identity_of(made)[3].hex() for made in boards]
    assert len(set(devices)) == len(boards)
    assert all(is_complete(made) for made in boards)
    entries = csv_report(folder)
    assert [entry["device_id"] for entry in entries] == devices
    assert [entry["result"] for entry in entries] == ["done"] * len(boards)
    assert [entry["unique_id"] for entry in entries] == [made.unique_id for made in boards]


class Doomed:
    """The provisioner, which is killed at the given moments (provision_and_die.py)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, TESTS / "support/boards/provision_and_die.py"],
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
