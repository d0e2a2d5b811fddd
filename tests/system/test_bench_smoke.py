"""The benchmark on a few hundred messages: its counts are right and its JSON is complete.

No figure is judged here, because this machine's speed and other work are not the test's concern.
"""

from __future__ import annotations

import json

import pytest

from countersign_cli import cli
from countersign_workshop.bench_gateway import answers, mqtt_wire
from countersign_workshop.parts import toolchain

DEVICES, FULL_ROUNDS, HALF_ROUNDS, WARM_UP_ROUNDS = 40, 6, 4, 1
SENT = DEVICES * (FULL_ROUNDS + HALF_ROUNDS + WARM_UP_ROUNDS)

FIGURES = {
    "proofs_per_s",
    "verify_per_s",
    "cpu_us_per_proof",
    "broker_cpu_us_per_proof",
    "driver_cpu_us_per_proof",
    "p50_ms",
    "p99_ms",
    "max_ms",
    "latency_load_per_s",
    "rss_mb",
    "peak_rss_mb",
    "broker_rss_mb",
    "ecdsa_verify_per_s",
    "p256_verify_per_s",
    "mtls_handshakes_per_s",
    "mtls_tls13_per_s",
    "mtls_tls12_per_s",
    "mtls_server_cpu_us",
    "mtls_client_cpu_us",
    "mtls_server_only_per_s",
    "ratio_proofs_to_mtls",
    "ratio_proofs_to_mtls_server_only",
    "ratio_cpu_mtls_to_proof",
    "gateway_processes",
}


def test_bench_counts_every_message(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        toolchain.mosquitto()
    except toolchain.PartMissing as fault:
        pytest.skip(str(fault))
    arguments = ["--devices", DEVICES, "--full-rounds", FULL_ROUNDS, "--half-rounds", HALF_ROUNDS]
    arguments += ["--window", 64, "--peer-seconds", 0.05]
    status = cli.main(["bench-gateway", *map(str, arguments)])
    printed = capsys.readouterr()
    assert status == 0, printed.out + printed.err
    figures = json.loads(printed.out.splitlines()[-1])

    for name in ("sent", "acknowledged", "results", "durable", "durable_messages"):
        assert figures[name] == SENT, (name, figures)
    for name in ("lost", "duplicated", "refused", "unsigned", "strange", "shed"):
        assert figures[name] == 0, (name, figures)
    assert figures["devices"] == DEVICES
    # Every message went through the pipeline, in groups no larger than the window.
    assert 1 <= figures["groups"] <= SENT
    assert 1 <= figures["largest_group"] <= 64
    assert figures.keys() >= FIGURES, FIGURES - figures.keys()
    zero = {name for name in FIGURES if not figures[name] > 0}
    # So short a run may use less than one tick of a process's CPU clock.
    assert not {name for name in zero if not name.endswith("cpu_us_per_proof")}, figures
    assert figures["p50_ms"] <= figures["p99_ms"] <= figures["max_ms"]
    assert figures["mtls_version"] in ("TLSv1.2", "TLSv1.3")


def test_percentile_is_nearest_rank() -> None:
    values = [float(number) for number in range(1, 101)]
    assert answers.percentile(values, 50) == 50
    assert answers.percentile(values, 99) == 99
    assert answers.percentile(values, 100) == 100
    assert answers.percentile([7.0], 99) == 7


def test_packets_are_framed_at_every_length() -> None:
    for size in (0, 1, 100, 127, 128, 2048, 16383, 16384):
        packet = mqtt_wire.publish_qos1("a/b", 7, bytes(size))
        found = mqtt_wire.packet_at(packet + b"\x30", 0)
        assert found is not None
        assert found[1] == len(packet)
        topic, payload = mqtt_wire.read_publish(packet[0], packet[found[0] : found[1]])
        assert (topic, payload) == ("a/b", bytes(size))
        for cut in range(min(len(packet), 6)):
            assert mqtt_wire.packet_at(packet[:cut], 0) is None
