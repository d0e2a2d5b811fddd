"""The driver: writes prepared packets to a few sockets and notes when the answers come.

The driver shares the machine with the gateway that it measures. It therefore works in short turns
(read all, write all, sleep) and does not wake for every packet. A turn's length is the resolution
of the latencies. An answer counts as received at the end of the wait in which it came, so latencies
are rounded up and never down.

The driver keeps what it received as it came, and answers.py examines it after the clock has
stopped.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from countersign import messages
from countersign.carriers import topics
from countersign_cli.mendable import Mendable
from countersign_workshop.bench_gateway import mqtt_wire
from countersign_workshop.bench_gateway.bench_site import BEACON_READER, SITE, SUBSCRIBER
from countersign_workshop.bench_gateway.devices import Packets

TURN_S = 0.002
LATENCY_TURN_S = 0.001
# Without any answer for this long, something is lost or dead.
STALL_S = 20.0
_READ_BYTES = 1 << 20


class LoadFailed(Mendable):
    """The site stopped answering, or the broker refused the driver."""


@dataclass(frozen=True)
class Phase:
    """One stretch of load.

    first, last: the packets that each connection sent, as a range of packet numbers.
    started_s, answered_s: monotonic; the first packet's sending, the last answer's arrival.
    rate_per_s: the schedule, or None for as fast as answers came.
    behind_s: how far the driver itself fell behind its schedule at worst.
    """

    first: int
    last: int
    started_s: float
    answered_s: float
    rate_per_s: float | None
    behind_s: float

    def due_s(self, number: int, connections: int) -> float:
        """When packet `number` of each connection was due, by the schedule; monotonic seconds."""
        if self.rate_per_s is None:
            raise ValueError("this phase had no schedule")
        return self.started_s + (number - self.first + 1) * connections / self.rate_per_s


class Publisher:
    """A connection that writes packets and counts MQTT's acknowledgements; all must come."""

    def __init__(self, port: int, name: str, password: str, packets: Packets) -> None:
        self.packets = packets
        self.acknowledged = 0
        self.allowed = 0  # packets that may be sent by now
        self.written = 0  # packets whose last byte has been given to the kernel
        self._view = memoryview(packets.data)
        self._position = 0
        self._odd_bytes = 0
        self._socket = _connected(port, name, password)

    def allow(self, count: int) -> None:
        """Permit the next `count` packets to be sent."""
        self.allowed += count

    def turn(self) -> None:
        """Read and write as much as is possible without waiting."""
        try:
            while data := self._socket.recv(_READ_BYTES):
                self._odd_bytes += len(data)
                arrived, self._odd_bytes = divmod(self._odd_bytes, mqtt_wire.PUBACK_BYTES)
                self.acknowledged += arrived
            raise LoadFailed("the broker closed a connection")
        except BlockingIOError:
            pass
        end = self.packets.ends[self.allowed - 1] if self.allowed else 0
        while self._position < end:
            try:
                self._position += self._socket.send(self._view[self._position : end])
            except BlockingIOError:
                break
        ends = self.packets.ends
        while self.written < self.allowed and ends[self.written] <= self._position:
            self.written += 1

    def close(self) -> None:
        _close(self._socket)


class Subscriber:
    """Receives every result of the site. `arrivals`: (bytes received by then, monotonic s)."""

    def __init__(self, port: int, password: str) -> None:
        self.received = bytearray()
        self.arrivals: list[tuple[int, float]] = []
        self.count = 0
        self._framed = 0
        self._socket = _connected(port, SUBSCRIBER, password)
        results = f"{topics.ROOT}{SITE}/+/down/result"
        self._socket.setblocking(True)
        self._socket.sendall(mqtt_wire.subscribe(1, results, 0))
        _expect(self._socket, mqtt_wire.suback(1, 0))
        self._socket.setblocking(False)

    def turn(self) -> None:
        """Read what is there."""
        before = len(self.received)
        try:
            while data := self._socket.recv(_READ_BYTES):
                self.received += data
            raise LoadFailed("the broker closed the subscription")
        except BlockingIOError:
            pass
        if len(self.received) == before:
            return
        self.arrivals.append((len(self.received), time.monotonic()))
        while (found := mqtt_wire.packet_at(self.received, self._framed)) is not None:
            self._framed = found[1]
            self.count += 1

    def close(self) -> None:
        _close(self._socket)


