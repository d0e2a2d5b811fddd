"""A whole gateway in this process, made from its configuration, over a real broker."""

from __future__ import annotations

import io
import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from countersign import accounts, messages
from countersign.carriers import topics
from countersign_cli.site_folder import site_account_key
from countersign_gateway import config
from countersign_gateway.app import Gateway
from countersign_gateway.config import Endpoint
from countersign_gateway.operations.log import EventLog
from countersign_gateway.statements.keys import create_key_file
from countersign_workshop.simulation.simulated_device import SimulatedDevice

SITE = "site-1"
PATIENCE_S = 20.0


def settings(
    broker: Endpoint | None,
    beacon_interval_s: float = 60.0,
    lines: str = "",
    allow_emulated: bool = True,
    mqtt: str = "",
    policy: str = 'enrolment = "open"',
) -> str:
    """A gateway.toml for a broker, or for the own one on a free port, and serial lines."""
    where = "own" if broker is None else f"mqtt://{broker.host}:{broker.port}"
    return f"""
[site]
name = "{SITE}"
[gateway]
key_file = "gateway.key"
[ingress.mqtt]
broker = "{where}"
listen = "127.0.0.1:0"
site_account_key_file = "site_account.key"
{mqtt}
{lines}
[verification]
beacon_interval_s = {beacon_interval_s}
[registry]
device_bytes_per_day = 1000000000000
[policy]
allow_emulated = {str(allow_emulated).lower()}
owner = "0x{"0a" * 20}"
{policy}
"""


class RunningSite:
    def __init__(self, gateway: Gateway, address: Endpoint, log: io.StringIO) -> None:
        self.gateway = gateway
        self.address = address
        self.log = log
        self.site_account_key: bytes | None = None  # with the own broker

    def connect(self, device: SimulatedDevice) -> ConnectedDevice:
        """A simulated device at this site's broker."""
        return ConnectedDevice(self.address, device, self.site_account_key)

    def connects(self, device: SimulatedDevice, by_lobby: bool = True) -> bool:
        """Whether the own broker lets a device in now, by its own account or by the lobby's."""
        assert self.site_account_key is not None
        key = self.site_account_key
        lobby = (accounts.lobby_username(device.device_id), accounts.lobby_password(key, SITE))
        if self._lets_in(*device.broker_account(key, SITE)):
            return True
        return by_lobby and self._lets_in(*lobby)

    def _lets_in(self, username: str, password: str) -> bool:
        answers: queue.Queue[bool] = queue.Queue()
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        client.username_pw_set(username, password)
        client.on_connect = lambda _client, _data, _flags, code, _: answers.put(not code.is_failure)
        client.connect(self.address.host, self.address.port)
        client.loop_start()
        try:
            return answers.get(timeout=PATIENCE_S)
        finally:
            client.disconnect()
            client.loop_stop()

    def agent_account(self) -> dict[str, str]:
        """What an agent's settings need for the broker beside its address."""
        key = self.site_account_key
        return {} if key is None else {"site_account_key": key.hex()}

    def watcher(self) -> tuple[str, str]:
        """Name and password of the account that reads everything at the own broker."""
        folder = self.gateway._config.registry_path.with_name("broker")
        return "watcher", (folder / "watcher.password").read_text().strip()

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if line["event"] == name]


@contextmanager
def running_site(folder: Path, broker: Endpoint | None, **changes: Any) -> Iterator[RunningSite]:
    for name in ("gateway.key", "site_account.key"):
        if not (folder / name).exists():
            create_key_file(folder / name)
    log = io.StringIO()
    gateway = Gateway(config.parse(settings(broker, **changes), folder), EventLog(log))
    ticking = threading.Event()
    ticker = threading.Thread(target=_tick, args=(gateway, ticking), daemon=True)
    try:
        gateway.gate.window.open(60, "a test", 1000)  # of no effect unless the policy is "open"
        assert gateway.start(), log.getvalue()
        ticker.start()
        (ready,) = [json.loads(x) for x in log.getvalue().splitlines() if "gateway_ready" in x]
        site = RunningSite(gateway, Endpoint(ready["host"], ready["port"]), log)
        if broker is None:
            site.site_account_key = site_account_key(folder / "site_account.key")
        yield site
    finally:
        ticking.set()
        if ticker.is_alive():
            ticker.join()
        gateway.stop()


