"""`countersign site init` and `countersign gateway run` as processes, without a ledger."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from countersign_cli import site_folder
from countersign_gateway.config import ConfigError, Endpoint, load
from countersign_gateway.registry.sqlite import SqliteRegistry
from countersign_gateway.statements.keys import SigningKey, create_key_file
from countersign_workshop.child_processes.ports import free_port
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.opened import open_window
from support.gateway.running_site import PATIENCE_S, SITE, ConnectedDevice

RUN = "import sys; from countersign_cli.cli import main; sys.exit(main(sys.argv[1:]))"


def countersign(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


KEYS = ("gateway.key", "ledger.key", "site_account.key")


MISSPELT = "[sit]\n[gateway]\n[ingress.mqtt]\nsite_account_key_file = 'x'\n"


class GatewayProcess:
    def __init__(self, config: Path, log: Path) -> None:
        self._log = log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN, "gateway", "run", "--config", str(config)],
                stderr=stream,
            )

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def wait_for(self, event: str) -> dict[str, Any]:
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            for line in self.events():
                if line["event"] == event:
                    return line
            assert self.process.poll() is None, self._log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"no {event}: {self._log.read_text()}")


@contextmanager
def gateway_process(folder: Path) -> Iterator[GatewayProcess]:
    running = GatewayProcess(folder / "gateway.toml", folder / "gateway.log")
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()


def test_site_init_makes_a_site_that_runs_as_it_is(tmp_path):
    folder = tmp_path / "site"
    made = countersign(
        "site", "init", folder, "--name", SITE, "--listen", "127.0.0.1:0", "--allow-emulated"
    )
    assert made.returncode == 0, made.stderr
    config = load(folder / "gateway.toml")
    assert (config.site, config.policy.allow_emulated, config.anchoring) == (SITE, True, None)
    for name in (*KEYS, "gateway.toml"):
        assert (folder / name).stat().st_mode & 0o077 == 0, name
    # The command makes the keys and shows neither.
    for name in KEYS:
        assert (folder / name).read_text().strip() not in made.stdout + made.stderr

    again = countersign("site", "init", folder, "--name", SITE)
    assert again.returncode == 1
    assert "never overwritten" in again.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--name", "Not A Site"], "site.name"),
        (["--name", 'x"\nowner = "0x'], "site.name"),
        (["--name", "x", "--broker", "http://x"], "ingress.mqtt.broker"),
        (["--name", "x", "--broker", "none"], "give --line"),
        (["--name", "x", "--owner", "0x12"], "is not an address"),
        (["--name", "x", "--chain-id", "1"], "a ledger needs"),
        (["--name", "x", "--device-class", "300"], "policy.device_class"),
    ],
)
def test_site_init_refuses_what_the_gateway_would(tmp_path, words, sentence):
    made = countersign("site", "init", tmp_path / "site", *words)
    assert made.returncode == 1
    assert sentence in made.stderr
    assert not (tmp_path / "site" / "gateway.toml").exists()


def test_gateway_init_makes_the_keys_that_are_missing(tmp_path):
    site_folder.create_site(tmp_path, SITE, listen="127.0.0.1:0")
    kept = (tmp_path / "gateway.key").read_bytes()
    (tmp_path / "site_account.key").unlink()
    config = tmp_path / "gateway.toml"
    assert "cannot be opened" in countersign("gateway", "run", "--config", config).stderr
    made = countersign("gateway", "init", "--config", config)
    assert made.returncode == 0, made.stderr
    secret = tmp_path / "site_account.key"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert site_folder.site_account_key(secret).hex() in made.stdout
    assert secret.read_text().strip() not in made.stdout
    assert (tmp_path / "gateway.key").read_bytes() == kept
    again = countersign("gateway", "init", "--config", config)
    assert again.stdout == made.stdout.replace("(made)", "(was there)")


def test_gateway_init_makes_no_new_gateway_for_a_registry_that_has_one(tmp_path):
    made = site_folder.create_site(tmp_path, SITE, listen="127.0.0.1:0")
    config = tmp_path / "gateway.toml"
    registry_path = load(config).registry_path
    SqliteRegistry(registry_path, made.gateway_id).close()
    (tmp_path / "gateway.key").rename(tmp_path / "elsewhere.key")
    for _ in range(2):
        refused = countersign("gateway", "init", "--config", config)
        assert refused.returncode == 1
        assert f"belongs to gateway {made.gateway_id.hex()[:16]}" in refused.stderr
        assert "its key is not at" in refused.stderr
        assert not (tmp_path / "gateway.key").exists()
    create_key_file(tmp_path / "gateway.key")
    refused = countersign("gateway", "init", "--config", config)
    assert "is another gateway's" in refused.stderr
    # With a registry of its own it is a new gateway, and the command says so.
    (tmp_path / "gateway.key").unlink()
    registry_path.unlink()
    anew = countersign("gateway", "init", "--config", config)
    assert anew.returncode == 0, anew.stderr
    public = SigningKey.from_file(tmp_path / "gateway.key").public_key.hex()
    assert "a NEW gateway with a NEW key" in anew.stdout
    assert public in anew.stdout


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_gateway_whose_ledger_is_down_serves_and_stops_cleanly(tmp_path, stop):
    folder = tmp_path / "site"
    made = site_folder.create_site(
        folder,
        SITE,
        listen="127.0.0.1:0",
        allow_emulated=True,
        enrolment="open",
        ledger=site_folder.LedgerAddresses(
            rpc_urls=[f"http://127.0.0.1:{free_port()}"],
            chain_id=31337,
            commitment_log=b"\x01" * 20,
            device_registry=b"\x02" * 20,
            batch_age_s=0.2,
        ),
    )
    with gateway_process(folder) as running:
        ready = running.wait_for("gateway_ready")
        assert ready["gateway_id"] == made.gateway_id.hex()
        open_window(folder)
        device = ConnectedDevice(
            Endpoint(ready["host"], ready["port"]),
            SimulatedDevice.named("one", made.gateway_id),
            made.site_account_key,
        )
        assert device.enrol() == "ACCEPTED"
        assert device.check_in() == "ACCEPTED"
        device.close()
        assert running.wait_for("evidence_verified")["mode"] == "degraded"
        running.wait_for("batch")
        running.process.send_signal(stop)
        assert running.process.wait(PATIENCE_S) == 0
        assert running.events()[-1]["event"] == "gateway_stopped"
        status = json.loads((folder / "status.json").read_text())
        assert (status["enrolled"], status["verified"], status["mode"]) == (1, 1, "degraded")
        assert status["registry"]["commitments"] == 2
        secrets = [(folder / name).read_text().strip() for name in KEYS]
        log = (folder / "gateway.log").read_text()
        assert not [secret for secret in secrets if secret in log]


def test_a_hangup_ends_nothing_and_a_clean_stop_is_in_the_status(tmp_path):
    site_folder.create_site(tmp_path, SITE, listen="127.0.0.1:0")
    with gateway_process(tmp_path) as running:
        running.wait_for("gateway_ready")
        running.process.send_signal(signal.SIGHUP)
        assert "at a start" in running.wait_for("hangup_ignored")["why"]
        status = json.loads((tmp_path / "status.json").read_text())
        assert (status["state"], status["pid"]) == ("running", running.process.pid)
        config = ("--config", tmp_path / "gateway.toml")
        said = countersign("gateway", "status", *config)
        assert (said.returncode, said.stderr) == (0, "")
        assert f"at work, process {running.process.pid}" in said.stdout
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(PATIENCE_S) == 0
    text = (tmp_path / "status.json").read_text()
    status = json.loads(text)
    assert (status["state"], status["broker"]["running"]) == ("stopped", False)
    said = countersign("gateway", "status", *config)
    assert (said.returncode, said.stderr) == (1, "")
    assert "the gateway is stopped" in said.stdout
    said = countersign("gateway", "status", "--json", *config)
    assert (said.returncode, said.stdout) == (1, text)
    assert "is stopped" in said.stderr


def test_a_gateway_that_waits_for_its_broker_stops_when_it_is_asked_to(tmp_path):
    site_folder.create_site(tmp_path, SITE, broker=f"mqtt://127.0.0.1:{free_port()}")
    with gateway_process(tmp_path) as running:
        running.wait_for("broker_unreachable")
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(PATIENCE_S) == 0
        events = [line["event"] for line in running.events()]
    assert events[-1] == "gateway_stopped"
    assert "gateway_waiting" not in events


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "gateway.key").chmod(0o644), "can be read by others"),
        (lambda folder: (folder / "gateway.key").unlink(), "cannot be opened"),
        (lambda folder: (folder / "gateway.toml").write_text("[site"), "not valid TOML"),
        (lambda folder: (folder / "registry.sqlite3").write_bytes(os.urandom(4096)), "registry"),
    ],
)
def test_what_stops_a_gateway_from_starting_is_said_in_one_line(tmp_path, spoil, sentence):
    site_folder.create_site(tmp_path, SITE, listen="127.0.0.1:0")
    spoil(tmp_path)
    ended = countersign("gateway", "run", "--config", tmp_path / "gateway.toml")
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_in_use_is_said_in_one_line(tmp_path):
    site_folder.create_site(tmp_path / "one", SITE, listen="127.0.0.1:0")
    with gateway_process(tmp_path / "one") as running:
        port = running.wait_for("gateway_ready")["port"]
        site_folder.create_site(tmp_path / "two", SITE, listen=f"127.0.0.1:{port}")
        ended = countersign("gateway", "run", "--config", tmp_path / "two" / "gateway.toml")
        assert ended.returncode == 1
        assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
        assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda site: (site / "gateway.key").chmod(0o644), "chmod 600"),
        (lambda site: (site / "registry.sqlite3").write_bytes(b"x" * 5000), "restore it from"),
        (
            lambda site: (site / "gateway.toml").write_text(MISSPELT),
            "the section [site] is missing (is [sit] meant to be it?)\n"
            "countersign gateway: gateway.key_file is missing\n"
            "countersign gateway: the section [policy] is missing\n",
        ),
    ],
)
def test_what_a_person_can_mend_is_said_in_sentences(tmp_path, spoil, sentence):
    site = tmp_path / "site"
    assert countersign("site", "init", site, "--name", SITE).returncode == 0
    spoil(site)
    ended = countersign("gateway", "run", "--config", site / "gateway.toml")
    assert ended.returncode == 1
    assert ended.stderr.startswith("countersign gateway: ")
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_site_that_is_refused_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"site\.name must be"):
        site_folder.create_site(tmp_path / "new", "No Site")
    assert list(tmp_path.iterdir()) == []
