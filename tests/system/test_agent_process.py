"""The agent as a process of a real MicroPython, at a real gateway over both brokers."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from countersign.carriers import topics
from countersign_gateway.config import Endpoint
from countersign_workshop.child_processes.mosquitto import Mosquitto
from countersign_workshop.child_processes.process import Child
from countersign_workshop.parts import micropython, toolchain
from support.gateway.running_site import SITE, RunningSite, running_site

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
PATIENCE_S = 40.0


class Device:
    """One device's flash folder, and the process that runs on it while the device is on."""

    def __init__(self, folder: Path, site: RunningSite, runtime: str) -> None:
        self.folder = folder
        self.events: list[dict[str, Any]] = []
        self.noise: list[str] = []
        self._arrived = threading.Condition()
        try:
            self._command = micropython.argv(runtime)
        except micropython.RuntimeMissing as missing:
            pytest.skip(str(missing))
        folder.mkdir(mode=0o700)
        self._config = folder / "config.json"
        self._config.write_text(
            json.dumps(
                {
                    "site": SITE,
                    "gateway_public_key": site.gateway.key.public_key.hex(),
                    "broker_host": site.address.host,
                    "broker_port": site.address.port,
                    **site.agent_account(),
                    "storage_folder": str(folder / "flash"),
                    "check_in_interval_ms": 100,
                    "result_timeout_ms": 1000,
                    "reconnect_least_ms": 50,
                }
            )
        )

    def switch_on(self) -> Child:
        return Child(
            "device",
            [*self._command, "-m", "countersign_agent", self._config],
            on_line=self._take,
            environment=micropython.environment([FIRMWARE / "lib", FIRMWARE / "agent"]),
        )

    def all(self, name: str, **wanted: object) -> list[dict[str, Any]]:
        return [
            event
            for event in list(self.events)
            if event["event"] == name and wanted.items() <= event.items()
        ]

    def wait_for(self, name: str, count: int = 1, **wanted: object) -> dict[str, Any]:
        with self._arrived:
            came = self._arrived.wait_for(
                lambda: len(self.all(name, **wanted)) >= count, PATIENCE_S
            )
        assert came, (name, wanted, self.events[-5:], self.noise)
        return self.all(name, **wanted)[count - 1]

    def _take(self, line: str) -> None:
        with self._arrived:
            if line.startswith('{"event"'):
                self.events.append(json.loads(line))
            else:
                self.noise.append(line)
            self._arrived.notify_all()


@pytest.fixture(params=["own", "mosquitto"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningSite]:
    if request.param == "own":
        with running_site(tmp_path, None, beacon_interval_s=0.5) as running:
            yield running
        return
    try:
        toolchain.mosquitto()
    except toolchain.PartMissing as missing:
        pytest.skip(f"mosquitto: {missing}")
    with (
        Mosquitto(tmp_path / "broker") as mosquitto,
        running_site(
            tmp_path, Endpoint(mosquitto.host, mosquitto.port), beacon_interval_s=0.5
        ) as running,
    ):
        yield running


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.05)


@pytest.mark.parametrize("runtime", micropython.runtimes())
def test_a_device_makes_its_keys_enrols_and_checks_in(
    site: RunningSite, tmp_path: Path, runtime: str
) -> None:
    device = Device(tmp_path / "device", site, runtime)
    process = device.switch_on()
    try:
        made = device.wait_for("key_made")
        device.wait_for("enrolled")
        device.wait_for("verdict", 3, message="evidence", allow=True)
        assert device.all("started")[0]["environment"] == 2, "an emulated device that hides it"
        assert device.all("started")[0]["engine"] == "pure", "no native module is on its path"
        record = site.gateway.registry.device(bytes.fromhex(made["device_id"]))
        assert record is not None
        assert record.public_key.hex() == made["public_key"]
        assert record.environment == 2
    finally:
        process.kill()
    assert not device.noise


def test_power_cuts_never_repeat_a_counter_or_make_a_second_identity(
    site: RunningSite, tmp_path: Path
) -> None:
    device = Device(tmp_path / "device", site, micropython.host_runtime())
    chance = random.Random(20)
    for _ in range(10):
        process = device.switch_on()
        time.sleep(chance.uniform(0.02, 0.8))
        process.kill()
    process = device.switch_on()
    try:
        answered = len(device.all("verdict"))
        device.wait_for("verdict", answered + 5, allow=True)
    finally:
        process.kill()
    assert len({event["device_id"] for event in device.all("started")}) == 1
    boots = [event["boot_count"] for event in device.all("started")]
    assert boots == sorted(set(boots))
    sent = [event["counter"] for event in device.events if event["event"].endswith("_sent")]
    assert sent == sorted(set(sent))
    accepted = [event["counter"] for event in site.events("evidence_verified")]
    assert accepted == sorted(set(accepted))


def test_a_damaged_identity_stops_the_device_and_is_left_as_it_is(
    site: RunningSite, tmp_path: Path
) -> None:
    device = Device(tmp_path / "device", site, micropython.host_runtime())
    process = device.switch_on()
    device.wait_for("enrolled")
    process.kill()
    identity = tmp_path / "device/flash/identity"
    damaged = bytearray(identity.read_bytes())
    damaged[20] ^= 1
    identity.write_bytes(damaged)

    process = device.switch_on()
    refusal = device.wait_for("cannot_start")
    eventually(lambda: not process.running(), "a device with a damaged identity goes on")
    assert refusal["error"] == "KeyStoreDamaged"
    assert process.exit_status() == 2
    assert identity.read_bytes() == damaged
    assert len(device.all("key_made")) == 1


def test_the_last_will_says_that_a_device_is_gone(site: RunningSite, tmp_path: Path) -> None:
    device = Device(tmp_path / "device", site, micropython.host_runtime())
    process = device.switch_on()
    made = device.wait_for("key_made")
    device.wait_for("enrolled")
    topic = topics.presence(SITE, bytes.fromhex(made["device_id"]))
    seen: list[bytes] = []
    with watching(site, topic, seen):
        eventually(lambda: seen[-1:] == [b"online"], "no birth message")
        process.kill()
        eventually(lambda: seen[-1:] == [b"offline"], "no last will")


@contextmanager
def watching(site: RunningSite, topic: str, seen: list[bytes]) -> Iterator[None]:
    """Collects what is published on a topic, retained messages first."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    if site.site_account_key is not None:
        client.username_pw_set(*site.watcher())
    client.on_connect = lambda client, *_: client.subscribe(topic, 1)
    client.on_message = lambda _client, _data, message: seen.append(message.payload)
    client.connect(site.address.host, site.address.port)
    client.loop_start()
    try:
        yield
    finally:
        client.disconnect()
        client.loop_stop()
