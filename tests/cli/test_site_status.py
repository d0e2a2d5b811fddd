"""`countersign gateway status` in words, and what it makes of a file that is old."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from countersign_cli import site_status
from countersign_gateway.model import OperatorError

NOW = datetime(2026, 11, 27, 8, 0, 5, tzinfo=UTC)
STATUS = {
    "state": "running",
    "pid": 1,
    "site": "ward-3",
    "time": "2026-11-27T08:00:00.000Z",
    "mode": "degraded",
    "age_s": None,
    "not_anchoring_since": "2026-11-27T07:00:00.000Z",
    "refused": {"NOT_ADMITTED": 2},
    "alarms": {
        "counts": {"x": 1},
        "latest": [{"kind": "x", "at": "2026-11-27T07:30:00.000Z", "why": "\x1b[2J"}],
    },
}


def status(folder: Path, now: datetime = NOW, **changes: object) -> site_status.SiteStatus:
    path = folder / "status.json"
    path.write_text(json.dumps(STATUS | changes))
    return site_status.load(path, now)


def test_a_gateway_at_work_is_said_in_words(tmp_path: Path) -> None:
    said = "\n".join(site_status.lines(status(tmp_path)))
    for words in (
        "at work, process 1",
        "not reached in this run",
        "nothing is anchored since 2026-11-27T07:00:00.000Z",
        "refused 2 (NOT_ADMITTED 2)",
        "2026-11-27T07:30:00.000Z x: why",
    ):
        assert words in said
    assert "\x1b" not in said


def test_a_file_that_is_old_or_of_a_gateway_that_stopped_says_so(tmp_path: Path) -> None:
    later = NOW + timedelta(seconds=60)
    assert status(tmp_path).fault is None
    assert "65 s old" in str(status(tmp_path, later).fault)
    assert "ended without a word" in str(status(tmp_path, later, pid=2**22 + 1).fault)
    assert "is stopped" in str(status(tmp_path, state="stopped").fault)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"time": 1}', '{"time": "2026-01-01"}'])
def test_what_is_no_status_is_said_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "status.json"
    with pytest.raises(OperatorError, match="no gateway has run here yet"):
        site_status.load(path, NOW)
    path.write_text(text)
    with pytest.raises(OperatorError, match="is not the status file"):
        site_status.load(path, NOW)
