"""The kinds of emulated boards, each with the same few methods."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from countersign_cli.board_port.board_line import SocketLine
from countersign_cli.board_port.raw_repl import RawRepl
from countersign_cli.mendable import Mendable
from countersign_cli.provisioning.bundle import CONFIG_PATH
from countersign_workshop.checkout import ROOT
from countersign_workshop.child_processes.process import Child
from countersign_workshop.emulation import qemu, rp2040
from countersign_workshop.emulation.emulated_board.line_tap import LineTap
from countersign_workshop.images import firmware_build
from countersign_workshop.parts import micropython


class BoardStopped(Mendable):
    """An emulated board has ended by itself, or its power was cut as the caller asked."""


@dataclass(frozen=True)
class PowerOn:
    """How a board is switched on.

    settings: the content of its configuration file, or None to leave it as it is. start: a script
    that runs in place of the agent's own start. timeline: the file in which an emulated RP2040
    records what it does (rp2040.py).
    """

    serial: LineTap
    uart: LineTap | None
    settings: bytes | None
    entropy: bool
    cut_at: int | None
    cut_bytes: int
    start: str | None = None
    timeline: Path | None = None


class Machine(Protocol):
    """One board's hardware. image, flash: None where the board has none."""

    @property
    def has_uart(self) -> bool: ...

    @property
    def image(self) -> Path | None: ...

    @property
    def flash(self) -> Path | None: ...

    def power_on(self, how: PowerOn) -> None:
        """Switch on and connect the lines. The agent starts if the board has settings."""

    def power_off(self) -> None:
        """Cut the power at once. Does nothing if the board is off."""

    def ended(self) -> str | None:
        """Why the board does not run; None while it runs."""


class Rp2040Board:
    """The real image on the emulated RP2040. It keeps its flash and number, and starts by
    itself."""

    has_uart = True

    def __init__(self, name: str, folder: Path, image: Path | None) -> None:
        self.image = image or firmware_build.built(name).file
        self._folder = folder
        self.flash = folder / "flash.bin"
        # The settings that the board received last, so that it is interrupted only for other ones.
        self._told = folder / "countersign.json"
        self._chip: rp2040.Rp2040 | None = None

    def power_on(self, how: PowerOn) -> None:
        self.power_off()
        self._chip = rp2040.Rp2040(
            self.image,
            flash=self.flash,
            cut_at=how.cut_at,
            cut_bytes=how.cut_bytes,
            entropy=how.entropy,
            unique_id=self._number(),
            timeline=how.timeline,
        )
        told = self._told.read_bytes() if self._told.is_file() else None
        if how.settings is not None and how.settings != told:
            # This comes before the line is connected: a gateway that waits for the line would
            # interfere.
            self._tell(self._chip, how.settings)
        if how.start is None:
            how.serial.connect(_connected(self._chip.serial_port))
        else:
            how.serial.connect(_started(self._chip, how.start))
        if how.uart is not None:
            how.uart.connect(_connected(self._chip.uart1_port))

    def _number(self) -> str:
        """The board's unique identifier, which is made once, as if at the factory."""
        kept = self._folder / "unique_id"
        if not kept.is_file():
            kept.write_text(secrets.token_hex(8), encoding="ascii")
        return kept.read_text(encoding="ascii")

    def power_off(self) -> None:
        if self._chip is not None:
            self._chip.stop()
            self._chip = None

    def ended(self) -> str | None:
        return "it is off" if self._chip is None else self._chip.ended()

    def _tell(self, chip: rp2040.Rp2040, settings: bytes) -> None:
        chip.wait_for_usb()
        repl = RawRepl(SocketLine(_connected(chip.serial_port)))
        try:
            rp2040.enter_service(repl, chip.hold_bootsel)
            repl.copy_in({CONFIG_PATH: settings})
            repl.start("import machine\nmachine.reset()")
            chip.wait_for_restart()
        finally:
            repl.close()
        self._told.touch(0o600)
        self._told.write_bytes(settings)


