"""The log writes one JSON object a line, shows no secret, and is bounded under a flood."""

from __future__ import annotations

import io
import json

from countersign_gateway.operations.log import BURST_LINES, LINES_PER_S, EventLog
from support.gateway.site_under_test import FakeClock


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_stable_fields():
    stream, clock = io.StringIO(), FakeClock()
    log = EventLog(stream, clock)
    clock.now_s += 1.5
    log.event("enrolled", device_id=b"\x01\x02", counter=3, age_s=None, text='two\n"lines"')
    assert lines(stream) == [
        {
            "at": 1.5,
            "event": "enrolled",
            "device_id": "0102",
            "counter": 3,
            "age_s": None,
            "text": 'two\n"lines"',
        }
    ]
    assert stream.getvalue().count("\n") == 1


def test_a_fault_says_where_and_not_what():
    stream = io.StringIO()
    try:
        raise ValueError("the secret is 42")
    except ValueError as error:
        EventLog(stream).fault("message_fault", error)
    (line,) = lines(stream)
    assert line["error"] == "ValueError"
    assert "test_log.py" in str(line["trace"])
    assert "42" not in str(line["error"]) + str(line.get("detail"))


def test_a_flood_is_folded_and_counted():
    stream, clock = io.StringIO(), FakeClock()
    log = EventLog(stream, clock)
    for _ in range(BURST_LINES + 500):
        log.event("refused")
    log.event("enrolled")  # another event has its own allowance
    clock.now_s += 1.0
    for _ in range(LINES_PER_S + 7):
        log.event("refused")
    written = lines(stream)
    assert len(written) == BURST_LINES + 1 + LINES_PER_S
    assert [line["folded"] for line in written if "folded" in line] == [500]


def test_a_reader_that_went_away_stops_nothing():
    stream = io.StringIO()
    log = EventLog(stream)
    stream.close()
    log.event("enrolled")
    assert log.lost_lines == 1
