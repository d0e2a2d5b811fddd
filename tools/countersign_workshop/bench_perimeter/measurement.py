"""Runs attacks one after the other, each against a site of its own, and makes the figures.

The site runs as a real process with its default broker. Honest devices live in a second process and
the attacker in a third. All share this machine, so an attacker that keeps a core busy takes that
core from the gateway as well: the figures hold for a gateway that has the machine's other cores.
"""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countersign_workshop.bench_perimeter import attacks, honest
from countersign_workshop.bench_perimeter.attacked_site import SITE, Marks, Site
from countersign_workshop.bench_perimeter.attacker import Attacker, Deeds
from countersign_workshop.bench_perimeter.cast import INSIDER, Cast
from countersign_workshop.checkout import cache_folder
from countersign_workshop.child_processes.process import die_with_parent
from countersign_workshop.fuzzing import run as fuzzing

SETTLE_S = 2.0
SAMPLE_S = 0.25
_DAY_S = 86400


@dataclass(frozen=True)
class Plan:
    """seconds: of each attack. devices: honest ones. interval_s: between check-ins of each.
    only: names of attacks, or none for all. fuzz_executions: inputs of the fuzzer, at the end.
    """

    seconds: float
    devices: int
    interval_s: float
    only: tuple[str, ...]
    fuzz_executions: int


@dataclass(frozen=True)
class Run:
    """One attack. rows_per_s and log_bytes_per_s: what the second half of the time has added to
    what honest devices caused. bytes_per_row: of the registry, over the whole run."""

    name: str
    report: honest.Report
    deeds: Deeds
    peak_rss_mb: float
    strangers: int
    gateway_ended: bool
    rows_per_s: float
    log_bytes_per_s: float
    other_bytes_per_s: float
    bytes_per_row: float