class Driver:
    """All connections of the load. Phases follow one another and share the packets."""

    def __init__(
        self,
        port: int,
        password: str,
        streams: list[Packets],
        still_alive: Callable[[], None],
    ) -> None:
        """still_alive: raises if the site has ended."""
        self.subscriber = Subscriber(port, password)
        self.publishers = [
            Publisher(port, f"bench-{number}", password, packets)
            for number, packets in enumerate(streams)
        ]
        self._still_alive = still_alive

    def as_fast_as_answered(self, packets_each: int, window: int) -> Phase:
        """Closed loop: at most `window` messages are without their answer at any time."""
        first = self.publishers[0].allowed
        due = packets_each * len(self.publishers)
        before = self.subscriber.count
        started_s = time.monotonic()
        released = 0
        stalled_s = started_s + STALL_S
        while (answered := self.subscriber.count - before) < due:
            room = min(window - (released - answered), due - released)
            share = room // len(self.publishers)
            if share:
                for publisher in self.publishers:
                    publisher.allow(share)
                released += share * len(self.publishers)
            self._turn()
            if self.subscriber.count - before > answered:
                stalled_s = time.monotonic() + STALL_S
            elif time.monotonic() > stalled_s:
                raise LoadFailed(f"{due - answered} of {due} messages are without an answer")
            time.sleep(TURN_S)
        return self._phase(first, packets_each, started_s, None, 0.0)

    def on_schedule(self, packets_each: int, rate_per_s: float) -> Phase:
        """Open loop: each packet is sent when `due_s` says, even if earlier ones lack an answer."""
        first = self.publishers[0].allowed
        connections = len(self.publishers)
        due = packets_each * connections
        before = self.subscriber.count
        started_s = now_s = time.monotonic()
        sent_each = 0
        behind_s = 0.0
        stalled_s = started_s + due / rate_per_s + STALL_S
        while self.subscriber.count - before < due:
            now_s = time.monotonic()
            wanted_each = min(packets_each, int((now_s - started_s) * rate_per_s / connections))
            if wanted_each > sent_each:
                oldest_s = (sent_each + 1) * connections / rate_per_s
                behind_s = max(behind_s, now_s - started_s - oldest_s)
                for publisher in self.publishers:
                    publisher.allow(wanted_each - sent_each)
                sent_each = wanted_each
            self._turn()
            if now_s > stalled_s:
                missing = due - (self.subscriber.count - before)
                raise LoadFailed(f"{missing} of {due} messages are without an answer")
            time.sleep(LATENCY_TURN_S)
        return self._phase(first, packets_each, started_s, rate_per_s, behind_s)

    def settle(self, quiet_s: float) -> None:
        """Read until nothing has come for `quiet_s`, because duplicates would come late."""
        quiet_until_s = time.monotonic() + quiet_s
        while time.monotonic() < quiet_until_s:
            before = self.subscriber.count
            self._turn()
            if self.subscriber.count != before:
                quiet_until_s = time.monotonic() + quiet_s
            time.sleep(TURN_S)

    def close(self) -> None:
        for publisher in self.publishers:
            publisher.close()
        self.subscriber.close()

    def _turn(self) -> None:
        self.subscriber.turn()
        for publisher in self.publishers:
            publisher.turn()
        self._still_alive()

    def _phase(
        self,
        first: int,
        packets_each: int,
        started_s: float,
        rate_per_s: float | None,
        behind_s: float,
    ) -> Phase:
        answered_s = self.subscriber.arrivals[-1][1]
        return Phase(first, first + packets_each, started_s, answered_s, rate_per_s, behind_s)


def fetch_beacon(port: int, password: str, timeout_s: float = 10.0) -> bytes:
    """The site's current beacon message, which the broker retains for each new subscriber."""
    connection = _connected(port, BEACON_READER, password)
    connection.setblocking(True)
    connection.settimeout(timeout_s)
    connection.sendall(mqtt_wire.subscribe(1, topics.beacon(SITE), 0))
    _expect(connection, mqtt_wire.suback(1, 0))
    data = b""
    while (found := mqtt_wire.packet_at(data, 0)) is None:
        piece = connection.recv(4096)
        if not piece:
            raise LoadFailed("the broker closed the connection before a beacon came")
        data += piece
    _close(connection)
    _, payload = mqtt_wire.read_publish(data[0], data[found[0] : found[1]])
    if messages.open_message(payload).type != messages.BEACON:
        raise LoadFailed("what stands on the beacon's topic is not a beacon")
    return payload


def _connected(port: int, name: str, password: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(mqtt_wire.connect(name, name, password))
    _expect(connection, mqtt_wire.CONNACK_ACCEPTED)
    connection.setblocking(False)
    return connection


def _expect(connection: socket.socket, packet: bytes) -> None:
    data = b""
    while len(data) < len(packet):
        piece = connection.recv(len(packet) - len(data))
        if not piece:
            break
        data += piece
    if data != packet:
        raise LoadFailed(f"the broker answered {data.hex()} instead of {packet.hex()}")


def _close(connection: socket.socket) -> None:
    connection.setblocking(True)
    connection.sendall(mqtt_wire.disconnect())
    connection.close()
