"""The owner holds the next key: in an encrypted file, and never on the board."""

import json
from pathlib import Path

import pytest

from countersign import cbor, identity
from countersign.proofs import schnorr
from countersign_cli.provisioning import next_key
from countersign_cli.provisioning.next_key import Custody, NextKeyFault
from support.boards.bench_of_boards import board, one, refused, report
from support.boards.serial_tap import SerialTap, found

PASSPHRASE = "correct horse battery"


def keys_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.next-key.json"))


def test_a_key_is_kept_and_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    custody = Custody(tmp_path / "keys", PASSPHRASE)
    digest = custody.make("bed 7/ü")
    (path,) = keys_in(custody.folder)
    assert path.stat().st_mode & 0o777 == 0o600
    secret = next_key.open_file(path, PASSPHRASE)
    assert identity.next_key_digest(1, schnorr.public_key(secret)) == digest
    assert custody.holds("bed 7/ü", digest)
    assert not custody.holds("bed 8", digest)
    assert secret.hex() not in path.read_text()
    with pytest.raises(NextKeyFault, match="another passphrase"):
        next_key.open_file(path, PASSPHRASE + "!")
    assert PASSPHRASE not in repr(custody)
    assert custody.make("bed 7/ü") != digest
    assert len(keys_in(custody.folder)) == 2


def test_a_changed_file_does_not_open(tmp_path: Path) -> None:
    Custody(tmp_path, PASSPHRASE).make("bed-7")
    (path,) = keys_in(tmp_path)
    known = json.loads(path.read_text())
    changes = {
        "name": "bed-8",
        "next_key_digest": "00" * 32,
        "public_key": "11" * 32,
        "nonce": "22" * 12,
        "sealed": known["sealed"][:-2] + "00",
        "scrypt": {**known["scrypt"], "n": 2},
        "format": "another",
    }
    for field, value in changes.items():
        path.write_text(json.dumps({**known, field: value}))
        with pytest.raises(NextKeyFault):
            next_key.open_file(path, PASSPHRASE)
    for text in ("", "[]", "{}", "\ufeff"):
        path.write_text(text)
        with pytest.raises(NextKeyFault, match="is no file of a next key"):
            next_key.open_file(path, PASSPHRASE)


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NextKeyFault, match="fewer than 12"):
        Custody(tmp_path, "short").make("bed-7")
    assert not keys_in(tmp_path)


def words(folder: Path) -> list[str]:
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    owner = ["--next-key", "owner", "--next-key-folder", str(folder / "keys")]
    return [*owner, "--passphrase-file", str(folder / "passphrase")]


def test_the_next_key_is_never_on_the_board(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with board(tmp_path) as made, SerialTap(made.port) as tap:
        assert one(tap.url, tmp_path, *words(tmp_path)) == 0
        (path,) = keys_in(tmp_path / "keys")
        secret = next_key.open_file(path, PASSPHRASE)
        digest = identity.next_key_digest(1, schnorr.public_key(secret))
        entry = report(tmp_path)
        assert (entry["next_key_with"], entry["next_key_digest"]) == ("owner", digest.hex())
        record = made.file("/key_store/identity") or b""
        version, _, own_secret, third, public_key = cbor.decode(record[:-32])
        assert (version, third) == (3, digest)
        assert schnorr.public_key(own_secret) == public_key
        for there in made.folder.rglob("*"):
            assert not there.is_file() or not found(secret, there.read_bytes()), there
        assert not found(secret, bytes(tap.to_board + tap.from_board))

        # Another run keeps the identity and makes no other key.
        assert one(tap.url, tmp_path, *words(tmp_path)) == 0
        assert report(tmp_path)["identity"] == "kept"
        assert keys_in(tmp_path / "keys") == [path]
        path.unlink()
        assert one(tap.url, tmp_path, *words(tmp_path)) == 1
        refused(capsys, "has an identity whose next key is not in")


def test_a_board_that_holds_its_own_next_key_is_not_taken_for_the_owners(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with board(tmp_path) as made:
        assert one(made.port, tmp_path) == 0
        first = report(tmp_path)
        assert first["next_key_with"] == "board"
        assert one(made.port, tmp_path, *words(tmp_path)) == 1
        refused(capsys, "give the board another identity with --new-identity")
        assert not keys_in(tmp_path / "keys")
        assert one(made.port, tmp_path, *words(tmp_path), "--new-identity") == 0
        entry = report(tmp_path)
        assert entry["next_key_with"] == "owner"
        assert entry["device_id"] != first["device_id"]


def test_a_passphrase_must_come_from_somewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert one("/dev/ttyNOTHING", tmp_path, "--next-key", "owner") == 2
    refused(capsys, "--next-key owner needs --next-key-folder")
    owner = ["--next-key", "owner", "--next-key-folder", str(tmp_path / "keys")]
    assert one("/dev/ttyNOTHING", tmp_path, *owner) == 2
    refused(capsys, "name a --passphrase-file")
