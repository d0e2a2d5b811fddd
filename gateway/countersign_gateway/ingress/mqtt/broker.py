"""The embedded broker: one install is a working site.

amqtt runs in a thread of its own with its own event loop. It is for tens of devices; a large site
points one setting at Mosquitto. What amqtt does not bound is bounded here: connections, packet
size, messages under way, sessions, and what is kept for a device that is away.

The broker is trusted with nothing, and access rules cannot make it so. The rules below only keep an
honest site tidy: devices write upward only, and do not pose as the gateway, which alone has the
password that is made anew at each start.

Bounding amqtt takes four of its private or undocumented parts: `Broker._subscriptions`,
`Broker.external_connected`, and what a session counts (`inflight_out_count`, `retained_messages`).
They are left as they are, since a broker of another make is to replace amqtt; the version is pinned
meanwhile (`amqtt>=0.12,<0.13`).
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker, BrokerContext
from amqtt.contexts import Action, BrokerConfig, ListenerConfig, ListenerType
from amqtt.errors import MQTTError
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from countersign.carriers import topics
from countersign_gateway.config import Endpoint
from countersign_gateway.model import OperatorError
from countersign_gateway.operations.log import EventLog

GATEWAY_USERNAME = "gateway"
MAX_CONNECTIONS = 512
MAX_SESSIONS = 1024
MAX_PACKET_BYTES = 4096  # a message has 2048, the rest is topic and headers
MAX_UNDER_WAY = 2048  # messages from all devices, read and not yet handed on
MAX_READ_AHEAD = 64  # and those of one device
MAX_UNDER_WAY_TO_ONE = 1024  # messages sent to one device and not acknowledged by it
MAX_KEPT_FOR_ONE = 64  # messages kept for a device that is away
HOLD_S = 0.01
CONNECT_TIMEOUT_S = 10.0
SESSION_EXPIRY_S = 7 * 86400
START_TIMEOUT_S = 10.0


class BrokerUnusable(OperatorError):
    """There can be no broker as configured; the text says why."""


class EmbeddedBroker:
    """`start` returns once it listens; `stop` ends it and its thread."""

    def __init__(self, listen: Endpoint, site: str, log: EventLog) -> None:
        self._listen = listen
        self._site = site
        self._log = log
        self.password = secrets.token_hex(16)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._address = listen
        self._stop_asked = asyncio.Event()
        _quieten(log)

    @property
    def address(self) -> Endpoint:
        """Where it listens; the port is the real one where 0 was asked for."""
        return self._address

    def start(self) -> Endpoint:
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_S):
            raise BrokerUnusable("the embedded broker did not start")
        if self._failure is not None:
            raise BrokerUnusable(
                f"the embedded broker cannot listen on {self._listen.host}:"
                f"{self._listen.port}: {self._failure}"
            )
        self._log.event("broker_listening", host=self._address.host, port=self._address.port)
        return self._address

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop_asked.set)
            self._thread.join(START_TIMEOUT_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:  # noqa: BLE001 - told to whoever called start
            self._failure = error
        finally:
            self._started.set()
            self._loop.close()

    async def _serve(self) -> None:
        config = BrokerConfig(
            # amqtt's own listener cannot bound packets; connections are handed to it instead.
            listeners={"default": ListenerConfig(type=ListenerType.EXTERNAL)},
            session_expiry_interval=SESSION_EXPIRY_S,
            plugins={
                f"{__name__}.SiteAuthentication": {"password": self.password},
                f"{__name__}.SiteTopics": {"site": self._site},
            },
        )
        broker = Broker(config, loop=self._loop)
        broker._subscriptions = _Subscriptions()
        await broker.start()
        connections: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(connections) >= MAX_CONNECTIONS:
                writer.close()
                return
            task = asyncio.current_task()
            if task is not None:
                connections.add(task)
                task.add_done_callback(connections.discard)
            bounded = _BoundedReader(reader, broker)
            _reader_here.set(bounded)
            try:
                await broker.external_connected(bounded, StreamWriterAdapter(writer), "default")
            finally:
                writer.close()

        server = await asyncio.start_server(
            connected, self._listen.host, self._listen.port, limit=2 * MAX_PACKET_BYTES
        )
        host, port = server.sockets[0].getsockname()[:2]
        self._address = Endpoint(host, port)
        self._started.set()
        await self._stop_asked.wait()
        server.close()
        await broker.shutdown()
        for task in tuple(connections):
            task.cancel()
        leftover = asyncio.all_tasks() - {asyncio.current_task()}
        for task in leftover:
            task.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)


class _Subscriptions(dict[str, list[tuple[Session, int]]]):
    """amqtt's table of subscriptions, safe to walk while it changes.

    amqtt 0.12 waits in the middle of walking through it; a client that subscribes at that moment
    would end the walk, and the message being handed on would be lost.
    """

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().__iter__()))

    def items(self) -> Any:
        return [(name, list(subscribers)) for name, subscribers in super().items()]


class _BoundedReader(StreamReaderAdapter):  # type: ignore[misc]
    """What amqtt reads from: refuses large packets, and does not run ahead of their delivery.

    amqtt's queues have no limit of their own, so a client that writes faster than its messages are
    handed on is not read meanwhile. The gateway's own connection is never held back: its
    acknowledgements are what makes the load go down.
    """

    def __init__(self, reader: asyncio.StreamReader, broker: Broker) -> None:
        super().__init__(reader)
        self._broker = broker
        self.session: Session | None = None  # set once the client has introduced itself

    async def read(self, n: int = -1) -> bytes:
        if n > MAX_PACKET_BYTES or n < 0:
            self.feed_eof()
            raise MQTTError("packet too large")
        # A packet begins with a read of one byte.
        while n == 1 and self._ahead():
            await asyncio.sleep(HOLD_S)
        try:
            # A client that has not introduced itself must not hold one of the connections for long.
            async with asyncio.timeout(CONNECT_TIMEOUT_S if self.session is None else None):
                data: bytes = await super().read(n)
        except TimeoutError:
            self.feed_eof()
            raise MQTTError("no CONNECT in time") from None
        return data

    def _ahead(self) -> bool:
        session = self.session
        if session is None or session.username == GATEWAY_USERNAME:
            return False
        # The second queue has no public name; amqtt's version is pinned.
        own: int = session.delivered_message_queue.qsize()
        of_all: int = self._broker._broadcast_queue.qsize()
        return own > MAX_READ_AHEAD or of_all > MAX_UNDER_WAY


# The reader of the connection that the running task serves; plugins are only told of sessions.
_reader_here: ContextVar[_BoundedReader] = ContextVar("reader")


@dataclass
class _AuthenticationSettings:
    password: str = ""

    def __repr__(self) -> str:
        return "SiteAuthentication"


class SiteAuthentication(BaseAuthPlugin):  # type: ignore[misc]
    """Lets devices in without a password, and the gateway with its own.

    Sessions are not marked anonymous, so that amqtt keeps what a device misses while it is away.
    """

    Config = _AuthenticationSettings

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self._password = context.config.password

    async def authenticate(self, *, session: Session) -> bool:
        _reader_here.get().session = session
        if session.username == GATEWAY_USERNAME:
            given = session.password or ""
            return hmac.compare_digest(given.encode(), self._password.encode())
        return sum(1 for _ in self.context.sessions) < MAX_SESSIONS


@dataclass
class _TopicSettings:
    site: str = ""


class SiteTopics(BaseTopicPlugin):  # type: ignore[misc]
    """Who may write and read where, and how much is kept for whom."""

    Config = _TopicSettings

    def __init__(self, context: BrokerContext) -> None:
        super().__init__(context)
        self._prefix = topics.ROOT + context.config.site + "/"

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        if session is None or topic is None or not topic.startswith(self._prefix):
            return False
        if session.username == GATEWAY_USERNAME:
            return True
        parts = topic[len(self._prefix) :].split("/")
        if action == Action.PUBLISH:
            return (len(parts) == 3 and parts[1] == "up") or (
                len(parts) == 2 and parts[1] == "presence"
            )
        if action == Action.RECEIVE:
            kept: int = session.retained_messages.qsize()
            under_way: int = session.inflight_out_count
            return kept < MAX_KEPT_FOR_ONE and under_way < MAX_UNDER_WAY_TO_ONE
        # Anyone may read. The protocol promises no confidentiality towards whoever reaches the
        # broker, and a rule that looked as if it did would mislead (PROTOCOL.md, section 1).
        return True


class _Forward(logging.Handler):
    """amqtt's complaints become lines of our log; its text may quote clients, so it stays out."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(logging.ERROR)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.event("broker_notice", source=f"{record.module}:{record.lineno}")


def _quieten(log: EventLog) -> None:
    for name in ("amqtt", "transitions"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [_Forward(log)]
        logger.propagate = False
        logger.setLevel(logging.ERROR)
