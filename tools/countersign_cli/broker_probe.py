"""One connection to a broker, for `countersign gateway check`: what no honest client does."""

from __future__ import annotations

import socket
import ssl
import time

from countersign_agent.transports import mqtt_codec
from countersign_agent.transports.transport import TransportError
from countersign_gateway.config import Endpoint

TIMEOUT_S = 5.0
Account = tuple[str, str]
Will = tuple[str, bytes]


class Probe:
    """Connects at once. `admitted`: whether the broker let this client in.

    OSError if the broker cannot be reached; ssl.SSLError is one.
    """

    def __init__(
        self,
        address: Endpoint,
        tls: ssl.SSLContext | None,
        client_id: str,
        account: Account | None,
        will: Will | None = None,
        keep_alive_s: int = 60,
    ) -> None:
        self._socket = socket.create_connection((address.host, address.port), TIMEOUT_S)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname=address.host)
        self._reader = mqtt_codec.PacketReader()
        self._number = 0
        self.is_open = True
        username, password = account if account is not None else (None, None)
        self.send(mqtt_codec.connect_packet(client_id, keep_alive_s, will, username, password))
        answer = self._packet(TIMEOUT_S)
        self.admitted = answer is not None and answer[0] == mqtt_codec.CONNACK and not answer[2][1]

    def send(self, packet: bytes) -> None:
        try:
            self._socket.sendall(packet)
        except OSError:
            self.is_open = False

    def publish(self, topic: str, payload: bytes) -> None:
        self.send(mqtt_codec.publish_packet(topic, payload, self._next(), False, False))

    def subscribe(self, *topics: str) -> None:
        self.send(mqtt_codec.subscribe_packet(self._next(), list(topics)))

    def heard(self, within_s: float, until: bytes | None = None) -> list[bytes]:
        """The payloads that come within the time, or until this one has come."""
        payloads: list[bytes] = []
        deadline_s = time.monotonic() + within_s
        while (left_s := deadline_s - time.monotonic()) > 0 and until not in payloads:
            packet = self._packet(left_s)
            if packet is None:
                break
            kind, flags, body = packet
            if kind == mqtt_codec.PUBLISH:
                payloads.append(mqtt_codec.read_publish(flags, body, True).payload or b"")
        return payloads

    def stays(self, within_s: float) -> bool:
        """Whether the connection is still open after the time."""
        self.heard(within_s)
        return self.is_open

    def drop(self) -> None:
        """End the connection without a word, so that the broker publishes the will."""
        self._socket.close()

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _packet(self, within_s: float) -> tuple[int, int, bytes] | None:
        deadline_s = time.monotonic() + within_s
        try:
            while (packet := self._reader.next()) is None:
                self._socket.settimeout(max(0.01, deadline_s - time.monotonic()))
                data = self._socket.recv(65536)
                if not data:
                    self.is_open = False
                    return None
                self._reader.feed(data)
        except TimeoutError:
            return None
        except (OSError, TransportError):
            self.is_open = False
            return None
        return packet[:3]
