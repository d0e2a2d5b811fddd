"""What the site's own broker allows: Mosquitto's settings and access list.

The gateway does not trust the broker, and these rules change nothing about that. They keep one
client from switching a site off: nobody is anonymous, the client id is the account, an account
writes under its own name alone, and everything that a client can make the broker keep is bounded.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from countersign.carriers import kinds, topics
from countersign_gateway.config import Endpoint

MAX_CONNECTIONS = 16_384
# What a client costs that has no account and speaks TLS: measured 49 kB after its first message, 66
# with half a record behind it, 22 once the handshake is over. Mosquitto counts none of it.
TLS_CONNECTION_BYTES = 72 * 1024
MAX_TLS_BYTES = 256 * 1024 * 1024
TLS_SHARE = 8  # at most this part of the machine's memory
INNER_CONNECTIONS = 16  # of the gateway alone
MAX_PACKET_BYTES = 4096  # a message has at most 2048; the rest is for topic and headers
MAX_UNACKNOWLEDGED = 4096  # with Mosquitto's 20, groups are small, and each costs a flush of disk
MAX_QUEUED = 16_384
MAX_QUEUED_BYTES = 32 * 1024 * 1024
MAX_HEAP_BYTES = 256 * 1024 * 1024
# An agent may be set to 3,600 s. Mosquitto 2.0 keeps its deadlines in a ring as long as this, and a
# deadline that goes all the way round counts as past: it ends a client of exactly this keep-alive.
MAX_KEEP_ALIVE_S = 3660
SESSION_DAYS = 7


@dataclass(frozen=True, slots=True)
class BrokerFiles:
    """The files of a broker, in one private folder."""

    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / "mosquitto.conf"

    @property
    def passwords(self) -> Path:
        return self.folder / "passwords"

    @property
    def certificate(self) -> Path:
        return self.folder / "server.pem"

    @property
    def key(self) -> Path:
        return self.folder / "server.key"

    @property
    def access(self) -> Path:
        return self.folder / "access"


def most_connections(tls: bool, machine_bytes: int) -> int:
    """How many clients may be connected at once, by what they cost. machine_bytes: its memory."""
    if not tls:
        return MAX_CONNECTIONS
    room = min(MAX_TLS_BYTES, machine_bytes // TLS_SHARE)
    return max(1, min(MAX_CONNECTIONS, room // TLS_CONNECTION_BYTES))


def settings(
    files: BrokerFiles,
    listen: Endpoint,
    connections: int,
    tls: bool = False,
    inner: str | None = None,
) -> str:
    """mosquitto.conf. connections: how many clients may be connected at once.

    inner: the name of a socket in the folder that Mosquitto runs in. It is for the gateway.
    """
    lines = [
        "per_listener_settings false",
        "allow_anonymous false",
        f"password_file {files.passwords}",
        f"acl_file {files.access}",
        # The gateway makes messages durable, and a device sends again what nobody acknowledged.
        "persistence false",
        f"max_packet_size {MAX_PACKET_BYTES}",
        f"max_inflight_messages {MAX_UNACKNOWLEDGED}",
        f"max_queued_messages {MAX_QUEUED}",
        f"max_queued_bytes {MAX_QUEUED_BYTES}",
        f"memory_limit {MAX_HEAP_BYTES}",
        f"persistent_client_expiration {SESSION_DAYS}d",
        f"max_keepalive {MAX_KEEP_ALIVE_S}",
        "allow_zero_length_clientid false",
        # Otherwise a verdict may wait for the acknowledgement of the packet before it.
        "set_tcp_nodelay true",
        "sys_interval 0",
        # Otherwise a device that is not let in would leave no trace anywhere at the site.
        "connection_messages true",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        # The gateway reads each filter there: Mosquitto restricts none (decision 0029).
        "log_type subscribe",
    ]
    if os.geteuid() == 0:
        # Otherwise Mosquitto becomes a user of its own, which cannot read the private folder.
        lines.append("user root")
    lines += [
        f"listener {listen.port} {listen.host}",
        # Above the first `listener` this would have no effect, and whoever knows a client id could
        # take its session over.
        "use_username_as_clientid true",
        f"max_connections {connections}",
    ]
    if tls:
        lines += [f"certfile {files.certificate}", f"keyfile {files.key}"]
    if inner is not None:
        # Last: when it is there, the others are.
        lines += [
            f"listener 0 {inner}",
            "use_username_as_clientid true",
            f"max_connections {INNER_CONNECTIONS}",
        ]
    return "\n".join(lines) + "\n"


def access_list(site: str, gateway: str, watcher: str | None) -> str:
    """The access list. gateway, watcher: the names of these two accounts."""
    root = topics.ROOT + site
    uplinks = [kind.path for kind in kinds.ALL if kind.direction == kinds.UP]
    lines = [
        f"user {gateway}",
        *(f"topic read {root}/+/{path}" for path in uplinks),
        f"topic write {root}/+/{kinds.DOWN}/+",
        f"topic write {topics.beacon(site)}",
    ]
    if watcher is not None:
        lines += [f"user {watcher}", f"topic read {root}/#"]
    # Rules of every account: %u is its name. A device can leave retained messages here alone, so
    # an account costs the broker a few messages at most.
    lines += [
        *(f"pattern write {root}/%u/{path}" for path in uplinks),
        f"pattern readwrite {root}/%u/presence",
        f"pattern read {root}/%u/{kinds.DOWN}/+",
        # Mosquitto warns that this pattern names no account. It is meant for all of them.
        f"pattern read {topics.beacon(site)}",
    ]
    return "\n".join(lines) + "\n"
