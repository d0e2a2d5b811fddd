"""The journal of a batch: durable, whole, for one run at a time, and refused if it is damaged."""

import os
from pathlib import Path

import pytest

from countersign_cli.provisioning.resume_file import Journal, JournalError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "boards.csv.journal"
    with Journal(path) as journal:
        assert journal.claim("bed-7", "0102", port="/dev/a") is None
        journal.append("bed-7", "identity", device_id="aa")
        assert journal.claim("bed-8", "0304") is None
    return path


def test_it_is_read_as_it_was_written(path: Path) -> None:
    with Journal(path) as journal:
        known = journal.row("bed-7")
        assert known["steps"] == ["begun", "identity"]
        assert (known["step"], known["unique_id"], known["device_id"]) == ("identity", "0102", "aa")
        assert journal.row("bed-9") == {}
        journal.append("bed-8", "done")
    with Journal(path) as journal:
        assert journal.row("bed-8")["steps"] == ["begun", "done"]


def test_a_board_has_one_row(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.claim("bed-9", "0102") == "bed-7"
        assert journal.row("bed-9") == {}
        assert journal.claim("bed-7", "0102") is None
        assert journal.other("bed-9", "device_id", "aa") == "bed-7"
        # No identifier is nobody's.
        assert journal.claim("bed-9", "") is None
        assert journal.claim("bed-10", "") is None


def test_a_released_row_begins_anew(path: Path) -> None:
    with Journal(path) as journal:
        journal.append("bed-7", "released")
        assert journal.row("bed-7") == {"steps": []}
        assert journal.claim("bed-9", "0102") is None


def test_every_torn_end_is_cut_off(path: Path) -> None:
    whole = path.read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    for size in range(last + 1, len(whole)):
        path.write_bytes(whole[:size])
        with Journal(path) as journal:
            assert journal.row("bed-8") == {}
            assert journal.row("bed-7")["step"] == "identity"
            journal.append("bed-8", "begun")
        with Journal(path) as journal:
            assert journal.row("bed-8")["step"] == "begun"


def test_damage_is_refused_in_words(path: Path) -> None:
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    damaged = [
        whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole) - 1)
    ]
    damaged += [
        b"".join(lines[1:]),
        b"".join([lines[0], *lines[2:]]),
        whole + b"\n",
        b"\0" * 9 + b"\n",
    ]
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(JournalError, match=r"is damaged at line .* restore it from a copy"):
            Journal(path)
        assert path.read_bytes() == data, "what is damaged was changed"


def test_one_run_at_a_time(path: Path) -> None:
    with Journal(path), pytest.raises(JournalError, match="another run works with"):
        Journal(path)
    Journal(path).close()


def test_a_full_disk_is_said_and_nothing_is_believed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with Journal(path) as journal:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(JournalError, match="No space left on device"):
            journal.append("bed-8", "done")
        assert journal.row("bed-8")["step"] == "begun"


def test_every_line_is_on_the_disk_before_it_is_believed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(1), real(descriptor))[1])
    with Journal(path) as journal:
        for number in range(3):
            journal.append("bed-8", str(number))
            assert len(synced) == number + 1


def test_a_journal_can_be_forgotten() -> None:
    with Journal(None) as journal:
        journal.append("bed-7", "begun")
        assert journal.row("bed-7")["step"] == "begun"
