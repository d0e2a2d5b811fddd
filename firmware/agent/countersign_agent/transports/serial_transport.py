"""The transport over a serial line, without a broker (PROTOCOL.md, section 11).

A line has no presence. The transport sends unacknowledged messages again over a new connection, and
skips messages for other devices on the line.
"""

from countersign.carriers import framing
from countersign.carriers.link import WINDOW, Link
from countersign.tagged import tagged_sha256
from countersign_agent.transports.transport import TransportError

MAX_UNACKNOWLEDGED = WINDOW
# Time for four tries of a message (link.py). After that the fault is the line's.
RESPONSE_TIMEOUT_MS = 15000
PING_EVERY_MS = 2000
# A gateway stops sending a minute after the last frame that it heard.
QUIET_MOST_MS = 30000


def session_number(device_id: bytes, boot_count: int) -> int:
    """A number that this device has not used before, and that no other device on its line uses."""
    digest = tagged_sha256("countersign/line-session/1", device_id, boot_count.to_bytes(8, "big"))
    return int.from_bytes(digest[:4], "big")


class SerialTransport:
    """Keeps the contract of transport.py.

    open_stream(timeout_ms): a fresh connection with tcp_stream.TcpStream's methods.
    clock: now_ms(). session: see session_number.
    """

    def __init__(self, open_stream, clock, device_id, session, bits_per_s=115200, keep_alive_s=30):
        self._open_stream = open_stream
        self._clock = clock
        self._device_id = device_id
        self._quiet_ms = min(keep_alive_s * 500, QUIET_MOST_MS)
        self._link = Link(session, framing.FROM_GATEWAYS, bits_per_s, MAX_UNACKNOWLEDGED)
        self._stream = None
        self._to_acknowledge = None
        self._pinged_ms = 0

    def connect(self) -> None:
        """Open the line. Raises TransportError unless the other side answers a ping."""
        self._drop()
        self._stream = self._open_stream(RESPONSE_TIMEOUT_MS)
        now_ms = self._clock.now_ms()
        self._link.reconnected(now_ms)
        deadline_ms = now_ms + RESPONSE_TIMEOUT_MS
        first = self._ping(now_ms)
        while self._link.ponged is None or self._link.ponged < first:
            received = self._exchange()
            now_ms = self._clock.now_ms()
            if now_ms >= deadline_ms:
                self._fail("nobody answers on the line")
            if now_ms - self._pinged_ms >= PING_EVERY_MS:
                self._ping(now_ms)
            if not received:
                self._wait(now_ms, min(deadline_ms, self._pinged_ms + PING_EVERY_MS))
        self.ask_beacon()

    def admitted(self) -> None:
        pass

    def send(self, kind, payload: bytes) -> None:
        self._keep(kind.frame, payload)

    def receive(self, timeout_ms: int) -> tuple:
        self._check_open()
        # Only now has the caller dealt with the last message.
        self._settle()
        deadline_ms = self._clock.now_ms() + timeout_ms
        while True:
            received = self._exchange()
            message = self._next_message()
            if message is not None:
                return message
            now_ms = self._clock.now_ms()
            self._check_alive(now_ms)
            if now_ms >= deadline_ms:
                return None
            if not received:
                self._wait(now_ms, deadline_ms)

    def ask_beacon(self) -> None:
        self._keep(framing.LISTEN, b"")

    def leave(self) -> None:
        self._check_open()

    def close(self) -> None:
        self._settle()
        if self._stream is not None:
            try:
                self._write_due()
            except TransportError:
                return  # the line is lost already, so there is nothing to close
        self._drop()

    def _keep(self, number, payload):
        self._check_open()
        while self._link.waiting >= MAX_UNACKNOWLEDGED:
            # Connections kept breaking before any acknowledgement. The newest messages matter.
            self._link.displace()
        self._link.send(number, self._device_id, payload)
        self._write_due()

    def _exchange(self):
        """Write the due frames and read what has come. True if any byte came."""
        self._write_due()
        try:
            data = self._stream.read_some()
        except TransportError:
            self._drop()
            raise
        if data:
            # Another device must acknowledge what is for it.
            self._link.receive(data, self._clock.now_ms(), self._device_id)
        return bool(data)

    def _write_due(self):
        while True:
            data = self._link.next_frame(self._clock.now_ms())
            if not data:
                return
            try:
                self._stream.write_all(data, RESPONSE_TIMEOUT_MS)
            except TransportError:
                self._drop()
                raise

    def _wait(self, now_ms, deadline_ms):
        # The wait ends often enough for a ping in time.
        most_ms = min(deadline_ms - now_ms, self._quiet_ms // 2)
        self._stream.wait_readable(self._link.due_ms(now_ms, max(0, most_ms)))

    def _next_message(self):
        delivery = self._link.take()
        if delivery is None:
            return None
        self._to_acknowledge = delivery
        return framing.KINDS[delivery.kind], delivery.payload

    def _settle(self):
        if self._to_acknowledge is not None:
            delivery, self._to_acknowledge = self._to_acknowledge, None
            self._link.acknowledge(delivery)

    def _check_alive(self, now_ms):
        if self._link.unanswered_ms(now_ms) >= RESPONSE_TIMEOUT_MS:
            self._fail("the gateway does not acknowledge")
        silent_ms = now_ms - self._link.heard_ms
        if silent_ms >= self._quiet_ms + RESPONSE_TIMEOUT_MS:
            self._fail("the line is silent")
        if silent_ms >= self._quiet_ms and now_ms - self._pinged_ms >= PING_EVERY_MS:
            self._ping(now_ms)

    def _ping(self, now_ms):
        self._pinged_ms = now_ms
        return self._link.ping()

    def _check_open(self):
        if self._stream is None:
            raise TransportError("not connected")

    def _fail(self, why):
        self._drop()
        raise TransportError(why)

    def _drop(self):
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