class QemuBoard:
    """An image on one of the QEMU machines, in real time. It keeps nothing: each start is a new
    device.

    The machine has no entropy but the seed that this class injects. This class also starts its
    agent.
    """

    has_uart = False
    flash = None

    def __init__(self, name: str, _folder: Path, image: Path | None) -> None:
        self._name = name
        self.image: Path | None = image or firmware_build.built(name).elf
        self._machine: qemu.Qemu | None = None

    def power_on(self, how: PowerOn) -> None:
        if how.cut_at is not None or how.timeline is not None:
            raise ValueError(f"{self._name} has no flash, so there is no operation to cut or note")
        self.power_off()
        self._machine = qemu.Qemu(self._name, self.image, counted=False)
        if how.settings is not None:
            self._machine.run(_RAM_FLASH)
            self._machine.write({CONFIG_PATH: how.settings})
            if how.entropy:
                seed = secrets.token_bytes(32)
                self._machine.run(f"import emulated_entropy\nemulated_entropy.inject({seed!r})")
            # Print an empty line first, because the prompt's answer to a script ends without a
            # newline.
            start = f"from countersign_agent.main import main\nmain({CONFIG_PATH!r})"
            how.serial.connect(self._machine.hand_over(f"print()\n{how.start or start}"))
        else:
            how.serial.connect(self._machine.hand_over("pass"))

    def power_off(self) -> None:
        if self._machine is not None:
            self._machine.stop()
            self._machine = None

    def ended(self) -> str | None:
        return "it is off" if self._machine is None else self._machine.ended()


class ProcessBoard:
    """The agent on MicroPython as a process. Its serial port is standard input and output.

    The process takes its randomness from the workstation, so it cannot be run without entropy.
    """

    has_uart = False
    image = None
    flash = None

    def __init__(self, runtime: str | None, folder: Path) -> None:
        self._runtime = runtime
        self._folder = folder
        self._child: Child | None = None

    def power_on(self, how: PowerOn) -> None:
        if how.cut_at is not None or how.timeline is not None or not how.entropy:
            raise ValueError("a process has neither a flash to cut nor entropy to go without")
        if how.start is not None:
            raise ValueError("a process runs the agent and no script")
        self.power_off()
        config = self._folder / "countersign.json"
        if how.settings is not None:
            config.touch(0o600)
            config.write_bytes(
                how.settings.replace(b'"/key_store"', b'"%s/key_store"' % bytes(self._folder))
            )
        ours, theirs = socket.socketpair()
        with theirs:
            self._child = Child(
                "device",
                [*micropython.argv(self._runtime), "-m", "countersign_agent", config],
                environment=micropython.environment(
                    [ROOT / "firmware/lib", ROOT / "firmware/agent"]
                ),
                terminal=theirs.fileno(),
            )
        how.serial.connect(ours)

    def power_off(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None

    def ended(self) -> str | None:
        if self._child is None:
            return "it is off"
        if self._child.running():
            return None
        return f"the process ended with status {self._child.exit_status()}"


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


def _started(chip: rp2040.Rp2040, script: str) -> socket.socket:
    """Take the board's prompt, start a script, and return the line on which the script talks."""
    chip.wait_for_usb()
    connection = _connected(chip.serial_port)
    repl = RawRepl(SocketLine(connection))
    try:
        rp2040.enter_service(repl, chip.hold_bootsel)
        line = connection.dup()
        repl.start(f"print()\n{script}")
    finally:
        repl.close()
    return line


def _rp2040(name: str) -> Callable[[Path, Path | None], Machine]:
    return lambda folder, image: Rp2040Board(name, folder, image)


def _qemu(name: str) -> Callable[[Path, Path | None], Machine]:
    return lambda folder, image: QemuBoard(name, folder, image)


def _process(runtime: str | None) -> Callable[[Path, Path | None], Machine]:
    return lambda folder, _image: ProcessBoard(runtime, folder)


KINDS: dict[str, Callable[[Path, Path | None], Machine]] = {
    "RPI_PICO": _rp2040("RPI_PICO"),
    **{name: _qemu(name) for name in qemu.MACHINES},
    "UNIX": _process(None),
    "UNIX_ARMHF": _process("armhf"),
}
"""The emulated boards. UNIX: MicroPython as a process; UNIX_ARMHF: the same, on 32-bit ARM."""

# LittleFS, whose rename is atomic, on a block device in RAM.
_RAM_FLASH = """\
import vfs
class _Ram:
    def __init__(self):
        self.data = bytearray(b'\\xff' * 65536)
    def readblocks(self, block, buffer, offset=0):
        start = block * 4096 + offset
        buffer[:] = self.data[start:start + len(buffer)]
    def writeblocks(self, block, buffer, offset=0):
        start = block * 4096 + offset
        self.data[start:start + len(buffer)] = buffer
    def ioctl(self, request, argument):
        if request == 4:
            return 16
        if request == 5:
            return 4096
        if request == 6:
            self.data[argument * 4096:(argument + 1) * 4096] = b'\\xff' * 4096
        return 0
_ram = _Ram()
vfs.VfsLfs2.mkfs(_ram)
vfs.mount(_ram, '/')
"""
