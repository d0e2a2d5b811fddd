"""The MQTT ingress: receives at QoS 1, and acknowledges only when the pipeline says so.

The session is persistent and acknowledgements are manual, so after a crash the broker delivers each
message again that the gateway has not made durable. The gateway does not trust the broker: every
message becomes an Envelope, and nothing in it is believed before it is verified.

One thread owns the connection and drives paho through its documented hooks for external loops
(`loop_read`, `loop_write`, `loop_misc`), so that a group of answers goes out in few system calls.
The packets of every check-in bypass paho: see express.py.
"""

from __future__ import annotations

import select
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

from countersign import messages, reasons
from countersign.carriers import kinds, topics
from countersign_gateway.config import Endpoint
from countersign_gateway.ingress.intake import Inlet
from countersign_gateway.ingress.mqtt import express
from countersign_gateway.ingress.mqtt.buffered_socket import BufferedSocket
from countersign_gateway.ingress.mqtt.inner_way import InnerWay
from countersign_gateway.ingress.mqtt.lobby import Lobby, NamedDevice
from countersign_gateway.ingress.mqtt.paho_client import CONNECT_TIMEOUT_S, PahoClient
from countersign_gateway.ingress.mqtt.topic_table import TopicTable
from countersign_gateway.ingress.reconnecting import Reconnecting
from countersign_gateway.model import Envelope, Reply
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.tally import Tally

KEEPALIVE_S = 30
BACKOFF_S = (0.1, 10.0)
MAX_UNWRITTEN = 8192  # replies at QoS 0 that the network has not taken yet
AT_MOST_ONCE = frozenset({"result", "error"})
MAX_PACED_OUT = 4096  # receipts that the broker has not acknowledged

# Answers a message that is never queued: (device_id or None, payload, reason).
RefuseEarly = Callable[[bytes | None, bytes, int], None]


