"""The site that is measured: Mosquitto, and the gateway as `countersign gateway run` starts it."""

from __future__ import annotations

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
from countersign_gateway.config import Endpoint
from countersign_gateway.ingress.mqtt import broker_rules
from countersign_gateway.ingress.mqtt.account_book import AccountBook, password_line
from countersign_gateway.model import Decision
from countersign_gateway.registry.accounts import accounts_of
from countersign_gateway.registry.sqlite import SqliteRegistry
from countersign_gateway.statements import keys
from countersign_workshop.bench_gateway.devices import OWNER
from countersign_workshop.child_processes.ports import free_port, listens
from countersign_workshop.child_processes.process import Child
from countersign_workshop.parts import toolchain

SITE = "bench"
START_TIMEOUT_S = 20.0
GATEWAY_USER = "gateway"
# The driver's connections: a client id is an account's name, so each has an account.
SUBSCRIBER, BEACON_READER = "bench-subscriber", "bench-beacon"
MAX_PUBLISHERS = 16
DRIVERS = (SUBSCRIBER, BEACON_READER, *(f"bench-{number}" for number in range(MAX_PUBLISHERS)))

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
        # The settings and rights are those of the site's own broker, and every device has its
        # account. Only the driver is added, which plays all devices over a few connections.
        self._files = broker_rules.BrokerFiles(folder)
        self._lines = [password_line(GATEWAY_USER, gateway_password)]
        self._lines += [password_line(name, self.driver_password) for name in DRIVERS]
        rules = broker_rules.access_list(SITE, GATEWAY_USER, None)
        _write_private(self._files.access, rules + "".join(map(_driver_rules, DRIVERS)))
        _write_private(
            self._files.settings,
            broker_rules.settings(self._files, Endpoint("127.0.0.1", self.port), 64),
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
            book = AccountBook(secrets.token_bytes(32), SITE)
            self._lines += book.lines(accounts_of(registry), strangers=True)
        finally:
            registry.close()
        _write_private(self._files.passwords, "".join(self._lines))

    def start(self) -> None:
        """Start the site. Returns once the gateway listens; SiteFailed if it does not."""
        self._broker = Child("mosquitto", [*toolchain.mosquitto(), "-c", self._files.settings])
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


def _driver_rules(name: str) -> str:
    root = f"{topics.ROOT}{SITE}"
    return (
        f"user {name}\n"
        f"topic write {root}/+/up/+\n"
        f"topic read {root}/+/down/+\n"
        f"topic read {root}/gateway/beacon\n"
    )


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
