"""Devices, clients and a watcher at a running site's own broker."""

from __future__ import annotations

import time
from collections.abc import Callable

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from countersign.carriers import topics
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.raw_mqtt import ACCEPTED, RawClient, connect_packet
from support.gateway.running_site import PATIENCE_S, SITE, RunningSite


def named(site: RunningSite, name: str) -> SimulatedDevice:
    return SimulatedDevice.named(name, site.gateway.key.gateway_id)


def own_account(site: RunningSite, device: SimulatedDevice) -> tuple[str, str]:
    assert site.site_account_key is not None
    return device.broker_account(site.site_account_key, SITE)


def enrolled(site: RunningSite, name: str) -> SimulatedDevice:
    """A device that the site knows, with no connection."""
    device = named(site, name)
    connected = site.connect(device)
    assert connected.enrol() == "ACCEPTED"
    connected.close()
    return device


def client(site: RunningSite, device: SimulatedDevice, **more: object) -> RawClient:
    one = RawClient(site.address, connect_packet("any", own_account(site, device), **more))  # type: ignore[arg-type]
    assert one.code == ACCEPTED
    return one


def eventually(holds: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.02)


class Watcher:
    """What the account that reads everything sees."""

    def __init__(self, site: RunningSite) -> None:
        self.seen: list[paho.MQTTMessage] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        self._client.username_pw_set(*site.watcher())
        self._client.on_connect = lambda one, *_: one.subscribe(f"{topics.ROOT}{SITE}/#", 1)
        self._client.on_message = lambda _client, _data, message: self.seen.append(message)
        self._client.connect(site.address.host, site.address.port)
        self._client.loop_start()
        eventually(lambda: self.on(topics.beacon(SITE)), "no beacon")

    def on(self, topic: str) -> list[bytes]:
        return [bytes(message.payload) for message in self.seen if message.topic == topic]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def broker_pid(site: RunningSite) -> int:
    broker = site.gateway.broker
    assert broker is not None and broker._process is not None
    return broker._process.pid
