"""Each example beside the code does what it says, with the real parts that it names."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cbor2
import pytest

from countersign import messages
from countersign_gateway.config import Endpoint
from countersign_gateway.registry.sqlite import SqliteRegistry
from countersign_workshop.checkout import ROOT
from countersign_workshop.child_processes.events import Events
from countersign_workshop.child_processes.ports import free_port
from countersign_workshop.child_processes.process import Child
from countersign_workshop.fuzzing import hostile_cbor
from countersign_workshop.parts import micropython, toolchain
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.anchoring_site import Device, Site
from support.gateway.local_chain import LocalChain
from support.gateway.running_site import SITE, ConnectedDevice, running_site

SENSOR = ROOT / "firmware/agent/examples/door_sensor.py"
VERIFIER = ROOT / "gateway/examples/verify_captured.py"
MOSQUITTO = ROOT / "gateway/examples/mosquitto"
AUDIT = ROOT / "contracts/examples/audit_batch.py"
PATIENCE_S = 40.0

# The pin opens once. The agent starts as the example's docstring says.
BOARD_MAIN = """
from countersign_agent import main, sensors
from door_sensor import Door
class Pin:
    def irq(self, handler):
        self.handler = handler
    def value(self):
        return 1
pin = Pin()
door = Door(pin)
pin.handler(pin)
sensors.read_board = door.read
main.main("device.json")
"""


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, *(str(word) for word in words)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def wait_until(holds: Callable[[], bool], what: Callable[[], str]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, what()
        time.sleep(0.02)


def test_the_sensor_reads_on_micropython(tmp_path: Path) -> None:
    try:
        command = micropython.argv()
    except micropython.RuntimeMissing as missing:
        pytest.skip(str(missing))
    with running_site(tmp_path, None, beacon_interval_s=0.5) as site:
        settings = {
            "site": SITE,
            "gateway_public_key": site.gateway.key.public_key.hex(),
            "broker_host": site.address.host,
            "broker_port": site.address.port,
            **site.agent_account(),
            "storage_folder": str(tmp_path / "flash"),
            "check_in_interval_ms": 100,
        }
        (tmp_path / "device.json").write_text(json.dumps(settings), encoding="utf-8")
        (tmp_path / "board_main.py").write_text(BOARD_MAIN, encoding="utf-8")
        firmware = ROOT / "firmware"
        folders = [SENSOR.parent, firmware / "lib", firmware / "agent"]
        device = Child(
            "device",
            [*command, "board_main.py"],
            environment=micropython.environment(folders),
            folder=tmp_path,
        )
        wait_until(lambda: bool(site.events("evidence_verified")), device.tail)
        device.stop()
        recorded = [entry.message for entry in site.gateway.registry.messages(0, 2)]
    readings = messages.open_message(recorded[-1]).fields["readings"]
    assert readings == {"door_open": 1, "door_openings": 1}


def test_the_verifier_tells_genuine_from_not(tmp_path: Path) -> None:
    public_key = (VERIFIER.parent / "public_key.hex").read_text(encoding="ascii").strip()
    captured = VERIFIER.parent / "evidence.hex"
    finished = run(VERIFIER, captured, public_key)
    assert (finished.returncode, finished.stdout) == (0, "genuine\n"), finished.stderr

    message = bytearray.fromhex(captured.read_text(encoding="ascii"))
    message[-1] ^= 1
    (tmp_path / "changed.hex").write_text(message.hex(), encoding="ascii")
    finished = run(VERIFIER, tmp_path / "changed.hex", public_key)
    assert (finished.returncode, finished.stdout) == (1, "NOT GENUINE\n"), finished.stderr

    # The signature does not cover these, so that the encoding has to be looked at.
    genuine = bytes.fromhex(captured.read_text(encoding="ascii"))
    _, _, payload, signature = cbor2.loads(genuine)
    for other in (
        genuine + b"\0",
        cbor2.dumps([b"", {}, payload, signature]),
        cbor2.dumps([cbor2.loads(genuine)[0], {"allow": True}, payload, signature]),
        hostile_cbor.shared(40),
        b"",
    ):
        (tmp_path / "other.hex").write_text(other.hex(), encoding="ascii")
        finished = run(VERIFIER, tmp_path / "other.hex", public_key)
        assert (finished.returncode, finished.stdout) == (1, "NOT GENUINE\n"), finished.stderr


def test_a_gateway_works_with_mosquitto(tmp_path: Path) -> None:
    try:
        mosquitto = toolchain.mosquitto()
    except toolchain.PartMissing as missing:
        pytest.skip(f"mosquitto: {missing}")
    # The example's own file and commands run here. Only the port and the simulated device's site
    # differ, and root needs "user root".
    port = str(free_port())
    settings = (MOSQUITTO / "mosquitto.conf").read_text(encoding="utf-8").replace("1883", port)
    settings += "user root\n" if os.geteuid() == 0 else ""
    (tmp_path / "mosquitto.conf").write_text(settings, encoding="utf-8")
    commands = commands_of(MOSQUITTO / "README.md", port)
    make_site, run_gateway, start_broker, admit = commands
    assert start_broker[0] == "mosquitto"
    assert make_site[0] == run_gateway[0] == admit[0] == "countersign"
    countersign = [sys.executable, "-m", "countersign_cli.cli"]
    events = Events()
    made = subprocess.run(
        [*countersign, *make_site[1:]], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    printed = dict(line.split("  ", 1) for line in made.stdout.splitlines() if "  " in line)
    gateway_id = bytes.fromhex(printed["gateway_id"].strip())
    account_key = bytes.fromhex(printed["site account key"].split()[0])
    gateway = Child(
        "gateway",
        [*countersign, *run_gateway[1:]],
        on_line=events.listener("gateway"),
        folder=tmp_path,
    )
    passwords = tmp_path / "store/accounts/passwords"
    wait_until(passwords.exists, gateway.tail)
    broker = Child("mosquitto", [*mosquitto, *start_broker[1:]], folder=tmp_path)
    wait_until(
        lambda: bool(events.select("broker_connected")), lambda: gateway.tail() + broker.tail()
    )
    check = [*countersign, "gateway", "check", "--config", "store/gateway.toml"]
    checked = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    one = SimulatedDevice.named("example", gateway_id)
    known = len(passwords.read_bytes())
    words = [one.public_key.hex() if word == "KEY" else word for word in admit[1:]]
    subprocess.run([*countersign, *words], cwd=tmp_path, check=True)
    wait_until(lambda: len(passwords.read_bytes()) > known, gateway.tail)
    os.kill(broker.pid, signal.SIGHUP)  # what the page's path unit does
    device = ConnectedDevice(Endpoint("127.0.0.1", int(port)), one, account_key)
    assert device.enrol() == "ACCEPTED"
    assert device.check_in() == "ACCEPTED"
    device.close()
    gateway.stop()
    broker.stop()


def commands_of(page: Path, port: str) -> list[list[str]]:
    """The lines of the page's only block of commands, as words."""
    (block,) = page.read_text(encoding="utf-8").split("```bash\n")[1:]
    lines = block.split("```")[0].replace("1883", port).splitlines()
    lines = [line.replace("--name store", f"--name {SITE}") for line in lines]
    return [shlex.split(line) for line in lines]


