"""BEHAVIOUR.md says what the code does: its reasons, and the times that stand in both."""

from __future__ import annotations

import re
from pathlib import Path

from countersign import reasons
from countersign.carriers import kinds, link
from countersign_agent import agent, config
from countersign_agent.exchanges import check_in, enrolment
from countersign_agent.transports import mqtt_client, serial_transport
from countersign_gateway.ingress.mqtt import mqtt_ingress, paho_client
from countersign_gateway.ingress.serial_lines import serial_line
from countersign_gateway.operations.throttle import Throttle
from countersign_workshop.checkout import ROOT

PAGE = Path(ROOT / "firmware/lib/countersign/BEHAVIOUR.md").read_text(encoding="utf-8")
DEFAULTS = {name: default for name, _, default, _, _ in config.FIELDS}


def test_every_reason_has_its_reaction() -> None:
    section = PAGE.partition("### 3.3")[2].partition("## 4")[0]
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b", section))
    of_form = {name for code, name in reasons.NAMES.items() if 10 <= code <= 17}
    assert set(reasons.NAMES.values()) - of_form <= named


def test_slow_reasons_are_those_of_the_agent() -> None:
    section = PAGE.partition("### 3.3")[2]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 5:
            continue
        for code, name in reasons.NAMES.items():
            if name in cells[1]:
                assert ("60 s" in cells[2]) == (code in enrolment._SLOW), name
                assert ("10 intervals" in cells[3]) == (code in check_in._SLOW), name


def test_the_times_of_the_device() -> None:
    assert (DEFAULTS["check_in_interval_ms"], DEFAULTS["result_timeout_ms"]) == (30000, 10000)
    assert (DEFAULTS["reconnect_least_ms"], DEFAULTS["reconnect_most_ms"]) == (500, 60000)
    assert DEFAULTS["keep_alive_s"] == 30
    assert (check_in.RETRY_LEAST_MS, check_in.SLOW_FACTOR) == (200, 10)
    assert (enrolment.RETRY_LEAST_MS, enrolment.SLOW_RETRY_MS) == (500, 60000)
    assert (mqtt_client.MAX_UNACKNOWLEDGED, mqtt_client.RESPONSE_TIMEOUT_MS) == (8, 10000)
    assert (serial_transport.PING_EVERY_MS, serial_transport.RESPONSE_TIMEOUT_MS) == (2000, 15000)
    assert (link.WINDOW, link.RESEND_LEAST_MS, link.RESEND_MOST_MS) == (4, 1500, 12000)
    assert agent.POLL_MS <= 1000


def test_the_times_of_the_gateway() -> None:
    assert (mqtt_ingress.KEEPALIVE_S, mqtt_ingress.BACKOFF_S) == (30, (0.1, 10.0))
    assert paho_client.CONNECT_TIMEOUT_S == 5.0
    assert serial_line.ATTENTION_MS == 60_000
    assert {"result", "error"} == mqtt_ingress.AT_MOST_ONCE
    budget = Throttle(lambda: 0.0)
    assert (budget._each_per_s, budget._each_burst) == (1.0, 5.0)
    assert (budget._all_per_s, budget._all_burst) == (200.0, 400.0)
    settings = (ROOT / "gateway/CONFIGURATION.md").read_text(encoding="utf-8")
    for name, default in (
        ("beacon_interval_s", 30),
        ("challenge_ttl_s", 60),
        ("degraded_after_s", 120),
        ("batch_max", 1000),
        ("batch_age_s", 5),
    ):
        assert re.search(rf"`{name}` \|[^|]*\| `{default}` \|", settings), name


def test_every_kind_is_named() -> None:
    line = next(line for line in PAGE.splitlines() if line.strip().startswith("kind "))
    assert {kind.name for kind in kinds.ALL} - {"beacon"} <= set(line.split())
