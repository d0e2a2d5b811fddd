"""The embedded broker, so that a site needs no broker of its own.

amqtt runs in a thread of its own with its own event loop. It serves tens of devices; a large site
points one setting at Mosquitto. amqtt leaves some resources without a bound, so this file bounds
them: connections, packet size, messages under way, sessions, and the messages for absent devices.

The gateway does not trust the broker, and access rules cannot change that. The rules below only
keep an honest site tidy: devices publish upward only, and cannot pose as the gateway. Only the
gateway has the password, which is made anew at each start.

The bounds need four private or undocumented parts of amqtt: `Broker._subscriptions`,
`Broker.external_connected`, and what a session counts (`inflight_out_count`, `retained_messages`).
Another broker is to replace amqtt, so this file keeps using them; the version is pinned until then
(`amqtt>=0.12,<0.13`).
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
MAX_PACKET_BYTES = 4096  # a message has at most 2048; the rest is for topic and headers
MAX_UNDER_WAY = 2048  # messages of all devices that are read and not yet delivered
MAX_READ_AHEAD = 64  # the same, of one device
MAX_UNDER_WAY_TO_ONE = 1024  # messages that one device has not acknowledged
MAX_KEPT_FOR_ONE = 64  # messages kept for a device that is away
HOLD_S = 0.01
CONNECT_TIMEOUT_S = 10.0
SESSION_EXPIRY_S = 7 * 86400
START_TIMEOUT_S = 10.0


class BrokerUnusable(OperatorError):
    """The configured broker cannot run; the text says why."""


class EmbeddedBroker:
    """`start` returns once the broker listens; `stop` ends it and its thread."""

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
        """The address on which it listens, with the real port if the setting was 0."""
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
        except Exception as error:  # noqa: BLE001 - `start` reports it to its caller
            self._failure = error
        finally:
            self._started.set()
            self._loop.close()

    async def _serve(self) -> None:
        config = BrokerConfig(
            # amqtt's own listener cannot bound packets, so this server passes connections to it.
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
    """amqtt's table of subscriptions, safe to iterate while it changes.

    amqtt 0.12 awaits in the middle of an iteration. A client that subscribes at that moment would
    break the iteration, and the message under delivery would be lost.
    """

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().__iter__()))

    def items(self) -> Any:
        return [(name, list(subscribers)) for name, subscribers in super().items()]


class _BoundedReader(StreamReaderAdapter):  # type: ignore[misc]
    """amqtt's source of bytes: refuses large packets, and waits while too many are undelivered.

    amqtt's queues have no limit, so this reader pauses a client that writes faster than its
    messages are delivered. It never pauses the gateway's own connection: the gateway's
    acknowledgements reduce the load.
    """

    def __init__(self, reader: asyncio.StreamReader, broker: Broker) -> None:
        super().__init__(reader)
        self._broker = broker
        self.session: Session | None = None  # set once the client has sent its CONNECT

    async def read(self, n: int = -1) -> bytes:
        if n > MAX_PACKET_BYTES or n < 0:
            self.feed_eof()
            raise MQTTError("packet too large")
        # amqtt begins each packet by reading one byte.
        while n == 1 and self._ahead():
            await asyncio.sleep(HOLD_S)
        try:
            # A client that has not sent CONNECT must not occupy a connection for long.
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
        # The second queue has no public name; the version of amqtt is pinned.
        own: int = session.delivered_message_queue.qsize()
        of_all: int = self._broker._broadcast_queue.qsize()
        return own > MAX_READ_AHEAD or of_all > MAX_UNDER_WAY


# The reader of the running task's connection. amqtt gives its plugins the session only.
_reader_here: ContextVar[_BoundedReader] = ContextVar("reader")


@dataclass
class _AuthenticationSettings:
    password: str = ""

    def __repr__(self) -> str:
        return "SiteAuthentication"


class SiteAuthentication(BaseAuthPlugin):  # type: ignore[misc]
    """Lets devices in without a password, and the gateway with its own.

    Sessions are not marked anonymous, so that amqtt keeps messages for an absent device.
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
    """Access rules for topics, and the bound of the messages kept for each client."""

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
        # Anyone may read. The protocol promises no confidentiality towards clients of the broker,
        # and a rule that seemed to give it would mislead (PROTOCOL.md, section 1).
        return True


class _Forward(logging.Handler):
    """Logs amqtt's errors as events, without their text, which may quote clients."""

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
