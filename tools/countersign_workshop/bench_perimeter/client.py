"""A client of the broker for honest devices and attackers: the agent's own packets on asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from types import TracebackType

from countersign_agent.transports import mqtt_codec
from countersign_agent.transports.transport import TransportError
from countersign_workshop.bench_perimeter.accounts import Account

CONNECT_TIMEOUT_S = 5.0
KEEP_ALIVE_S = 60
_READ_BYTES = 1 << 16
_RETAIN_QOS_0 = 0x31
_QOS_0 = 0x30


class Refused(Exception):
    """The broker refused the client, or is not there."""


class Client:
    """One connection. Use it as `async with await Client.open(...)`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._packets = mqtt_codec.PacketReader()
        self._packet_ids = itertools.cycle(range(1, 65536))

    @classmethod
    async def open(
        cls, host: str, port: int, account: Account, will: tuple[str, bytes] | None = None
    ) -> Client:
        """Connect and wait for the broker's consent. Raises Refused."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                client = cls(*await asyncio.open_connection(host, port))
                try:
                    client._writer.write(connect_packet(account, will))
                    kind, _, body, _ = await client._next()
                    if kind != mqtt_codec.CONNACK:
                        raise Refused("no CONNACK")
                    mqtt_codec.read_connack(body)
                except BaseException:
                    client.drop()
                    raise
        except (OSError, TimeoutError, TransportError) as error:
            raise Refused(type(error).__name__) from None
        return client

    async def subscribe(self, *filters: str) -> None:
        self._writer.write(mqtt_codec.subscribe_packet(next(self._packet_ids), list(filters)))
        await self._drain()

    async def publish(self, topic: str, payload: bytes) -> None:
        """At QoS 1, as a device does; the acknowledgement is not awaited."""
        packet = mqtt_codec.publish_packet(topic, payload, next(self._packet_ids), False, False)
        await self.write(packet)

    async def retain(self, topic: str, payload: bytes) -> None:
        """At QoS 0, retained."""
        await self.write(publish_qos0(topic, payload, retain=True))

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._drain()

    async def receive(self) -> tuple[str, bytes]:
        """The next message: topic and payload. Raises Refused when the connection ends."""
        while True:
            kind, flags, body, whole = await self._next()
            if kind == mqtt_codec.PUBLISH:
                try:
                    message = mqtt_codec.read_publish(flags, body, whole)
                except TransportError as error:
                    raise Refused(str(error)) from None
                if message.packet_id is not None:
                    self._writer.write(mqtt_codec.puback_packet(message.packet_id))
                return message.topic, message.payload or b""

    def keep_alive(self) -> None:
        self._writer.write(mqtt_codec.PINGREQ_PACKET)

    def drop(self) -> None:
        """End the connection without a DISCONNECT, so that the broker publishes the will."""
        self._writer.transport.abort()

    @contextlib.contextmanager
    def unless_cancelled(self) -> Iterator[None]:
        """Drop the connection at the end; when the task is cancelled, leave it half-open."""
        try:
            yield
        except asyncio.CancelledError:
            raise
        except BaseException:
            self.drop()
            raise
        self.drop()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.drop()

    async def _drain(self) -> None:
        try:
            await self._writer.drain()
        except OSError as error:
            raise Refused(type(error).__name__) from None

    async def _next(self) -> tuple[int, int, bytes, bool]:
        try:
            while (packet := self._ready()) is None:
                data = await self._reader.read(_READ_BYTES)
                if not data:
                    raise Refused("the broker closed the connection")
                self._packets.feed(data)
        except (OSError, TransportError) as error:
            raise Refused(type(error).__name__) from None
        return packet

    def _ready(self) -> tuple[int, int, bytes, bool] | None:
        packet: tuple[int, int, bytes, bool] | None = self._packets.next()
        return packet


def connect_packet(account: Account, will: tuple[str, bytes] | None = None) -> bytes:
    packet: bytes = mqtt_codec.connect_packet(
        account.client_id, KEEP_ALIVE_S, will, account.username, account.password
    )
    return packet


def publish_qos0(topic: str, payload: bytes, retain: bool = False) -> bytes:
    """PUBLISH of any size at QoS 0."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + payload
    return publish_head(len(body), retain) + body


def publish_head(length: int, retain: bool = False) -> bytes:
    """The fixed header of a PUBLISH that announces `length` bytes."""
    head = bytearray([_RETAIN_QOS_0 if retain else _QOS_0])
    while True:
        length, digit = divmod(length, 128)
        head.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(head)
