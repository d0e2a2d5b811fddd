"""One emulated board, which can be switched on and off, on lines that keep their names."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from countersign_workshop.child_processes.events import Event, Events
from countersign_workshop.emulation.emulated_board.line_tap import LineTap
from countersign_workshop.emulation.emulated_board.machines import (
    KINDS,
    BoardStopped,
    Machine,
    PowerOn,
)
from countersign_workshop.emulation.emulated_board.settings import Settings


class EmulatedBoard:
    """A board of one of KINDS. It is off until `power_on` or a `with` statement.

    folder: made if absent; holds what the board keeps without power, so the same folder is the same
    board. settings: the agent's settings, which are written to the board when it is next switched
    on. With None the board keeps those that it has; without any it is at its prompt (RPI_PICO) or
    does nothing. image: used in place of the one that was built last. entropy: False for a board
    that has none and whose agent must not start. serial_port, uart_port: TCP ports for the lines; 0
    takes free ones. on_line: called, from another thread, with each line of text that the board
    says on its serial port. on_bytes: called in the same way with all bytes from that port.
    """

    def __init__(
        self,
        kind: str,
        folder: Path,
        *,
        settings: Settings | None = None,
        image: Path | None = None,
        entropy: bool = True,
        serial_port: int = 0,
        uart_port: int = 0,
        on_line: Callable[[str], None] = lambda _: None,
        on_bytes: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.kind = kind
        self.name = folder.name
        self.folder = folder
        self.events = Events()
        """Every JSON line that the agent printed, over all its starts."""
        self._settings = settings
        self._entropy = entropy
        self._machine: Machine = KINDS[kind](folder, image)
        take_event = self.events.listener(kind)
        self._last_lines: deque[str] = deque(maxlen=40)

        def take(line: str) -> None:
            self._last_lines.append(line)
            take_event(line)
            on_line(line)

        self._serial = LineTap(take, serial_port, on_bytes)
        self._uart = LineTap(lambda _: None, uart_port) if self._machine.has_uart else None

    def __enter__(self) -> EmulatedBoard:
        try:
            self.power_on()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def serial_url(self) -> str:
        """The USB or only serial port: `socket://127.0.0.1:PORT`, the same for the board's life."""
        return self._serial.url

    @property
    def uart_url(self) -> str | None:
        """UART 1; None if the board has none."""
        return None if self._uart is None else self._uart.url

    @property
    def image(self) -> Path | None:
        """The image that the board runs; None where MicroPython is a program of the workstation."""
        return self._machine.image

    @property
    def flash(self) -> Path | None:
        """The file that holds the board's flash; None if it has no flash."""
        return self._machine.flash

    def configure(self, settings: Settings) -> None:
        """Set other settings for the agent. They take effect when the board is next switched on."""
        self._settings = settings

    def power_on(
        self,
        *,
        cut_at: int | None = None,
        cut_bytes: int = 0,
        start: str | None = None,
        timeline: Path | None = None,
    ) -> None:
        """Switch the board on.

        cut_at, cut_bytes: the flash operation at which power is cut (rp2040.py). start: a script
        that runs in place of the agent's own start. timeline: a file to which an emulated RP2040
        appends what it does to its flash and what it says (rp2040.py).
        """
        text = None if self._settings is None else json.dumps(self._settings).encode()
        self._machine.power_on(
            PowerOn(
                self._serial,
                self._uart,
                text,
                self._entropy,
                cut_at,
                cut_bytes,
                start=start,
                timeline=timeline,
            )
        )

    def power_off(self) -> None:
        """Cut the power, at any moment."""
        self._machine.power_off()
        self._serial.disconnect()
        if self._uart is not None:
            self._uart.disconnect()

    def stop(self) -> None:
        """Switch the board off and release its ports. It cannot be switched on again."""
        self.power_off()
        self._serial.close()
        if self._uart is not None:
            self._uart.close()

    def running(self) -> bool:
        """Whether the board is on and runs. False after a power cut too."""
        return self._machine.ended() is None

    def tail(self) -> str:
        """The last lines that the board said."""
        return "\n".join(self._last_lines)

    def why_not_running(self) -> str:
        """Why the board does not run, in a sentence for people."""
        return self._machine.ended() or "it runs"

    def wait_for(
        self, name: str, count: int = 1, timeout_s: float = 300, **wanted: Any
    ) -> list[Event]:
        """The agent's events with that name and these fields, once there are `count` of them.

        Raises BoardStopped if the board ends first, events.Stuck after timeout_s.
        """

        def found() -> list[Event]:
            events = self.events.select(name, **wanted)
            return events if len(events) >= count else []

        def alive() -> None:
            reason = self._machine.ended()
            if reason is not None and not found():
                raise BoardStopped(f"{self.kind}: {reason}")

        result: list[Event] = self.events.wait(f"{name} of {self.name}", found, timeout_s, alive)
        return result