def test_one_batch_is_audited(tmp_path: Path) -> None:
    chain = LocalChain(tmp_path / "chain")
    try:
        record = tmp_path / "registry.sqlite3"
        registry = SqliteRegistry(record, bytes(32))
        site = Site(chain, registry, batch_max=4)
        chain.fund(site.key.address)
        device = Device()
        registry.store([device.enrols(), *(device.checks_in() for _ in range(7))])
        for _ in range(6):
            site.tick()
            chain.finalize()
        registry.close()

        log, account = "0x" + chain.commitment_log.hex(), "0x" + site.key.address.hex()
        finished = run(AUDIT, chain.rpc_url, log, account, record, "2")
        assert finished.returncode == 0, finished.stdout + finished.stderr
        assert "batch 2: 4 commitments under " in finished.stdout

        # Another batch's event must not pass for this one: this is the same record with a moved
        # start.
        moved = tmp_path / "moved.sqlite3"
        moved.write_bytes(record.read_bytes())
        with_change(moved, "UPDATE batches SET first_position = 1 WHERE sequence = 2")
        assert run(AUDIT, chain.rpc_url, log, account, moved, "2").returncode == 1
    finally:
        chain.stop()


def with_change(record: Path, statement: str) -> None:
    connection = sqlite3.connect(record)
    connection.execute("DROP TRIGGER batches_are_fixed")
    connection.execute(statement)
    connection.commit()
    connection.close()
