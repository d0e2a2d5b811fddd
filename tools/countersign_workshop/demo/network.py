"""An attacker on the network: it sees every message, replays one, and claims to be another device.

The broker is trusted with nothing, so the attacker gets everything that a broker has: it reads
every topic, and may use every account. It has keys of its own, and no device's.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from countersign import accounts, messages
from countersign.carriers import topics
from countersign_workshop.child_processes.events import Stuck
from countersign_workshop.simulation.simulated_device import SimulatedDevice

Account = tuple[str, str]  # name and password

TRIES = 6
ANSWER_S = 4.0


class Attacker:
    """An attacker who has taken the broker over.

    watcher: the account that reads all topics of the site. victim: the account that it speaks by.
    """

    def __init__(self, host: str, port: int, site: str, watcher: Account, victim: Account) -> None:
        self._address = (host, port)
        self._site = site
        self._victim = victim
        self._seen: list[tuple[str, bytes]] = []
        self._arrived = threading.Condition()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        self._client.username_pw_set(*watcher)
        self._client.on_connect = self._connected
        self._client.on_message = self._message
        self._client.connect(host, port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def captured(self, device_id: bytes, kind: str) -> list[bytes]:
        """The messages of that kind on the device's uplink, oldest first."""
        wanted = topics.uplink(self._site, device_id, kind)
        with self._arrived:
            return [payload for topic, payload in self._seen if topic == wanted]

    def replay(self, device_id: bytes, payload: bytes) -> int:
        """Send captured evidence again. Returns the reason of the gateway's refusal."""
        topic = topics.uplink(self._site, device_id, "evidence")
        return self._refusal_of(topic, device_id, payload)

    def claim(self, device_id: bytes, gateway_id: bytes) -> int:
        """Ask to be enrolled as `device_id` with a key of our own. Returns the refusal's reason."""
        impostor = SimulatedDevice(secrets.token_bytes(32), gateway_id)
        request = impostor.request(secrets.token_bytes(32), device_id=device_id)
        topic = topics.uplink(self._site, device_id, "enrol")
        return self._refusal_of(topic, device_id, request)

    def may_join(self, gateway_id: bytes, site_account_key: bytes) -> bool:
        """Whether a device of our own, which nobody admitted, may so much as connect."""
        stranger = SimulatedDevice(secrets.token_bytes(32), gateway_id)
        lobby = (
            accounts.lobby_username(stranger.device_id),
            accounts.lobby_password(site_account_key, self._site),
        )
        own = stranger.broker_account(site_account_key, self._site)
        return any(self._connects(account) for account in (own, lobby))

    def _connects(self, account: Account) -> bool:
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        client.username_pw_set(*account)
        answers: list[bool] = []
        answered = threading.Event()

        def connected(_client: paho.Client, _data: Any, _flags: Any, code: Any, _: Any) -> None:
            answers.append(not code.is_failure)
            answered.set()

        client.on_connect = connected
        client.connect(*self._address)
        client.loop_start()
        answered.wait(ANSWER_S)
        client.disconnect()
        client.loop_stop()
        return not answers or answers[0]

    def _refusal_of(self, topic: str, device_id: bytes, payload: bytes) -> int:
        """The reason of the refusal.

        The gateway may hold an answer back, or send it to the device's own line if the device is
        heard at the same moment. The attacker then sends the message again.
        """
        for _ in range(TRIES):
            reason = self._answer_to(topic, device_id, payload)
            if reason is not None:
                return reason
        raise Stuck(f"the gateway did not refuse a message that was sent {TRIES} times")

    def _answer_to(self, topic: str, device_id: bytes, payload: bytes) -> int | None:
        subject = messages.digest(payload)
        error_topic = topics.downlink(self._site, device_id, "error")
        with self._arrived:
            start = len(self._seen)
        self._say(topic, payload)
        deadline_s = time.monotonic() + ANSWER_S
        with self._arrived:
            while time.monotonic() < deadline_s:
                for seen_topic, seen in self._seen[start:]:
                    if seen_topic == error_topic:
                        fields = messages.open_message(seen).fields
                        if fields["subject"] == subject:
                            return int(fields["reason"])
                self._arrived.wait(0.25)
        return None

    def _say(self, topic: str, payload: bytes) -> None:
        """Publish by the victim's account. The broker ends the victim's own connection for it."""
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        client.username_pw_set(*self._victim)
        connected = threading.Event()
        client.on_connect = lambda *_: connected.set()
        client.connect(*self._address)
        client.loop_start()
        if connected.wait(ANSWER_S):
            # The victim may come back at any moment and end this connection.
            with contextlib.suppress(RuntimeError):
                client.publish(topic, payload, qos=1).wait_for_publish(ANSWER_S)
        client.disconnect()
        client.loop_stop()

    def _connected(self, client: paho.Client, *_: Any) -> None:
        client.subscribe(f"{topics.ROOT}{self._site}/#", qos=1)

    def _message(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        with self._arrived:
            self._seen.append((message.topic, bytes(message.payload)))
            self._arrived.notify_all()