def _tick(gateway: Gateway, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        gateway.tick()


class ConnectedDevice:
    """A simulated device on a broker. `exchange` sends one message and returns the answer to it.

    site_account_key: the device uses the site's own accounts, as the agent does: its own, or the
    lobby's while the site does not know it. None: a broker that lets everybody in.
    """

    def __init__(
        self,
        address: Endpoint,
        device: SimulatedDevice,
        site_account_key: bytes | None = None,
        site: str = SITE,
    ) -> None:
        self.device = device
        self._address = address
        self._site_account_key = site_account_key
        self._site = site
        self._name = accounts.username(device.device_id)
        self.beacon = b""
        self._answers: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._beacon_arrived = threading.Event()
        self._subscribed = threading.Event()
        self._refused = False
        if site_account_key is None:
            assert self._open(None, None)
        else:
            self._enter(site_account_key)

    def _enter(self, site_account_key: bytes) -> None:
        """Connect by either account; the broker may get to know of it a moment later."""
        device_id = self.device.device_id
        lobby = (
            accounts.lobby_username(device_id),
            accounts.lobby_password(site_account_key, self._site),
        )
        own = self.device.broker_account(site_account_key, self._site)
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            for account in (own, lobby):
                self._name = account[0]
                if self._open(*account):
                    return
            assert time.monotonic() < deadline_s, "the broker lets this device in by no account"
            time.sleep(0.1)

    def _open(self, username: str | None, password: str | None) -> bool:
        """Connect with this account. False if the broker refuses it."""
        self._refused = False
        self._subscribed.clear()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        self._client.username_pw_set(username, password)
        self._client.on_message = self._message
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect(self._address.host, self._address.port)
        self._client.loop_start()
        assert self._subscribed.wait(PATIENCE_S)
        if self._refused:
            self.close()
        return not self._refused

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def enrol(self) -> str:
        kind, challenge = self.exchange(self.device.request(), "enrol")
        if kind != "challenge":
            return reason_of(challenge)
        reason = reason_of(self.exchange(self.device.proof(challenge), "enrol")[1])
        if reason == "ACCEPTED" and self._name.startswith(accounts.LOBBY):
            self.use_own_account()
        return reason

    def use_own_account(self) -> None:
        """Leave the lobby. Waits until the broker has the account."""
        assert self._site_account_key is not None
        self.close()
        self._name = accounts.username(self.device.device_id)
        deadline_s = time.monotonic() + PATIENCE_S
        while not self._open(*self.device.broker_account(self._site_account_key, self._site)):
            assert time.monotonic() < deadline_s, "no account for a device that enrolled"
            time.sleep(0.05)

    def check_in(self, **changes: Any) -> str:
        assert self._beacon_arrived.wait(PATIENCE_S)
        return reason_of(self.exchange(self.device.evidence(self.beacon, **changes))[1])

    def exchange(self, payload: bytes, kind: str = "evidence") -> tuple[str, bytes]:
        self.send(payload, kind)
        return self.answer_to(payload)

    def send(self, payload: bytes, kind: str = "evidence") -> None:
        topic = topics.of_account(self._site, self._name, f"up/{kind}")
        self._client.publish(topic, payload, qos=1)

    def answer_to(self, payload: bytes) -> tuple[str, bytes]:
        subject = messages.digest(payload)
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            kind, answer = self._answers.get(timeout=max(0.01, deadline_s - time.monotonic()))
            fields = messages.open_message(answer).fields
            if fields.get("subject", subject) == subject:
                return kind, answer

    def wait_for_beacon(self, not_this: bytes = b"") -> bytes:
        deadline_s = time.monotonic() + PATIENCE_S
        while self.beacon in (b"", not_this):
            assert time.monotonic() < deadline_s, "no new beacon"
            time.sleep(0.01)
        return self.beacon

    def _connected(self, client: paho.Client, _data: Any, _flags: Any, code: Any, *_: Any) -> None:
        if code.is_failure:
            self._refused = True
            self._subscribed.set()
            return
        down = topics.of_account(self._site, self._name, "down/+")
        client.subscribe([(down, 1), (topics.beacon(self._site), 1)])

    def _message(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        if message.topic == topics.beacon(self._site):
            self.beacon = messages.open_message(bytes(message.payload)).fields["beacon"]
            self._beacon_arrived.set()
        else:
            self._answers.put((message.topic.rsplit("/", 1)[1], bytes(message.payload)))


def reason_of(answer: bytes) -> str:
    from countersign import reasons

    name: str = reasons.NAMES[messages.open_message(answer).fields["reason"]]
    return name
