"""Sends an answer back where its message came from, and a receipt where the last result went."""

from __future__ import annotations

from countersign.carriers import topics
from countersign_gateway.ingress.mqtt.mqtt_ingress import MqttIngress
from countersign_gateway.ingress.serial_lines.serial_ingress import SerialIngress
from countersign_gateway.model import Reply
from countersign_gateway.operations.log import EventLog

RECEIPT_TIMEOUT_S = 30.0


class BrokerAway(Exception):
    """No transport takes receipts now. The caller hands them out later."""


class DeviceOutlet:
    """Tries serial lines first, then MQTT. The transports are made later and attached to it.

    `send`, `flush` and `publish_beacon` may be called from any thread.
    """

    def __init__(self, site: str, log: EventLog) -> None:
        self._site = site
        self._log = log
        self._serial: SerialIngress | None = None
        self._mqtt: MqttIngress | None = None

    def attach_serial(self, serial: SerialIngress) -> None:
        self._serial = serial

    def attach_mqtt(self, mqtt: MqttIngress) -> None:
        self._mqtt = mqtt

    def send(self, reply: Reply) -> None:
        """Queue a reply until `flush`. A transport without room drops the reply."""
        if self._serial is not None and self._serial.send(reply):
            return
        if self._mqtt is not None:
            self._mqtt.send(reply)

    def flush(self) -> None:
        if self._serial is not None:
            self._serial.flush()
        if self._mqtt is not None:
            self._mqtt.flush()

    def send_receipt(self, receipt: Reply) -> None:
        """Send a receipt. Receipts come by the thousand and can wait, so results go before them.

        For one thread only. BrokerAway if no transport takes it within RECEIPT_TIMEOUT_S: its batch
        then stays without its mark, so that its receipts are handed out again later.
        """
        if self._serial is not None and self._serial.send(receipt):
            self._serial.flush()
        elif self._mqtt is not None and self._mqtt.send_paced(receipt, RECEIPT_TIMEOUT_S):
            self._mqtt.flush()
        else:
            raise BrokerAway("neither a line nor a broker takes receipts now")
        self._log.event("receipt_sent", device_id=receipt.device_id)

    def prepare_beacon(self, sealed: bytes) -> None:
        """Store a beacon for devices that ask on a serial line. The broker gets none yet."""
        if self._serial is not None:
            self._serial.publish_beacon(sealed)

    def publish_beacon(self, sealed: bytes) -> None:
        """Send a beacon to every device, and to those that connect before the next one."""
        if self._mqtt is not None:
            self._mqtt.publish(topics.beacon(self._site), sealed, retain=True)
            self._mqtt.flush()
        self.prepare_beacon(sealed)
