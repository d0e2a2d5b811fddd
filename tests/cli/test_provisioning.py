"""A board is provisioned over its serial port. It is emulated: a MicroPython process."""

import json
import shutil
import time
from pathlib import Path

import pytest

from countersign.proofs import schnorr
from countersign_cli.board_port.service_door import Keeper
from countersign_cli.provisioning import bundle
from countersign_cli.provisioning.session import BoardFault, Session
from countersign_gateway.statements.keys import SigningKey, create_key_file
from countersign_workshop.images import native
from countersign_workshop.parts import micropython
from support.boards.bench_of_boards import (
    PATIENCE_S,
    board,
    enrol,
    heard,
    identity_of,
    is_complete,
    one,
    refused,
    report,
    shift,
)
from support.boards.serial_tap import SerialTap, found
from support.gateway.running_site import SITE, running_site
from support.gateway.serial_lines import section


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
        # The agent that was provisioned is the one that was started.
        started = f'"device_id": "{device_id.hex()}", "engine": "pure", "entropy"'
        heard(tap, started.encode())


def test_a_running_agent_gives_way_and_keeps_its_identity(tmp_path: Path) -> None:
    with board(tmp_path) as made, SerialTap(made.port) as tap:
        assert one(tap.url, tmp_path) == 0
        first = identity_of(made)
        heard(tap, b'"event": "started"')
        said = len(tap.from_board)
        assert one(tap.url, tmp_path, "--set", "check_in_interval_ms=500") == 0
        heard(tap, b'"event": "service"', said)
        assert identity_of(made) == first
        assert report(tmp_path)["identity"] == "kept"
        assert json.loads(made.file("/countersign.json") or b"")["check_in_interval_ms"] == 500
        heard(tap, b'"event": "started"', said)


def test_a_running_agent_gives_way_to_its_button_and_to_nobody_without_it(tmp_path: Path) -> None:
    asked: list[str] = []

    def press(sentence: str) -> None:
        asked.append(sentence)
        made.hold_bootsel(True)

    with board(tmp_path) as made:
        assert one(made.port, tmp_path) == 0
        stranger = Keeper(say=asked.append, key=bytes([9] * 32), person_s=2)
        with pytest.raises(BoardFault, match="did not open its prompt: press BOOTSEL"):
            Session(made.port, 115200, stranger)
        # The key that provisioned it signs for a device that somebody named, and for no other.
        key = bytes.fromhex((tmp_path / "provisioner.key").read_text().strip())
        for named in (None, "ab" * 32):
            keeper = Keeper(say=asked.append, key=key, device_id=named, person_s=2)
            with pytest.raises(BoardFault, match="name the device: --device-id"):
                Session(made.port, 115200, keeper)
        assert "name the device: --device-id" in asked.pop()
        assert "name the device: --device-id" in asked.pop()
        named = report(tmp_path)["device_id"]
        keeper = Keeper(say=asked.append, key=key, device_id=named)
        with Session(made.port, 115200, keeper) as session:
            session.reset()
        person = Keeper(say=press, let_in=lambda: made.hold_bootsel(False))
        with Session(made.port, 115200, person) as session:
            assert session.look().config is not None
        assert len(asked) == 2
        assert all("press BOOTSEL" in sentence for sentence in asked)


def test_what_an_older_agent_left_behind_goes(tmp_path: Path) -> None:
    """MicroPython imports a folder in place of a module of its name."""
    with board(tmp_path) as made:
        (made.folder / "lib/countersign/cbor/deeper").mkdir(parents=True)
        (made.folder / "lib/countersign/cbor/deeper/old.mpy").write_bytes(b"old")
        (made.folder / "lib/countersign/messages.mpy").write_bytes(b"old")
        assert one(made.port, tmp_path) == 0
        assert is_complete(made)
        there = {path.name for path in (made.folder / "lib/countersign").iterdir()}
        assert "cbor.mpy" in there
        assert not there & {"cbor", "messages.mpy"}


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
    # The control: the search finds secrets that are there.
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
            # The answer is that of a board with another key.
            own = bytes([9] * 32)
            answer["signature"] = schnorr.sign(own, bytes(32), bytes(32)).hex()
        return answer

    monkeypatch.setattr(Session, "device", device)
    with board(tmp_path) as made:
        assert one(made.port, tmp_path) == 1
        assert "does not prove that it holds its key" in capsys.readouterr().err
        assert made.file("/countersign.json") is None
    assert report(tmp_path)["result"] == "failed"


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
