"""`bench-perimeter` for seconds and five devices: every attack acts, and the JSON is complete.

No figure is judged here, because this machine's speed and other work are not the test's concern.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from countersign_cli import cli
from countersign_workshop.bench_perimeter import measurement
from countersign_workshop.bench_perimeter.attacker import Deeds
from countersign_workshop.bench_perimeter.attacks import ATTACKS
from countersign_workshop.bench_perimeter.honest import Report

WANTED = {
    "connect_flood",
    "client_id_takeover",
    "retained_flood",
    "will",
    "oversized_publish",
    "unknown_device_flood",
    "enrolment_flood",
    "replayed_requests",
    "log_flood",
}
FIGURES = {
    "honest_p99_ms",
    "peak_rss_mb",
    "strangers_enrolled",
    "disk_mb_per_day_per_attacker",
    "fuzz_executions",
    "fuzz_findings",
}


def test_every_wanted_attack_is_there() -> None:
    assert ATTACKS.keys() >= WANTED


def test_two_attacks_in_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    _run(["enrolment_flood", "evidence_flood"], capsys)


@pytest.mark.slow
def test_all_attacks_in_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    _run(list(ATTACKS), capsys)


def _run(names: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--seconds", "2", "--devices", "5", "--interval", "1"]
    arguments += ["--fuzz", "2000", "--only", *names]
    status = cli.main(["bench-perimeter", *arguments])
    printed = capsys.readouterr()
    assert status == 0, printed.out + printed.err
    figures = json.loads(printed.out.splitlines()[-1])
    assert figures.keys() >= FIGURES
    assert figures["honest_verdicts_lost"].keys() == set(names)
    assert all(due == 10 for due in figures["honest_check_ins"].values()), figures
    assert all(acts > 0 for acts in figures["attacker_acts"].values()), figures
    # Without an attacker the devices are served, or the rest would say nothing.
    assert figures["calm_verdicts_lost"] == 0
    assert figures["peak_rss_mb"] > 10
    assert figures["fuzz_executions"] >= 2000
    assert figures["fuzz_findings"] == 0


def test_disk_counts_what_the_attacker_adds() -> None:
    calm = _made("nothing", rows_per_s=0.0, log_bytes_per_s=100.0, bytes_per_row=1000.0)
    attacked = _made("flood", rows_per_s=2.0, log_bytes_per_s=600.0, bytes_per_row=900.0)
    # (2 · 900 + 500) bytes a second for a day.
    assert measurement.disk_mb_per_day(attacked, calm) == pytest.approx(2300 * 86400 / 1e6)
    assert measurement.disk_mb_per_day(calm, calm) == 0


def test_lost_is_due_without_a_verdict() -> None:
    assert Report(due=5, latencies_ms=[1.0, 2.0]).lost == 3


def _made(
    name: str, *, rows_per_s: float, log_bytes_per_s: float, bytes_per_row: float
) -> measurement.Run:
    return measurement.Run(
        name=name,
        report=Report(),
        deeds=Deeds(),
        peak_rss_mb=50.0,
        strangers=0,
        gateway_ended=False,
        rows_per_s=rows_per_s,
        log_bytes_per_s=log_bytes_per_s,
        other_bytes_per_s=0.0,
        bytes_per_row=bytes_per_row,
    )
