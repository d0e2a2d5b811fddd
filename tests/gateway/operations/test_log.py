"""The log writes one JSON object a line, shows no secret, and is bounded under a flood."""

from __future__ import annotations

import io
import json

from countersign import reasons
from countersign_gateway.operations.log import (
    BURST_LINES,
    LINES_PER_S,
    STRANGERS,
    STRANGERS_BURST_LINES,
    EventLog,
)
from support.gateway.site_under_test import FakeClock


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_stable_fields():
    stream, clock = io.StringIO(), FakeClock()
    log = EventLog(stream, clock, lambda: 1_700_000_000.25)
    clock.now_s += 1.5
    log.event("enrolled", device_id=b"\x01\x02", counter=3, age_s=None, text='two\n"lines"')
    assert lines(stream) == [
        {
            "at": 1.5,
            "time": "2023-11-14T22:13:20.250Z",
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
    for _ in range(int(BURST_LINES) + 500):
        log.event("evidence_verified")
    log.event("enrolled")  # another event has its own allowance
    clock.now_s += 1.0
    for _ in range(int(LINES_PER_S) + 7):
        log.event("evidence_verified")
    written = lines(stream)
    assert len(written) == BURST_LINES + 1 + LINES_PER_S
    assert [line["folded"] for line in written if "folded" in line] == [500]


def test_garbage_silences_no_other_refusal_and_its_folded_lines_are_told():
    stream, clock = io.StringIO(), FakeClock()
    log = EventLog(stream, clock)
    for second in range(300):
        for _ in range(1000 if second < 150 else 0):
            log.event("refused", reason="MALFORMED")
        if second % 30 == 0:
            log.event("refused", reason="OUT_OF_ORDER")
            log.event("status_changed", status="revoked")
        log.tell_folded()
        clock.now_s += 1.0
    log.tell_folded(at_once=True)
    written = lines(stream)
    honest = [line for line in written if line.get("reason") == "OUT_OF_ORDER"]
    assert len(honest) == len([x for x in written if x["event"] == "status_changed"]) == 10
    garbage = [line for line in written if line.get("reason") == "MALFORMED"]
    told = sum(int(str(line.get("folded", line.get("lines", 0)))) for line in garbage)
    assert told + len([x for x in garbage if x["event"] == "refused"]) == 150_000
    assert [line["of"] for line in written if line["event"] == "folded"] == ["refused"]
    log.tell_folded(at_once=True)
    assert lines(stream) == written, "told twice"


def test_strangers_fill_no_disk_by_the_log():
    """All that they can cause, all day long, with lines of 300 bytes."""
    stream, clock = io.StringIO(), FakeClock()
    log = EventLog(stream, clock)
    kinds = [("refused", name) for name in reasons.NAMES.values()]
    kinds += [(event, None) for event in STRANGERS - {"refused"}]
    for _ in range(3600):
        for event, reason in kinds:
            for _ in range(2):
                log.event(event, reason=reason)
        log.tell_folded()
        clock.now_s += 1.0
    burst = len(kinds) * STRANGERS_BURST_LINES
    # Some refusals need a device's key; at most twenty of the kinds do not.
    a_day = (len(lines(stream)) - burst) * 24 * 300 * 20 / len(kinds)
    assert a_day < 50e6


def test_a_reader_that_went_away_stops_nothing():
    stream = io.StringIO()
    log = EventLog(stream)
    stream.close()
    log.event("enrolled")
    assert log.lost_lines == 1
