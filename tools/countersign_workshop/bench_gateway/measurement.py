"""One measurement of the gateway: drives the site and computes the figures.

Mosquitto and the gateway run as real processes. This process plays the devices and the subscriber.
Evidence goes the whole way: broker, paho, verification, appraisal, signed result, SQLite (WAL,
synchronous=FULL), PUBLISH of the result, broker, subscriber. The devices are entered into the
record as enrolments beforehand, and all evidence is signed before the clock starts.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countersign import messages
from countersign_workshop.bench_gateway import accounting, answers, devices, peers
from countersign_workshop.bench_gateway.accounting import Usage
from countersign_workshop.bench_gateway.bench_site import SITE, BenchSite
from countersign_workshop.bench_gateway.load import Driver, Phase, fetch_beacon
from countersign_workshop.checkout import cache_folder


@dataclass(frozen=True)
class Plan:
    """How much load a measurement makes.

    rounds: pieces of evidence of each device, for warming up, at full load, and at half of it.
    window: how many messages are without an answer at most at full load. peer_s: seconds for each
    peer.
    """

    devices: int
    connections: int
    warm_up_rounds: int
    full_rounds: int
    half_rounds: int
    window: int
    peer_s: float


@dataclass(frozen=True)
class SiteRun:
    """The raw results of a run of the site, from which the figures are computed."""

    full: Phase
    half: Phase
    full_usage: Usage
    half_usage: Usage
    gateway_processes: int
    gateway_rss_mb: float
    gateway_peak_rss_mb: float
    broker_rss_mb: float
    sent: int
    acknowledged: int
    answers: answers.Answers
    latencies_ms: list[float]
    durable: int
    durable_messages: int
    status: dict[str, Any]


def measure(plan: Plan) -> dict[str, Any]:
    """Run everything that `plan` asks for, and return the figures as the JSON object holds them."""
    parent = cache_folder() / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    # /tmp is often in memory, so it is not used: durability must cost what a disk costs.
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        site_run = _drive(plan, Path(folder))
        figures = _figures(plan, site_run)
        _say(
            f"proofs: {figures['proofs_per_s']:.0f}/s, p99 {figures['p99_ms']:.1f} ms at half load"
        )
        figures.update(_peer_figures(plan, Path(folder), figures))
    return figures


def _drive(plan: Plan, folder: Path) -> SiteRun:
    """Warm up one site, drive it as fast as it answers, then drive it at half that rate."""
    site = BenchSite(folder)
    _say(f"devices: {plan.devices} made and entered into the record as enrolments")
    device_secrets = devices.make_secrets(plan.devices)
    site.enter_devices(devices.enrolments(device_secrets, site.key))
    driver = None
    try:
        site.start()
        _say(f"site: Mosquitto on 127.0.0.1:{site.port}, gateway is process {site.gateway_pid}")
        beacon = fetch_beacon(site.port, site.driver_password)
        rounds = plan.warm_up_rounds + plan.full_rounds + plan.half_rounds
        _say(f"evidence: signing {rounds * plan.devices} messages")
        streams = devices.presign(
            device_secrets,
            rounds,
            plan.connections,
            SITE,
            site.key.gateway_id,
            messages.open_message(beacon).fields["beacon"],
        )
        driver = Driver(site.port, site.driver_password, streams, site.check_alive)
        each = plan.devices // plan.connections
        driver.as_fast_as_answered(each * plan.warm_up_rounds, plan.window)

        _say("load: as fast as answers come")
        before = _usage(site)
        full = driver.as_fast_as_answered(each * plan.full_rounds, plan.window)
        full_usage = _usage(site).since(before)

        rate_per_s = _rate_per_s(full, plan) / 2
        _say(f"load: {rate_per_s:.0f} messages a second, on a schedule")
        before = _usage(site)
        half = driver.on_schedule(each * plan.half_rounds, rate_per_s)
        half_usage = _usage(site).since(before)

        driver.settle(0.3)
        gateway = accounting.family(site.gateway_pid)
        rss_mb = sum(accounting.rss_mb(pid) for pid in gateway)
        peak_rss_mb = sum(accounting.rss_mb(pid, peak=True) for pid in gateway)
        broker_rss_mb = accounting.rss_mb(site.broker_pid)
        acknowledged = sum(publisher.acknowledged for publisher in driver.publishers)
    finally:
        if driver is not None:
            driver.close()
        site.stop()
    _say("answers: verifying every one")
    found = answers.examine(driver.subscriber, streams, site.key.public_key)
    commitments, stored = site.durable()
    return SiteRun(
        full=full,
        half=half,
        full_usage=full_usage,
        half_usage=half_usage,
        gateway_processes=len(gateway),
        gateway_rss_mb=rss_mb,
        gateway_peak_rss_mb=peak_rss_mb,
        broker_rss_mb=broker_rss_mb,
        sent=sum(len(stream) for stream in streams),
        acknowledged=acknowledged,
        answers=found,
        latencies_ms=answers.latencies_ms(half, streams, found),
        durable=commitments - plan.devices,
        durable_messages=stored - plan.devices,
        status=site.status(),
    )


def _figures(plan: Plan, site_run: SiteRun) -> dict[str, Any]:
    proofs = (site_run.full.last - site_run.full.first) * plan.connections
    full, half = site_run.full_usage, site_run.half_usage
    half_proofs = (site_run.half.last - site_run.half.first) * plan.connections
    cores = os.cpu_count() or 1
    groups = site_run.status
    return {
        "proofs_per_s": _round(_rate_per_s(site_run.full, plan)),
        "cpu_us_per_proof": _round(1e6 * full.gateway_s / proofs),
        "broker_cpu_us_per_proof": _round(1e6 * full.broker_s / proofs),
        "driver_cpu_us_per_proof": _round(1e6 * full.driver_s / proofs),
        "other_cpu_share": _round(full.others_s / (full.at_s * cores), 3),
        "p50_ms": _round(answers.percentile(site_run.latencies_ms, 50)),
        "p99_ms": _round(answers.percentile(site_run.latencies_ms, 99)),
        "max_ms": _round(site_run.latencies_ms[-1]),
        "latency_load_per_s": _round(site_run.half.rate_per_s or 0.0),
        "latency_cpu_us_per_proof": _round(1e6 * half.gateway_s / half_proofs),
        "latency_other_cpu_share": _round(half.others_s / (half.at_s * cores), 3),
        "driver_behind_ms": _round(1000 * site_run.half.behind_s),
        "gateway_processes": site_run.gateway_processes,
        "rss_mb": _round(site_run.gateway_rss_mb),
        "peak_rss_mb": _round(site_run.gateway_peak_rss_mb),
        "broker_rss_mb": _round(site_run.broker_rss_mb),
        "devices": plan.devices,
        "sent": site_run.sent,
        "acknowledged": site_run.acknowledged,
        "results": site_run.answers.allowed,
        "refused": site_run.answers.refused,
        "durable": site_run.durable,
        "durable_messages": site_run.durable_messages,
        "lost": site_run.answers.lost,
        "duplicated": site_run.answers.duplicated,
        "unsigned": site_run.answers.unsigned,
        "strange": site_run.answers.strange,
        "shed": groups["shed"],
        "groups": groups["groups"],
        "largest_group": groups["largest_group"],
        "window": plan.window,
        "cores": cores,
        "python": platform.python_version(),
    }


def _peer_figures(plan: Plan, folder: Path, figures: dict[str, Any]) -> dict[str, Any]:
    """The peers' figures. Empty if the plan gives the peers no time."""
    if plan.peer_s <= 0:
        return {}
    _say("peers: verification alone, python-ecdsa, P-256, mTLS handshakes")
    cores = os.cpu_count() or 1
    newer = peers.mtls_handshakes(folder, "TLSv1.3", plan.peer_s)
    older = peers.mtls_handshakes(folder, "TLSv1.2", plan.peer_s)
    best = max(newer, older, key=lambda handshakes: handshakes.per_s)
    # A proof's CPU time includes broker and driver, and a handshake's includes both ends.
    proof_cpu_us = sum(figures[f"{part}cpu_us_per_proof"] for part in ("", "broker_", "driver_"))
    # This assumes that the other end costs nothing and that the server uses every core fully.
    server_only_per_s = cores * 1e6 / min(newer.server_cpu_us, older.server_cpu_us)
    return {
        "verify_per_s": _round(peers.verify_per_s(plan.peer_s)),
        "ecdsa_verify_per_s": _round(peers.ecdsa_verify_per_s(plan.peer_s)),
        "p256_verify_per_s": _round(peers.p256_verify_per_s(plan.peer_s)),
        "mtls_handshakes_per_s": _round(best.per_s),
        "mtls_version": best.version,
        "mtls_tls13_per_s": _round(newer.per_s),
        "mtls_tls12_per_s": _round(older.per_s),
        "mtls_server_cpu_us": _round(best.server_cpu_us),
        "mtls_client_cpu_us": _round(best.client_cpu_us),
        "mtls_server_only_per_s": _round(server_only_per_s),
        "ratio_proofs_to_mtls": _round(figures["proofs_per_s"] / best.per_s, 2),
        "ratio_proofs_to_mtls_server_only": _round(figures["proofs_per_s"] / server_only_per_s, 2),
        "ratio_cpu_mtls_to_proof": _round(cores * 1e6 / best.per_s / proof_cpu_us, 2),
    }


def _rate_per_s(phase: Phase, plan: Plan) -> float:
    """Messages a second, from the first packet's sending to the last answer's arrival."""
    return (phase.last - phase.first) * plan.connections / (phase.answered_s - phase.started_s)


def _usage(site: BenchSite) -> Usage:
    return accounting.usage(site.gateway_pid, site.broker_pid)


def _round(value: float, digits: int = 1) -> float:
    return round(value, digits)


_STARTED_S = time.monotonic()


def _say(line: str) -> None:
    print(f"[{time.monotonic() - _STARTED_S:5.1f} s] {line}", flush=True)
