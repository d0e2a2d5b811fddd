"""paho with our socket. Only this file uses private names of paho.

`_create_socket`, `_create_socket_connection` and `_out_packet` are not paho's public interface.
paho has no public way to set its socket. With paho alone the gateway verified 4,500 to 5,100 proofs
a second; with this socket and the express lane that it allows, 7,100 to 8,300 (decisions 0012 and
0014). The version is pinned: paho-mqtt 2.2, in pyproject.toml and constraints.txt. A test in
tests/gateway names the file and the decision if a private name is gone.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from countersign_gateway.ingress.mqtt.buffered_socket import BufferedSocket
from countersign_gateway.ingress.mqtt.inner_way import InnerWay

CONNECT_TIMEOUT_S = 5.0
MAX_QUEUED_OUT = 16384  # not yet acknowledged by the broker; further ones are dropped and counted
# Of paho's packets, those among them, that the socket did not take. A broker that asks for answers
# and reads none is left.
MAX_UNWRITTEN = 2 * MAX_QUEUED_OUT


class PahoClient(paho.Client):
    """An MQTT 3.1.1 client with a persistent session and manual acknowledgements."""

    def __init__(
        self,
        client_id: str,
        username: str | None,
        password: str | None,
        tls: ssl.SSLContext | None = None,
        inner: Callable[[], InnerWay | None] | None = None,
    ) -> None:
        """inner: says at each connection the way into the own broker; None while that is away."""
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=paho.MQTTv311,
            manual_ack=True,
        )
        self.connect_timeout = CONNECT_TIMEOUT_S
        self._tls = tls
        self._inner = inner
        # A limit on messages in flight makes paho walk through its queue at each acknowledgement.
        # The limit on queued messages, which includes those in flight, does not.
        self.max_inflight_messages_set(0)
        self.max_queued_messages_set(MAX_QUEUED_OUT)
        if username is not None:
            self.username_pw_set(username, password)
        # Tells paho that an external loop runs it; a wake-up makes that loop write.
        self.on_socket_register_write = lambda *_: None

    def buffered_socket(self) -> BufferedSocket | None:
        """The socket of the present connection; None without a connection."""
        found = self.socket()
        return found if isinstance(found, BufferedSocket) else None

    def loop_write(self) -> MQTTErrorCode:
        """As paho's. ConnectionError if the broker leaves too much unread."""
        if len(self._out_packet) > MAX_UNWRITTEN:
            raise ConnectionError("the broker does not read")
        return super().loop_write()

    def _create_socket(self) -> Any:
        if self._inner is not None:
            way = self._inner()
            if way is None:
                raise ConnectionRefusedError("the site's own broker does not run")
            self.username_pw_set(way.username, way.password)
            return BufferedSocket(way.connect(CONNECT_TIMEOUT_S))
        raw = self._create_socket_connection()
        if self._tls is not None:
            # The handshake ends within the timeout of the connection, or fails.
            raw = self._tls.wrap_socket(raw, server_hostname=self.host)
        return BufferedSocket(raw)
