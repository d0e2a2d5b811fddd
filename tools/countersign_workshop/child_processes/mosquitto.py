"""A Mosquitto broker of our own: on loopback, on a free port, with its files in a given folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

from countersign_workshop.child_processes.ports import free_port, listens
from countersign_workshop.child_processes.process import Child
from countersign_workshop.parts import toolchain

START_TIMEOUT_S = 10.0


class Mosquitto:
    """Call `start`, then read `port`. `kill` and `start` again simulate a crash of the broker.

    persistent: keep sessions and queued messages over a restart.
    max_inflight, max_queued: how many messages of one client may be unacknowledged, and waiting.
    """

    def __init__(
        self,
        folder: Path,
        *,
        persistent: bool = False,
        max_inflight: int = 4096,
        max_queued: int = 100_000,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.host = "127.0.0.1"
        self.port = free_port()
        self._child: Child | None = None
        self._config = folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} {self.host}",
            "allow_anonymous true",
            # Otherwise a verdict may wait for the acknowledgement of the packet before it.
            "set_tcp_nodelay true",
            f"max_inflight_messages {max_inflight}",
            f"max_queued_messages {max_queued}",
            f"persistence {str(persistent).lower()}",
            f"persistence_location {folder}/",
            "log_type error",
        ]
        if os.geteuid() == 0:
            # Otherwise Mosquitto would become a user of its own, which cannot write to a private
            # folder.
            lines.append("user root")
        self._config.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def __enter__(self) -> Mosquitto:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._running().pid

    def start(self) -> None:
        """Return once it accepts connections. RuntimeError with its output if it does not."""
        child = Child("mosquitto", [*toolchain.mosquitto(), "-c", self._config])
        self._child = child
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s and child.running():
            if listens(self.port):
                return
            time.sleep(0.02)
        child.kill()
        raise RuntimeError(f"mosquitto does not start: {child.tail()}")

    def stop(self) -> None:
        self._running().stop()

    def kill(self) -> None:
        self._running().kill()

    def _running(self) -> Child:
        if self._child is None:
            raise RuntimeError("mosquitto was not started")
        return self._child
