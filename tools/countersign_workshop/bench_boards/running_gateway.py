"""A gateway in a process of its own, at the other end of one board's serial line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from countersign_cli.mendable import Mendable
from countersign_cli.site_folder import CONFIG_NAME, create_site
from countersign_gateway.control import client
from countersign_workshop.child_processes.events import Events
from countersign_workshop.child_processes.process import Child

SITE = "bench"


class GatewayEnded(Mendable):
    """The gateway has ended by itself. The text is its last output."""


@dataclass(frozen=True)
class RunningGateway:
    public_key: bytes
    child: Child

    def check(self) -> None:
        """GatewayEnded if the gateway has ended."""
        if not self.child.running():
            raise GatewayEnded(f"the gateway has ended: {self.child.tail()}")


@contextmanager
def running_gateway(folder: Path, line: str) -> Iterator[RunningGateway]:
    """Run a gateway for a new site in `folder`. The site allows emulated devices, has neither a
    broker nor a ledger, and lets any device enrol in its first hour.

    Raises SiteError, GatewayEnded and events.Stuck.
    """
    site = create_site(
        folder,
        SITE,
        broker=None,
        lines=[line],
        allow_emulated=True,
        enrolment="open",
        device_bytes_per_day=10**12,
    )
    events = Events()
    take = events.listener("gateway")

    def on_line(text: str) -> None:
        # A long run has tens of thousands of other lines, so only these are kept.
        if '"gateway_ready"' in text:
            take(text)

    child = Child(
        "gateway",
        [
            *(sys.executable, "-m", "countersign_cli.cli", "gateway", "run"),
            *("--config", str(folder / CONFIG_NAME)),
        ],
        on_line=on_line,
    )
    gateway = RunningGateway(site.gateway_public_key, child)
    try:
        events.wait("the gateway", lambda: events.select("gateway_ready"), alive=gateway.check)
        client.ask(site.config_path, "open", {"minutes": 60, "devices": 1000})
        yield gateway
    finally:
        child.stop()
