"""A client of MQTT 3.1.1 (decision 0002).

The broker keeps the session (clean session 0), so that receipts wait for a device that is away.
After a reconnect the client sends every unacknowledged message again: with DUP under its old
identifier if the broker kept the session (4.4), as a new message if it did not.
"""

from countersign_agent.transports import mqtt_codec as codec
from countersign_agent.transports.transport import TransportError

MAX_UNACKNOWLEDGED = 8
RESPONSE_TIMEOUT_MS = 10000


class MqttClient:
    """One session with a broker. Every method but `close` raises TransportError if it is lost.

    open_stream(timeout_ms): a fresh connection with tcp_stream.TcpStream's methods.
    clock: now_ms(). client_id: stable for this device, unique on the broker.
    """

    def __init__(
        self, open_stream, clock, client_id, keep_alive_s=30, username=None, password=None
    ):
        self._open_stream = open_stream
        self._clock = clock
        self._client_id = client_id
        self._keep_alive_s = keep_alive_s
        self._username = username
        self._password = password
        self._packet_id = 0
        self._unacknowledged = []  # [packet_id, topic, payload, retain, sent_ms], oldest first
        self._stream = None
        self._forget_connection()

    def connect(self, will: tuple) -> None:
        """Connect. The broker publishes the will, (topic, payload), retained, if the session ends
        without `close`. Without a will (None) the broker keeps no session."""
        self._drop()
        self._stream = self._open_stream(RESPONSE_TIMEOUT_MS)
        try:
            self._connect(will)
        except TransportError:
            self._drop()
            raise

    def subscribe(self, topics: list) -> None:
        """Subscribe to a list of topic filters at QoS 1. `poll` raises if the broker refuses."""
        # This does not wait for the SUBACK. A broker that kept the session sends its queued
        # messages first, and `poll` must read those. `poll` sees the SUBACK or its absence.
        packet_id = self._next_packet_id()
        self._send(codec.subscribe_packet(packet_id, topics))
        self._subscribing.append((packet_id, len(topics), self._clock.now_ms()))

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Publish at QoS 1, and send again until the broker acknowledges. At most 8 are kept."""
        if self._stream is None:
            raise TransportError("not connected")
        if len(self._unacknowledged) >= MAX_UNACKNOWLEDGED:
            # Connections kept breaking before any acknowledgement. The newest messages matter.
            self._unacknowledged.pop(0)
        # The message is kept before it is sent, so the next connection sends it after a failure.
        entry = [self._next_packet_id(), topic, payload, retain, self._clock.now_ms()]
        self._unacknowledged.append(entry)
        self._send(codec.publish_packet(topic, payload, entry[0], retain, False))

    def poll(self, timeout_ms: int) -> tuple:
        """The next message as (topic, payload), or None; payload None for one that is too long."""
        # Only now has the caller dealt with the last message. Before, a reset must bring it again.
        self._acknowledge()
        deadline_ms = self._clock.now_ms() + timeout_ms
        while True:
            packet = self._packet(deadline_ms)
            if packet is None:
                return None
            kind, flags, body, whole = packet
            try:
                if kind == codec.PUBLISH:
                    message = codec.read_publish(flags, body, whole)
                    self._to_acknowledge = message.packet_id
                    return message.topic, message.payload
                self._control(kind, body)
            except codec.MqttError:
                self._drop()
                raise
            if self._clock.now_ms() >= deadline_ms:
                return None

    def close(self) -> None:
        if self._stream is not None:
            try:
                self._acknowledge()
                self._send(codec.DISCONNECT_PACKET)
            except TransportError:
                return  # the session is lost already, so there is nothing to close
        self._drop()

    def _connect(self, will):
        packet = codec.connect_packet(
            self._client_id, self._keep_alive_s, will, self._username, self._password
        )
        self._send(packet)
        now_ms = self._clock.now_ms()
        for entry in self._unacknowledged:
            entry[4] = now_ms
        packet = self._packet(now_ms + RESPONSE_TIMEOUT_MS)
        if packet is None:
            self._fail("no CONNACK")
        if packet[0] != codec.CONNACK:
            self._fail("the first packet is no CONNACK")
        session_present = codec.read_connack(packet[2])
        for entry in self._unacknowledged:
            if not session_present:
                entry[0] = self._next_packet_id()
            self._send(
                codec.publish_packet(entry[1], entry[2], entry[0], entry[3], session_present)
            )

    def _control(self, kind, body):
        if kind == codec.PUBACK:
            packet_id = codec.read_packet_id(body)
            self._unacknowledged = [e for e in self._unacknowledged if e[0] != packet_id]
        elif kind == codec.SUBACK and self._subscribing:
            expected_id, count, _ = self._subscribing.pop(0)
            if codec.read_suback(body, count) != expected_id:
                raise codec.MqttError("SUBACK for another SUBSCRIBE")
        elif kind == codec.PINGRESP and not body:
            pass  # it says only that the broker is there, which `_packet` has noted
        else:
            raise codec.MqttError("unexpected packet, type " + str(kind))

    def _packet(self, deadline_ms):
        """The next packet before the deadline, or None. This keeps the connection alive."""
        if self._stream is None:
            raise TransportError("not connected")
        while True:
            try:
                packet = self._reader.next()
                if packet is not None:
                    return packet
                data = self._stream.read_some()
            except TransportError:
                self._drop()
                raise
            now_ms = self._clock.now_ms()
            if data:
                self._heard_ms = now_ms
                self._pinged_ms = None
                self._reader.feed(data)
                continue
            if now_ms >= deadline_ms:
                return None
            self._keep_alive(now_ms)
            # Wake for the deadline, and at least often enough to ping in time.
            self._stream.wait_readable(min(deadline_ms - now_ms, self._keep_alive_s * 250))

    def _keep_alive(self, now_ms):
        if self._pinged_ms is not None and now_ms - self._pinged_ms >= RESPONSE_TIMEOUT_MS:
            self._fail("the broker does not answer a ping")
        if self._subscribing and now_ms - self._subscribing[0][2] >= RESPONSE_TIMEOUT_MS:
            self._fail("the broker does not answer a SUBSCRIBE")
        if self._unacknowledged and now_ms - self._unacknowledged[0][4] >= RESPONSE_TIMEOUT_MS:
            self._fail("the broker does not acknowledge")
        # The client pings if either side was quiet for half the interval: each must hear the other.
        quiet_ms = self._keep_alive_s * 500
        if self._pinged_ms is None and now_ms - min(self._sent_ms, self._heard_ms) >= quiet_ms:
            self._send(codec.PINGREQ_PACKET)
            self._pinged_ms = now_ms

    def _acknowledge(self):
        if self._to_acknowledge is not None:
            packet_id, self._to_acknowledge = self._to_acknowledge, None
            self._send(codec.puback_packet(packet_id))

    def _send(self, packet):
        if self._stream is None:
            raise TransportError("not connected")
        try:
            self._stream.write_all(packet, RESPONSE_TIMEOUT_MS)
        except TransportError:
            self._drop()
            raise
        self._sent_ms = self._clock.now_ms()

    def _next_packet_id(self):
        taken = [entry[0] for entry in self._unacknowledged]
        while True:
            self._packet_id = self._packet_id % 0xFFFF + 1
            if self._packet_id not in taken:
                return self._packet_id

    def _fail(self, why):
        self._drop()
        raise TransportError(why)

    def _drop(self):
        stream, self._stream = self._stream, None
        self._forget_connection()
        if stream is not None:
            stream.close()

    def _forget_connection(self):
        now_ms = self._clock.now_ms()
        self._reader = codec.PacketReader()
        self._subscribing = []  # (packet_id, filters, sent_ms), oldest first
        self._to_acknowledge = None
        self._sent_ms = now_ms
        self._heard_ms = now_ms
        self._pinged_ms = None