def measure(plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Run every attack of the plan, and return the figures as the JSON object holds them."""
    calm = _run(attacks.NOTHING, plan)
    say(_line(calm))
    runs = []
    for name in plan.only or tuple(attacks.ATTACKS):
        runs.append(_run(name, plan))
        say(_line(runs[-1]))
    outcome = fuzzing.fuzz(plan.fuzz_executions, secrets.randbelow(2**32))
    fuzzing.write(outcome.findings, cache_folder() / "fuzz")
    say(f"fuzz: {len(outcome.findings)} findings in {sum(outcome.executions.values())} inputs")
    return figures(plan, calm, runs) | outcome.figures()


def figures(plan: Plan, calm: Run, runs: Sequence[Run]) -> dict[str, Any]:
    disk = {run.name: round(disk_mb_per_day(run, calm), 1) for run in runs}
    latencies = [one for run in runs for one in run.report.latencies_ms]
    return {
        "seconds": plan.seconds,
        "devices": plan.devices,
        "interval_s": plan.interval_s,
        "honest_check_ins": {run.name: run.report.due for run in runs},
        "honest_verdicts_lost": {run.name: run.report.lost for run in runs},
        "honest_p99_ms": percentile(latencies, 99),
        "honest_p99_ms_by_attack": {
            run.name: percentile(run.report.latencies_ms, 99) for run in runs
        },
        "calm_p99_ms": percentile(calm.report.latencies_ms, 99),
        "calm_verdicts_lost": calm.report.lost,
        "honest_interruptions": {run.name: run.report.interruptions for run in runs},
        "honest_refusals": {run.name: run.report.refusals for run in runs},
        "peak_rss_mb": round(max(run.peak_rss_mb for run in runs), 1),
        "peak_rss_mb_by_attack": {run.name: round(run.peak_rss_mb, 1) for run in runs},
        "calm_peak_rss_mb": round(calm.peak_rss_mb, 1),
        "strangers_enrolled": sum(run.strangers for run in runs),
        "disk_mb_per_day_per_attacker": max(disk.values()),
        "disk_mb_per_day_by_attack": disk,
        "gateway_ended": [run.name for run in runs if run.gateway_ended],
        "attacker_acts": {run.name: run.deeds.acts for run in runs},
        "attacker_let_in": {run.name: run.deeds.let_in for run in runs},
        "attacker_refused": {run.name: run.deeds.refused for run in runs},
    }


def disk_mb_per_day(run: Run, calm: Run) -> float:
    """What the attacker makes the site keep, in MB (10⁶ bytes) a day: rows, log and other files.

    A row's size is that of the run that recorded more: fixed parts of the file weigh less there.
    """
    row_bytes = min(run.bytes_per_row, calm.bytes_per_row) or run.bytes_per_row
    log = max(0.0, run.log_bytes_per_s - calm.log_bytes_per_s)
    other = max(0.0, run.other_bytes_per_s - calm.other_bytes_per_s)
    return (max(0.0, run.rows_per_s) * row_bytes + log + other) * _DAY_S / 1e6


def percentile(values: Sequence[float], percent: float) -> float | None:
    """By nearest rank, rounded; None without values."""
    if not values:
        return None
    rank = max(1, math.ceil(len(values) * percent / 100))
    return round(sorted(values)[rank - 1], 1)


def _run(name: str, plan: Plan) -> Run:
    names = tuple(f"honest {number}" for number in range(plan.devices))
    parent = cache_folder() / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    spawning = multiprocessing.get_context("spawn")
    with (
        # /tmp is often in memory, so it is not used.
        tempfile.TemporaryDirectory(prefix="perimeter-", dir=parent) as folder,
        ProcessPoolExecutor(2, mp_context=spawning, initializer=die_with_parent) as pool,
        Site(Path(folder) / "site", [*names, INSIDER]) as site,
    ):
        starts_s = time.monotonic() + SETTLE_S
        cast = Cast(
            host=site.host,
            port=site.port,
            site=SITE,
            gateway_id=site.made.gateway_id,
            gateway_key=site.made.gateway_public_key,
            site_account_key=site.made.site_account_key or b"",
            honest=names,
            starts_s=starts_s,
            ends_s=starts_s + plan.seconds,
            interval_s=plan.interval_s,
        )
        devices = pool.submit(honest.run, cast)
        attack = pool.submit(_attack, name, cast)
        halfway, end, peak_rss_mb = _watch(site, cast, devices)
        report, deeds = devices.result(), attack.result()
        ended = not site.running()
        site.stop()
        rows = [_rows_of_others(mark, report) for mark in (halfway, end)]
        passed_s = end.at_s - halfway.at_s
        return Run(
            name,
            report,
            deeds,
            peak_rss_mb,
            site.strangers(),
            ended,
            (rows[1] - rows[0]) / passed_s,
            (end.log_bytes - halfway.log_bytes) / passed_s,
            (end.other_bytes - halfway.other_bytes) / passed_s,
            site.bytes_per_row(end.rows - len(names) - 1),
        )


def _watch(site: Site, cast: Cast, devices: Future[honest.Report]) -> tuple[Marks, Marks, float]:
    """The marks halfway and at the attack's end, and the highest memory until all is settled."""
    peak_rss_mb = 0.0
    halfway = end = None
    while not devices.done():
        peak_rss_mb = max(peak_rss_mb, site.rss_mb())
        now_s = time.monotonic()
        if halfway is None and now_s >= (cast.starts_s + cast.ends_s) / 2:
            halfway = site.marks()
        if end is None and now_s >= cast.ends_s:
            end = site.marks()
        time.sleep(SAMPLE_S)
    halfway = halfway or site.marks()
    return halfway, end or site.marks(), peak_rss_mb


def _rows_of_others(mark: Marks, report: honest.Report) -> int:
    """Rows that honest devices did not cause. The status may be older than the mark by a second."""
    return mark.rows - sum(1 for answered_s in report.recorded_s if answered_s <= mark.at_s)


def _attack(name: str, cast: Cast) -> Deeds:
    """In a process of its own: wait for the attack's start, and go on until its end."""
    attacker = Attacker(cast)

    async def limited() -> None:
        await asyncio.sleep(max(0.0, cast.starts_s - time.monotonic()))
        try:
            async with asyncio.timeout(max(0.0, cast.ends_s - time.monotonic()) + SETTLE_S):
                await attacks.named(name)(attacker)
        except TimeoutError:
            pass  # its last act hung; the time is over

    asyncio.run(limited())
    return attacker.deeds


def _line(run: Run) -> str:
    report = run.report
    return (
        f"{run.name}: {report.lost} of {report.due} verdicts lost, "
        f"p99 {percentile(report.latencies_ms, 99)} ms, peak {run.peak_rss_mb:.0f} MB, "
        f"{run.strangers} strangers enrolled, {run.deeds.acts} acts"
        + (", and the gateway has ended" if run.gateway_ended else "")
    )
