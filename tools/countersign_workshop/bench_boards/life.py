"""One emulated board at one site, which can be switched on any number of times."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from countersign_workshop.bench_boards.heard import Heard, replay
from countersign_workshop.bench_boards.running_gateway import SITE, RunningGateway, running_gateway
from countersign_workshop.child_processes.events import Stuck
from countersign_workshop.emulation.emulated_board import BoardStopped, EmulatedBoard, for_gateway

SHORTEST_INTERVAL_MS = 100
"""The shortest interval that the agent's configuration takes (countersign_agent/config.py)."""

BACK_TO_BACK = """\
import micropython
micropython.kbd_intr(-1)
from countersign_agent import config, main
from countersign_agent.transports import serial_stream
_config = config.load_config("/countersign.json")
_config.check_in_interval_ms = 0
serial_stream.claim()
main.build(_config).run()
"""
"""The image's agent, without its pause between a verdict and the next evidence."""

_LOOK_EVERY_S = 0.05
# This is counted in looks and not by a clock, so that a run that is stopped for a while (SIGSTOP, a
# suspended machine) goes on where it was.
_NO_PROGRESS_S = 300.0
# After this time the gateway has opened the line again, so that no board has to wait for that.
_REOPENED_S = 1.5


class Life:
    """A board that is off. Enter `at_a_site`, then call `power_on` any number of times."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self._folder = folder
        self._heard = Heard()
        self.board = EmulatedBoard(kind, folder / "board", on_bytes=self._take)
        self._gateway: RunningGateway | None = None
        self._starts = 0

    @contextmanager
    def at_a_site(self) -> Iterator[Life]:
        """Put a gateway on the board's line. The board and the gateway end with the block."""
        try:
            with running_gateway(self._folder / "site", self.board.serial_url) as gateway:
                self._gateway = gateway
                self.board.configure(
                    for_gateway(
                        SITE,
                        gateway.public_key,
                        "board",
                        check_in_interval_ms=SHORTEST_INTERVAL_MS,
                    )
                )
                yield self
        finally:
            self.board.stop()

    def power_on(
        self,
        verified: int,
        *,
        start: str | None = None,
        progress: Callable[[Heard], None] = lambda _: None,
    ) -> Heard:
        """Switch on, wait for `verified` check-ins that were allowed, switch off. Returns what was
        heard.

        Times are the board's own if it is an emulated RP2040, else this machine's. progress is
        called from time to time. Raises BoardStopped, GatewayEnded and events.Stuck.
        """
        time.sleep(_REOPENED_S)
        self._heard = heard = Heard()
        self._starts += 1
        record = self._folder / f"timeline-{self._starts}" if self.is_recorded else None
        try:
            self.board.power_on(start=start, timeline=record)
            self._wait(heard, verified, progress)
        finally:
            self.board.power_off()
        if record is None:
            return heard
        replayed = replay(record)
        record.unlink()
        return replayed

    @property
    def is_recorded(self) -> bool:
        """Whether figures are in the board's own time and every erase of its flash is known."""
        return self.kind == "RPI_PICO"

    def _take(self, data: bytes) -> None:
        self._heard.feed(data, time.monotonic() * 1000)

    def _wait(self, heard: Heard, verified: int, progress: Callable[[Heard], None]) -> None:
        seen = looks = 0
        while len(heard.verified_ms) < verified:
            time.sleep(_LOOK_EVERY_S)
            looks += 1
            if not self.board.running():
                raise BoardStopped(f"{self.kind}: {self.board.why_not_running()}")
            if self._gateway is not None:
                self._gateway.check()
            if len(heard.verified_ms) > seen:
                seen, looks = len(heard.verified_ms), 0
                progress(heard)
            elif looks * _LOOK_EVERY_S > _NO_PROGRESS_S:
                raise Stuck(
                    f"{self.kind}: no check-in in {_NO_PROGRESS_S:.0f} s; the last of it:\n"
                    f"{self.board.tail()}"
                )