class MqttIngress:
    """The connection to one broker. `start`, then `send`/`publish` from any thread, then `stop`."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        site: str,
        client_id: str,
        intake: Inlet,
        refuse_early: RefuseEarly,
        named_device: NamedDevice,
        log: EventLog,
        tally: Tally,
        username: str | None = None,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
        inner: Callable[[], InnerWay | None] | None = None,
        on_connected: Callable[[], None] = lambda: None,
    ) -> None:
        self._endpoint = endpoint
        self._site = site
        self._intake = intake
        self._refuse_early = refuse_early
        self._log = log
        self._tally = tally
        self._drop_lock = threading.Lock()
        self._on_connected = on_connected
        self._topics = TopicTable(site)
        self._lobby = Lobby(site, named_device)
        # Set while the broker takes messages. Packets enqueued on an older socket are lost.
        self._established: BufferedSocket | None = None
        self._paced: deque[paho.MQTTMessageInfo] = deque()
        self._pinged_s = 0.0
        self._connection = 0  # the number of the connection, noted with each delivery
        self._subscribed = threading.Event()
        self._reconnecting = Reconnecting("mqtt", self, BACKOFF_S)
        client = PahoClient(client_id, username, password, tls, inner)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed_to
        client.on_message = self._message
        self._client = client

    def start(self) -> None:
        self._reconnecting.start()

    def wait_ready(self, timeout_s: float, unless: threading.Event | None = None) -> bool:
        """Wait for the granted subscription. False after `timeout_s`, or once `unless` is set."""
        deadline_s = time.monotonic() + timeout_s
        while not self._subscribed.wait(0.1):
            if time.monotonic() >= deadline_s or (unless is not None and unless.is_set()):
                return False
        return True

    def stop(self) -> None:
        """Disconnect and end the thread. Anything not acknowledged will be delivered again."""
        self._reconnecting.stop(CONNECT_TIMEOUT_S + 5)

    def send(self, reply: Reply) -> None:
        """Queue a reply for its device until `flush`.

        Results and errors go at QoS 0 (decision 0007): they are dropped and counted while the
        broker is away or does not read. A challenge goes at QoS 1.
        """
        self._send_to(self._topics.downlink(reply), reply)
        in_lobby = self._lobby.topic(reply)
        if in_lobby is not None:
            self._send_to(in_lobby, reply)

    def _send_to(self, topic: bytes, reply: Reply) -> None:
        if reply.kind not in AT_MOST_ONCE:
            self._publish(topic.decode(), reply.payload, retain=False)
            return
        sock = self._established
        if sock is None or sock.waiting >= MAX_UNWRITTEN:
            self._drop(topic.decode())
        else:
            sock.enqueue(express.publish_qos0(topic, reply.payload))

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Queue a message that is not for one device alone."""
        self._publish(topic, payload, retain)

    def _publish(self, topic: str, payload: bytes, retain: bool) -> paho.MQTTMessageInfo:
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            self._drop(topic)
        return info

    def _drop(self, topic: str) -> None:
        # The pipeline's thread, the app's and the anchoring's send.
        with self._drop_lock:
            self._tally.unsent += 1
        self._log.event("reply_dropped", topic=topic)

    def _has_room(self) -> bool:
        while self._paced and self._paced[0].is_published():
            self._paced.popleft()
        return self._subscribed.is_set() and len(self._paced) < MAX_PACED_OUT

    def send_paced(self, reply: Reply, timeout_s: float) -> bool:
        """As `send`, for replies that come in masses and can wait. It never fills the queue.

        False, and the reply is not sent, if the broker is away or takes no more within the time.
        For one thread only.
        """
        deadline_s = time.monotonic() + timeout_s
        while not self._has_room():
            if self._reconnecting.stopping or time.monotonic() > deadline_s:
                return False
            time.sleep(0.02)
        info = self._publish(self._topics.downlink(reply).decode(), reply.payload, retain=False)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            return False
        self._paced.append(info)
        return True

    def flush(self) -> None:
        """Make the network thread send the queued packets."""
        self._reconnecting.wake()

    # The network thread ----------------------------------------------------------------------

    def serve(self) -> None:
        """Carry one connection from its beginning to its end: see Reconnecting."""
        self._client.connect(self._endpoint.host, self._endpoint.port, KEEPALIVE_S)
        try:
            self._serve_connection()
        finally:
            self._established = None

    def has_worked(self) -> bool:
        worked = self._subscribed.is_set()
        self._subscribed.clear()
        return worked

    def note_lost(self, error: OSError) -> None:
        self._log.event("broker_unreachable", error=type(error).__name__)

    def note_fault(self, error: Exception) -> None:
        self._log.fault("connection_fault", error)

    def _serve_connection(self) -> None:
        client = self._client
        sock = client.buffered_socket()
        if sock is None:
            return
        pipe = self._reconnecting.pipe
        poller = select.poll()
        poller.register(pipe.fileno(), select.POLLIN)
        wanted = -1
        status = MQTTErrorCode.MQTT_ERR_SUCCESS
        while status == MQTTErrorCode.MQTT_ERR_SUCCESS and sock.fileno() >= 0:
            if self._reconnecting.stopping:
                client.disconnect()
            # paho writes into the buffer, and one flush sends it.
            if client.want_write():
                status = client.loop_write()
            if sock.fileno() < 0:
                return
            sock.flush()
            interest = select.POLLIN | (select.POLLOUT if sock.unsent else 0)
            if interest != wanted:
                poller.register(sock.fileno(), interest)
                wanted = interest
            ready = dict(poller.poll(1000))
            if pipe.fileno() in ready:
                pipe.drain()
            if ready.get(sock.fileno(), 0) & ~select.POLLOUT:
                status = self._read(client, sock)
            if ready and sock.discarding:
                self._ping_meanwhile(sock)
            elif not ready or status == MQTTErrorCode.MQTT_ERR_SUCCESS:
                client.loop_misc()

    def _read(self, client: paho.Client, sock: BufferedSocket) -> MQTTErrorCode:
        """Read what has arrived: QoS 1 messages by the express lane, other packets by paho."""
        sock.fill()
        status = MQTTErrorCode.MQTT_ERR_SUCCESS
        while status == MQTTErrorCode.MQTT_ERR_SUCCESS:
            if sock.granted == 0:
                self._take_deliveries(sock)
            if sock.pending() == 0 and not sock.ended:
                break
            status = client.loop_read()
        return status

    def _take_deliveries(self, sock: BufferedSocket) -> None:
        while True:
            data, position = sock.arrived()
            deliveries, position, size = express.read_deliveries(data, position)
            sock.consume(position)
            self._deliver_all(sock, deliveries)
            if size:
                express.refuse_qos2(data[position])
            if size <= express.MAX_PACKET_BYTES:
                sock.grant(size)
                return
            head = express.oversized_head(data, position, size)
            if head is None:
                return
            self._pass_over(sock, head, size)
            if sock.discarding:
                return

    def _pass_over(self, sock: BufferedSocket, head: tuple[bytes, bytes], size: int) -> None:
        """Refuse a message by the size in its header: no byte of it is kept, nothing answers it.

        It is acknowledged, so that the broker does not deliver it again at the next connection.
        """
        topic, packet_id = head
        device_id, kind = self._topics.sender(topic)
        self._pinged_s = time.monotonic()
        self._tally.oversized += 1
        self._log.event("oversized_dropped", device_id=device_id, kind=kind, bytes=size)

        def discarded() -> None:
            if packet_id:
                sock.enqueue(express.puback(packet_id))

        sock.discard(size, discarded)

    def _ping_meanwhile(self, sock: BufferedSocket) -> None:
        """Keep the connection while a large packet arrives: the answer to paho's ping is behind it.

        paho watches over the connection again when the packet is over, or when it stops coming.
        """
        now_s = time.monotonic()
        if now_s - self._pinged_s >= KEEPALIVE_S / 3:
            self._pinged_s = now_s
            sock.enqueue(express.PINGREQ)

    def _deliver_all(self, sock: BufferedSocket, deliveries: list[express.Delivery]) -> None:
        for topic, packet_id, payload in deliveries:
            # The acknowledgement goes to the connection of the delivery. On a later connection the
            # same packet identifier may name another message, which may not be durable.
            acknowledge = partial(sock.enqueue, express.puback(packet_id))
            self._deliver(topic, payload, acknowledge)

    # paho's callbacks, on the network thread -------------------------------------------------

    def _connected(
        self, client: paho.Client, _userdata: Any, _flags: Any, code: Any, _properties: Any
    ) -> None:
        if code.is_failure:
            self._log.event("broker_refused", code=str(code))
            return
        self._connection += 1
        self._established = self._client.buffered_socket()
        client.subscribe(topics.uplink_filter(self._site), qos=1)

    def _subscribed_to(
        self, client: paho.Client, _userdata: Any, _mid: int, codes: Any, _properties: Any
    ) -> None:
        if any(code.is_failure for code in codes):
            self._log.event("subscription_refused")
            client.disconnect()
            return
        self._log.event("broker_connected", host=self._endpoint.host, port=self._endpoint.port)
        self._subscribed.set()
        self._on_connected()

    def _disconnected(
        self, _client: paho.Client, _userdata: Any, _flags: Any, code: Any, _properties: Any
    ) -> None:
        self._log.event("broker_disconnected", code=str(code))

    def _message(self, client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic.encode()
        except UnicodeDecodeError:
            topic = b""
        mid, qos, connection = message.mid, message.qos, self._connection
        self._deliver(
            topic, bytes(message.payload), lambda: self._acknowledge(mid, qos, connection)
        )

    def _deliver(self, topic: bytes, payload: bytes, acknowledge: Callable[[], None]) -> None:
        device_id, kind = self._topics.sender(topic)
        account = None
        if device_id is not None:
            self._lobby.left(device_id)
        elif (account := self._lobby.account_of(topic)) is not None:
            device_id, kind = self._lobby.sender(account, payload), kinds.ENROL.name
        # The size comes first: an oversized message is neither read nor queued.
        if len(payload) > messages.MAX_MESSAGE_BYTES:
            self._tally.oversized += 1
            self._refuse_early(device_id, payload, reasons.OVERSIZED)
            acknowledge()
        elif not self._intake.put(Envelope(device_id, kind, payload, acknowledge, account=account)):
            self._tally.shed += 1
            self._refuse_early(device_id, payload, reasons.BUSY)
            acknowledge()

    def _acknowledge(self, mid: int, qos: int, connection: int) -> None:
        # A packet identifier belongs to its connection. On a later one it may name another
        # message, which may not be durable.
        if connection == self._connection:
            self._client.ack(mid, qos)
