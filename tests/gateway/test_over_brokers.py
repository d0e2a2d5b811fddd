"""The gateway end to end, over both brokers: from a device's bytes to a durable, signed answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from countersign import messages
from countersign.carriers import topics
from countersign_gateway.config import Endpoint
from countersign_workshop.child_processes.mosquitto import Mosquitto
from countersign_workshop.parts import toolchain
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.running_site import (
    PATIENCE_S,
    SITE,
    ConnectedDevice,
    RunningSite,
    reason_of,
    running_site,
)

try:
    toolchain.mosquitto()
    NO_MOSQUITTO = ""
except toolchain.PartMissing as missing:
    NO_MOSQUITTO = f"mosquitto: {missing}"


@pytest.fixture(
    params=[
        "own",
        pytest.param(
            "mosquitto",
            marks=pytest.mark.skipif(bool(NO_MOSQUITTO), reason=NO_MOSQUITTO),
        ),
    ]
)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoint | None]:
    """None for the own broker, else the address of Mosquitto."""
    if request.param == "own":
        yield None
        return
    with Mosquitto(tmp_path / "broker") as mosquitto:
        yield Endpoint(mosquitto.host, mosquitto.port)


@pytest.fixture
def site(broker: Endpoint | None, tmp_path: Path) -> Iterator[RunningSite]:
    with running_site(tmp_path, broker) as running:
        yield running


@pytest.fixture
def connect(site: RunningSite) -> Iterator[object]:
    with ExitStack() as stack:

        def connected(name: str) -> ConnectedDevice:
            device = SimulatedDevice.named(name, site.gateway.key.gateway_id)
            one = site.connect(device)
            stack.callback(one.close)
            return one

        yield connected


def test_devices_enrol_and_check_in(site, connect):
    devices = [connect(str(number)) for number in range(3)]
    assert [device.enrol() for device in devices] == ["ACCEPTED"] * 3
    for _ in range(4):
        assert [device.check_in() for device in devices] == ["ACCEPTED"] * 3
    counts = site.gateway.registry.counts()
    assert (counts.devices, counts.commitments) == (3, 15)
    assert len(site.events("evidence_verified")) == 12


def test_a_flood_of_one_device_is_answered_in_full(site, connect):
    device = connect("busy")
    assert device.enrol() == "ACCEPTED"
    beacon = device.wait_for_beacon()
    sent = [device.device.evidence(beacon) for _ in range(300)]
    for payload in sent:
        device.send(payload)
    assert [reason_of(device.answer_to(payload)[1]) for payload in sent] == ["ACCEPTED"] * 300
    assert site.gateway.registry.counts().commitments == 301
    assert site.gateway.tally.groups < 300


def test_what_is_wrong_is_refused_and_the_rest_goes_on(site, connect):
    device, other = connect("one"), connect("two")
    assert [device.enrol(), other.enrol()] == ["ACCEPTED"] * 2
    beacon = device.wait_for_beacon()
    captured = device.device.evidence(beacon)
    assert reason_of(device.exchange(captured)[1]) == "ACCEPTED"
    assert reason_of(device.exchange(captured)[1]) == "REPLAYED"
    assert reason_of(device.exchange(captured, "enrol")[1]) == "WRONG_TOPIC"
    assert reason_of(device.exchange(bytes(3000))[1]) == "OVERSIZED"
    impostor = SimulatedDevice.named("impostor", site.gateway.key.gateway_id)
    claim = impostor.request(device_id=other.device.device_id)
    assert reason_of(other.exchange(claim, "enrol")[1]) == "WRONG_KEY"
    assert other.check_in() == "ACCEPTED"


def test_beacons_turn_and_old_ones_go_stale(broker, tmp_path):
    with running_site(tmp_path, broker) as site:
        device = SimulatedDevice.named("one", site.gateway.key.gateway_id)
        connected = site.connect(device)
        assert connected.enrol() == "ACCEPTED"
        beacons = [connected.wait_for_beacon()]
        for _ in range(2):
            # Pretend that the interval has passed, so that the test need not wait for it.
            site.gateway.beacons._rotated_s -= 60
            beacons.append(connected.wait_for_beacon(not_this=beacons[-1]))
        stale, previous, current = (device.evidence(beacon) for beacon in beacons)
        assert reason_of(connected.exchange(stale)[1]) == "STALE_BEACON"
        assert reason_of(connected.exchange(previous)[1]) == "ACCEPTED"
        assert reason_of(connected.exchange(current)[1]) == "ACCEPTED"
        connected.close()


def test_a_site_goes_on_after_a_restart(broker, tmp_path):
    with running_site(tmp_path, broker) as site:
        gateway_id = site.gateway.key.gateway_id
        device = SimulatedDevice.named("one", gateway_id)
        connected = site.connect(device)
        assert connected.enrol() == "ACCEPTED"
        captured = device.evidence(connected.wait_for_beacon())
        assert reason_of(connected.exchange(captured)[1]) == "ACCEPTED"
        connected.close()
    with running_site(tmp_path, broker) as site:
        connected = site.connect(device)
        # Mosquitto retains the beacon of the earlier run until the new one arrives.
        fresh = site.gateway.beacons.current
        assert reason_of(connected.exchange(captured)[1]) == "REPLAYED"
        assert reason_of(connected.exchange(device.evidence(fresh))[1]) == "ACCEPTED"
        connected.close()
        assert site.gateway.registry.counts().commitments == 3


@pytest.mark.skipif(bool(NO_MOSQUITTO), reason=NO_MOSQUITTO)
def test_what_was_sent_while_the_gateway_was_away_is_delivered(tmp_path):
    with Mosquitto(tmp_path / "broker") as mosquitto:
        address = Endpoint(mosquitto.host, mosquitto.port)
        with running_site(tmp_path, address) as site:
            device = SimulatedDevice.named("one", site.gateway.key.gateway_id)
            connected = ConnectedDevice(address, device)
            assert connected.enrol() == "ACCEPTED"
            beacon = connected.wait_for_beacon()
        # The gateway is down: the broker keeps the message for its session.
        payload = device.evidence(beacon)
        connected.send(payload)
        with running_site(tmp_path, address) as site:
            # The message names a beacon of the earlier run, so its reason is STALE_BEACON.
            assert reason_of(connected.answer_to(payload)[1]) == "STALE_BEACON"
        connected.close()


def test_the_beacon_is_signed_and_says_how_fresh_the_gateway_is(site, connect):
    seen: list[bytes] = []
    listener = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    if site.site_account_key is not None:
        listener.username_pw_set(*site.watcher())
    listener.on_connect = lambda client, *_: client.subscribe(topics.beacon(SITE), 1)
    listener.on_message = lambda _client, _userdata, message: seen.append(bytes(message.payload))
    listener.connect(site.address.host, site.address.port)
    listener.loop_start()
    deadline_s = time.monotonic() + PATIENCE_S
    while not seen and time.monotonic() < deadline_s:
        time.sleep(0.02)
    listener.disconnect()
    listener.loop_stop()
    beacon = messages.open_message(seen[0])
    assert beacon.fields["mode"] == messages.MODE_DEGRADED
    assert beacon.fields["age_s"] is None


def test_clients_that_come_and_go_cost_nobody_a_message(tmp_path):
    with running_site(tmp_path, None) as site:
        device = SimulatedDevice.named("one", site.gateway.key.gateway_id)
        connected = site.connect(device)
        assert connected.enrol() == "ACCEPTED"
        beacon = connected.wait_for_beacon()
        stop = threading.Event()

        def come_and_go() -> None:
            while not stop.is_set():
                visitor = SimulatedDevice.named("visitor", site.gateway.key.gateway_id)
                site.connect(visitor).close()

        visitors = [threading.Thread(target=come_and_go, daemon=True) for _ in range(2)]
        for visitor in visitors:
            visitor.start()
        for _ in range(10):
            sent = [device.evidence(beacon) for _ in range(20)]
            for payload in sent:
                connected.send(payload)
            answers = [reason_of(connected.answer_to(payload)[1]) for payload in sent]
            assert answers == ["ACCEPTED"] * 20
        stop.set()
        for visitor in visitors:
            visitor.join(PATIENCE_S)
        connected.close()
