"""The site that is measured: Mosquitto, and the gateway as `countersign gateway run` starts it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from countersign.carriers import topics
from countersign_cli.mendable import Mendable
from countersign_gateway.model import Decision
from countersign_gateway.registry.sqlite import SqliteRegistry
from countersign_gateway.statements import keys
from countersign_workshop.bench_gateway.devices import OWNER
from countersign_workshop.child_processes.ports import free_port, listens
from countersign_workshop.child_processes.process import Child
from countersign_workshop.parts import toolchain

SITE = "bench"
START_TIMEOUT_S = 20.0
GATEWAY_USER = "gateway"
DRIVER_USER = "driver"

# The broker drops and throttles nothing, because the measurement is of the gateway. Its queue is
# still bounded. It keeps everything in memory, because the gateway makes messages durable.
_BROKER_CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous false
password_file {folder}/broker.passwords
acl_file {folder}/broker.acl
persistence false
max_inflight_messages 0
max_queued_messages 100000
set_tcp_nodelay true
sys_interval 0
log_dest stderr
log_type error
log_type warning
{user}
"""

# The beacon's interval is longer than the run: all evidence is made beforehand and names one
# beacon.
_GATEWAY_CONFIG = """\
[site]
name = "{site}"

[gateway]
key_file = "gateway.key"

[ingress.mqtt]
broker = "mqtt://127.0.0.1:{port}"
username = "{user}"
password_file = "gateway.password"

[verification]
beacon_interval_s = 86400

[policy]
allow_emulated = true
owner = "0x{owner}"

[registry]
path = "registry.sqlite3"
# The devices of a measurement say in seconds what others say in days.
device_bytes_per_day = 1000000000000
"""


class SiteFailed(Mendable):
    """A part of the site did not start, or has ended. The text holds its last lines."""


class BenchSite:
    """One site in one folder. Call `enter_devices`, then `start`, then `stop`."""

    def __init__(self, folder: Path) -> None:
        """Make keys and configuration in `folder`, which should be on a real disk."""
        self._folder = folder
        self.port = free_port()
        self.driver_password = secrets.token_hex(16)
        gateway_password = secrets.token_hex(16)
        keys.create_key_file(folder / "gateway.key")
        self.key = keys.SigningKey.from_file(folder / "gateway.key")
        _write_private(folder / "gateway.password", gateway_password)
        _write_private(
            folder / "broker.passwords",
            f"{GATEWAY_USER}:{_password_hash(gateway_password)}\n"
            f"{DRIVER_USER}:{_password_hash(self.driver_password)}\n",
        )
        _write_private(folder / "broker.acl", _access_list())
        _write_private(
            folder / "broker.conf",
            _BROKER_CONFIG.format(
                port=self.port,
                folder=folder,
                # Mosquitto started by root would become a user that cannot read this folder.
                user="user root" if os.geteuid() == 0 else "",
            ),
        )
        _write_private(
            folder / "gateway.toml",
            _GATEWAY_CONFIG.format(site=SITE, port=self.port, user=GATEWAY_USER, owner=OWNER.hex()),
        )
        self._broker: Child | None = None
        self._gateway: Child | None = None
        self._ready = Event()

    def enter_devices(self, enrolments: Sequence[Decision]) -> None:
        """Enter devices into the record as enrolments, through the registry's own `record`."""
        registry = SqliteRegistry(self._folder / "registry.sqlite3", self.key.gateway_id)
        try:
            registry.store(enrolments)
        finally:
            registry.close()

    def start(self) -> None:
        """Start the site. Returns once the gateway listens; SiteFailed if it does not."""
        self._broker = Child(
            "mosquitto", [*toolchain.mosquitto(), "-c", self._folder / "broker.conf"]
        )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not listens(self.port):
            self._check(self._broker, deadline_s)
            time.sleep(0.05)
        program = Path(sys.executable).with_name("countersign")
        self._gateway = Child(
            "gateway",
            [program, "gateway", "run", "--config", self._folder / "gateway.toml"],
            on_line=self._note,
        )
        while not self._ready.wait(0.05):
            self._check(self._gateway, deadline_s)

    def stop(self) -> None:
        """End both, the gateway first, so that it finishes the messages that it took in."""
        for child in (self._gateway, self._broker):
            if child is not None:
                child.stop(30)

    def durable(self) -> tuple[int, int]:
        """(commitments, messages) in the record's tables, counted after `stop`."""
        registry = SqliteRegistry(self._folder / "registry.sqlite3", self.key.gateway_id)
        try:
            commitments = registry.commitment_count()
            messages = sum(1 for _ in registry.messages(0, commitments))
        finally:
            registry.close()
        return commitments, messages

    @property
    def gateway_pid(self) -> int:
        if self._gateway is None:
            raise SiteFailed("the gateway was not started")
        return self._gateway.pid

    @property
    def broker_pid(self) -> int:
        if self._broker is None:
            raise SiteFailed("the broker was not started")
        return self._broker.pid

    def check_alive(self) -> None:
        """SiteFailed if the broker or the gateway has ended."""
        for child in (self._broker, self._gateway):
            if child is not None and not child.running():
                raise SiteFailed(f"{child.name} ended:\n{child.tail()}")

    def status(self) -> dict[str, object]:
        """The gateway's status file, which it writes every second and when it stops."""
        text = (self._folder / "status.json").read_text(encoding="utf-8")
        status: dict[str, object] = json.loads(text)
        return status

    def _note(self, line: str) -> None:
        if '"gateway_ready"' in line:
            self._ready.set()

    @staticmethod
    def _check(child: Child, deadline_s: float) -> None:
        if not child.running() or time.monotonic() > deadline_s:
            raise SiteFailed(f"{child.name} did not start:\n{child.tail()}")


def _access_list() -> str:
    root = f"{topics.ROOT}{SITE}"
    return (
        f"user {GATEWAY_USER}\n"
        f"topic read {root}/+/up/+\n"
        f"topic write {root}/+/down/+\n"
        f"topic write {root}/gateway/beacon\n"
        f"user {DRIVER_USER}\n"
        f"topic write {root}/+/up/+\n"
        f"topic read {root}/+/down/+\n"
        f"topic read {root}/gateway/beacon\n"
    )


def _password_hash(password: str) -> str:
    """The hash that mosquitto_passwd writes: $7$iterations$salt$hash, PBKDF2 with SHA-512."""
    iterations = 101
    salt = secrets.token_bytes(12)
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, 64)
    encoded = (base64.b64encode(part).decode() for part in (salt, derived))
    return f"$7${iterations}${'$'.join(encoded)}"


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
