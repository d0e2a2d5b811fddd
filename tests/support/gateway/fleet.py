"""Many simulated devices on one connection that send continually and note every answer."""

from __future__ import annotations

import threading
import time
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from countersign import messages
from countersign.carriers import topics
from countersign_workshop.simulation.simulated_device import SimulatedDevice


class Fleet:
    """`enrol`, then `start` sending; `results` holds every verdict by device and subject."""

    def __init__(self, host: str, port: int, site: str, gateway_id: bytes, devices: int) -> None:
        self._site = site
        self.devices = [SimulatedDevice.named(f"fleet-{n}", gateway_id) for n in range(devices)]
        self.sent: dict[bytes, tuple[bytes, bytes]] = {}  # subject → (device_id, message)
        self.results: dict[bytes, bytes] = {}  # subject → the first result message
        self.errors: list[tuple[bytes, int]] = []  # (subject, reason)
        self._challenges: dict[bytes, bytes] = {}
        self._beacon: bytes | None = None
        self._arrived = threading.Condition()
        self._stopping = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, "fleet", clean_session=False, protocol=paho.MQTTv311
        )
        self._client.on_connect = self._connected
        self._client.on_message = self._message
        self._client.connect(host, port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._send_all_the_time, daemon=True)

    def enrol(self, timeout_s: float = 60.0) -> None:
        """Enrol every device. It repeats a request until a challenge comes. TimeoutError."""
        deadline_s = time.monotonic() + timeout_s
        for device in self.devices:
            while device.device_id not in self._challenges:
                if time.monotonic() > deadline_s:
                    raise TimeoutError("no challenge from the gateway")
                self._publish(device, "enrol", device.request())
                self._wait(lambda key=device.device_id: key in self._challenges, 2.0)
            proof = device.proof(self._challenges[device.device_id])
            subject = self._publish(device, "enrol", proof)
            if not self._wait(lambda key=subject: key in self.results, 20.0):
                raise TimeoutError("no result for an enrolment")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop sending, then wait a second for answers that are on their way."""
        self._stopping.set()
        self._thread.join()
        time.sleep(1.0)
        self._client.disconnect()
        self._client.loop_stop()

    def wait_for_results(self, more: int, timeout_s: float) -> bool:
        """Wait for `more` further results. False if they do not arrive within the time."""
        wanted = len(self.results) + more
        return self._wait(lambda: len(self.results) >= wanted, timeout_s)

    def _send_all_the_time(self) -> None:
        while not self._stopping.is_set():
            for device in self.devices:
                if self._beacon is not None:
                    self._publish(device, "evidence", device.evidence(self._beacon))
            time.sleep(0.01)

    def _publish(self, device: SimulatedDevice, kind: str, payload: bytes) -> bytes:
        subject = messages.digest(payload)
        with self._arrived:
            self.sent[subject] = (device.device_id, payload)
        self._client.publish(topics.uplink(self._site, device.device_id, kind), payload, qos=1)
        return subject

    def _wait(self, holds: Any, timeout_s: float) -> bool:
        with self._arrived:
            return bool(self._arrived.wait_for(holds, timeout_s))

    def _connected(self, client: paho.Client, *_: Any) -> None:
        client.subscribe(f"{topics.ROOT}{self._site}/+/down/+", qos=1)
        client.subscribe(topics.beacon(self._site), qos=1)

    def _message(self, _client: paho.Client, _userdata: Any, received: paho.MQTTMessage) -> None:
        message = messages.open_message(received.payload)
        fields = message.fields
        with self._arrived:
            if message.type == messages.BEACON:
                self._beacon = fields["beacon"]
            elif message.type == messages.ENROL_CHALLENGE:
                self._challenges[fields["device_id"]] = received.payload
            elif message.type == messages.ATTESTATION_RESULT:
                self.results.setdefault(fields["subject"], received.payload)
            elif message.type == messages.ERROR:
                self.errors.append((fields["subject"], fields["reason"]))
            self._arrived.notify_all()
