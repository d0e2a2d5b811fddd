"""The site under attack: made by `create_site`, run by `countersign gateway run`, watched from
outside. Its broker is whatever the gateway starts by default."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from countersign_cli.mendable import Mendable
from countersign_cli.site_folder import CONFIG_NAME, GATEWAY_KEY_NAME, create_site
from countersign_gateway.registry.sqlite import SqliteRegistry
from countersign_gateway.statements.keys import SigningKey
from countersign_workshop.bench_gateway import accounting
from countersign_workshop.bench_gateway.devices import enrolment
from countersign_workshop.bench_perimeter.cast import device
from countersign_workshop.child_processes.process import Child

SITE = "perimeter"
REGISTRY = "registry.sqlite3"
START_TIMEOUT_S = 30.0


class SiteFailed(Mendable):
    """The gateway did not start. The text holds its last lines."""


@dataclass(frozen=True)
class Marks:
    """What the site holds at one moment. rows: commitments. log_bytes: written to the log so far.
    other_bytes: files in the site's folder, the registry's left out."""

    at_s: float
    rows: int
    log_bytes: int
    other_bytes: int


class Site:
    """One site in one folder, with devices that are enrolled from the start."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder = folder
        self.made = create_site(folder, SITE, listen="127.0.0.1:0")
        self._key = SigningKey.from_file(folder / GATEWAY_KEY_NAME)
        self._enrolled = len(names)
        registry = self._registry()
        try:
            registry.store([enrolment(device(n, self._key.gateway_id), self._key) for n in names])
        finally:
            registry.close()
        self.bytes_at_start = self._registry_bytes()
        self.log_bytes = 0
        self.host, self.port = "", 0
        self._child: Child | None = None

    def __enter__(self) -> Site:
        self._child = Child(
            "gateway",
            [
                *(sys.executable, "-m", "countersign_cli.cli", "gateway", "run"),
                *("--config", self._folder / CONFIG_NAME),
            ],
            on_line=self._note,
        )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self.port:
            if not self._child.running() or time.monotonic() > deadline_s:
                tail = self._child.tail()
                self._child.stop()
                raise SiteFailed(f"the gateway did not start:\n{tail}")
            time.sleep(0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop(30)

    def running(self) -> bool:
        return self._child is not None and self._child.running()

    def tail(self) -> str:
        return "" if self._child is None else self._child.tail()

    def rss_mb(self) -> float:
        """The resident memory of the gateway and all its descendants in MB, a broker's included."""
        if self._child is None:
            return 0.0
        total = 0.0
        for pid in _descendants(self._child.pid):
            try:
                total += accounting.rss_mb(pid)
            except (FileNotFoundError, ProcessLookupError):
                pass  # it has ended since it was listed
        return total

    def marks(self) -> Marks:
        """As the status file says, which the gateway writes every second."""
        status = json.loads((self._folder / "status.json").read_text(encoding="utf-8"))
        others = (
            path.stat().st_size
            for path in self._folder.rglob("*")
            if path.is_file() and not path.name.startswith(REGISTRY)
        )
        rows = int(status["registry"]["commitments"])
        return Marks(time.monotonic(), rows, self.log_bytes, sum(others))

    def bytes_per_row(self, rows: int) -> float:
        """How much the registry has grown for each of `rows`; call it after `stop`."""
        return (self._registry_bytes() - self.bytes_at_start) / max(1, rows)

    def strangers(self) -> int:
        """Devices in the record that were not entered before the start; call it after `stop`."""
        registry = self._registry()
        try:
            return registry.counts().devices - self._enrolled
        finally:
            registry.close()

    def _registry(self) -> SqliteRegistry:
        return SqliteRegistry(self._folder / REGISTRY, self._key.gateway_id)

    def _registry_bytes(self) -> int:
        return sum(path.stat().st_size for path in self._folder.glob(REGISTRY + "*"))

    def _note(self, line: str) -> None:
        self.log_bytes += len(line.encode()) + 1
        if not self.port and '"gateway_ready"' in line:
            event = json.loads(line)
            self.host, self.port = event["host"], event["port"]


def _descendants(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            found += accounting.family(parent)[1:]
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended since it was listed
    return found
