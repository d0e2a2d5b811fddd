"""A batch's resume file is durable, whole, used by one run at a time, and refused if damaged."""

import os
from pathlib import Path

import pytest

from countersign_cli.provisioning.resume_file import ResumeFile, ResumeFileError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "boards.csv.journal"
    with ResumeFile(path) as resume_file:
        assert resume_file.claim("bed-7", "0102", port="/dev/a") is None
        resume_file.append("bed-7", "identity", device_id="aa")
        assert resume_file.claim("bed-8", "0304") is None
    return path


def test_it_is_read_as_it_was_written(path: Path) -> None:
    with ResumeFile(path) as resume_file:
        known = resume_file.row("bed-7")
        assert known["steps"] == ["begun", "identity"]
        assert (known["step"], known["unique_id"], known["device_id"]) == ("identity", "0102", "aa")
        assert resume_file.row("bed-9") == {}
        resume_file.append("bed-8", "done")
    with ResumeFile(path) as resume_file:
        assert resume_file.row("bed-8")["steps"] == ["begun", "done"]


def test_a_board_has_one_row(path: Path) -> None:
    with ResumeFile(path) as resume_file:
        assert resume_file.claim("bed-9", "0102") == "bed-7"
        assert resume_file.row("bed-9") == {}
        assert resume_file.claim("bed-7", "0102") is None
        assert resume_file.other("bed-9", "device_id", "aa") == "bed-7"
        # An empty identifier claims no board.
        assert resume_file.claim("bed-9", "") is None
        assert resume_file.claim("bed-10", "") is None


def test_a_released_row_begins_anew(path: Path) -> None:
    with ResumeFile(path) as resume_file:
        resume_file.append("bed-7", "released")
        assert resume_file.row("bed-7") == {"steps": []}
        assert resume_file.claim("bed-9", "0102") is None


def test_every_torn_end_is_cut_off(path: Path) -> None:
    whole = path.read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    for size in range(last + 1, len(whole)):
        path.write_bytes(whole[:size])
        with ResumeFile(path) as resume_file:
            assert resume_file.row("bed-8") == {}
            assert resume_file.row("bed-7")["step"] == "identity"
            resume_file.append("bed-8", "begun")
        with ResumeFile(path) as resume_file:
            assert resume_file.row("bed-8")["step"] == "begun"


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
        with pytest.raises(ResumeFileError, match=r"is damaged at line .* restore it from a copy"):
            ResumeFile(path)
        assert path.read_bytes() == data, "what is damaged was changed"


def test_one_run_at_a_time(path: Path) -> None:
    with ResumeFile(path), pytest.raises(ResumeFileError, match="another run works with"):
        ResumeFile(path)
    ResumeFile(path).close()


def test_a_full_disk_is_said_and_nothing_is_believed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with ResumeFile(path) as resume_file:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(ResumeFileError, match="No space left on device"):
            resume_file.append("bed-8", "done")
        assert resume_file.row("bed-8")["step"] == "begun"


def test_every_line_is_on_the_disk_before_it_is_believed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(1), real(descriptor))[1])
    with ResumeFile(path) as resume_file:
        for number in range(3):
            resume_file.append("bed-8", str(number))
            assert len(synced) == number + 1


def test_a_resume_file_can_be_forgotten() -> None:
    with ResumeFile(None) as resume_file:
        resume_file.append("bed-7", "begun")
        assert resume_file.row("bed-7")["step"] == "begun"


def test_only_a_device_that_proved_its_key_is_named() -> None:
    with ResumeFile(None) as resume_file:
        assert resume_file.proven_device("bed-7") is None
        named = []
        for step, facts in (
            ("identity", {"device_id": "aa"}),
            ("proven", {}),
            ("begun", {}),
            ("identity", {"device_id": "aa"}),
            ("replacing", {"device_id": None}),
            ("identity", {"device_id": "bb"}),
            ("proven", {}),
            ("released", {}),
        ):
            resume_file.append("bed-7", step, **facts)
            named.append(resume_file.proven_device("bed-7"))
        assert named == [None, "aa", "aa", "aa", None, None, "bb", None]
