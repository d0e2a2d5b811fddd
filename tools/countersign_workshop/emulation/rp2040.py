"""The emulated RP2040: runs the real image of a board and counts its cycles.

The processor, its peripherals and USB are rp2040js; the boot ROM is ours (rp2040_machine/bootrom).
Cycles are exact and repeatable, but there are no XIP cache misses and no flash times, and the boot
ROM's own cycles are ours. Wherever cycles are quoted as milliseconds, the text must say so.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from countersign_cli.board_catalogue import uf2
from countersign_cli.board_port.board_line import Line, PortError, SocketLine
from countersign_cli.board_port.raw_repl import RawRepl
from countersign_cli.board_port.service_door import Keeper, enter
from countersign_cli.mendable import Mendable
from countersign_workshop.checkout import cache_folder
from countersign_workshop.child_processes.process import Child
from countersign_workshop.parts import cross, toolchain

_FOLDER = Path(__file__).parent / "rp2040_machine"
_START_S = 60
_POWER_CUT_STATUS = 42

MEASURE = """\
import gc as _gc, machine as _machine
def cycles(work):
    # The exact cycles that work() takes on the emulator; its counter is at an address of its own.
    _gc.collect()
    memory = _machine.mem32
    state = _machine.disable_irq()
    memory[0x40070000]
    start = memory[0x40070000]
    between = memory[0x40070000]
    work()
    end = memory[0x40070000]
    _machine.enable_irq(state)
    return (end - between - (between - start)) & 0xffffffff
"""
"""Defines `cycles(work)` on the board: the cycles of one call, up to 2^32, without those of reading
the counter. Garbage is collected before the call and interrupts are off, so that the count does not
depend on other activity. It does depend on the heap: see test_rp2040.py."""


class EmulatorError(Mendable):
    """The emulated board stopped by itself. The text says where."""


class PowerCut(Mendable):
    """Power was cut as the caller asked. The flash holds what was written until then.

    output: the part of the running script's output that had left the board.
    """

    output = ""


class Rp2040:
    """One emulated board, which runs from construction until `stop`. Use it in a `with` statement.

    image: the UF2 to install first; None to boot what the flash file holds. flash: the file of its
    2 MiB of flash, made if absent and kept after the end; None for a flash that is not kept.
    cut_at: the flash operation (erase or program; the first is 0) at which power is cut, after
    cut_bytes of its bytes are done. seed: makes the ring oscillator's random bit repeatable (never
    for keys that are to be kept); None takes this machine's entropy. entropy: False for a ring
    oscillator that stands still. unique_id: the board's, 16 hexadecimal digits; by default all
    zero, which is no identifier. timeline: a file to which the emulator appends every flash
    operation and every byte that left the board, in order (flash_timeline.py). bootsel: whether the
    BOOTSEL button is held from the start.

    Raises uf2.Uf2Error for an image that is not for this chip.
    """

    def __init__(
        self,
        image: Path | None,
        *,
        flash: Path | None = None,
        cut_at: int | None = None,
        cut_bytes: int = 0,
        seed: int | None = None,
        entropy: bool = True,
        unique_id: str | None = None,
        timeline: Path | None = None,
        bootsel: bool = False,
    ) -> None:
        if image is not None:
            uf2.decode(image.read_bytes())  # a boot loader would refuse it, too
        options = {
            "modules": str(toolchain.rp2040js()),
            "rom": str(boot_rom()),
            "image": str(image) if image else None,
            "flash": str(flash) if flash else None,
            "cut_at": cut_at,
            "cut_bytes": cut_bytes,
            "seed": seed,
            "entropy": entropy,
            "unique_id": unique_id,
            "timeline": str(timeline) if timeline else None,
            "bootsel": bootsel,
        }
        self._bootsel = bootsel
        self._events: queue.Queue[dict[str, object]] = queue.Queue()
        self._last_words = ""
        self._child = Child(
            "rp2040",
            [toolchain.node(), _FOLDER / "emulator.mjs", json.dumps(options)],
            on_line=self._line,
        )
        self._repl: RawRepl | None = None
        self._connected = False
        try:
            listening = self._wait_for("listening")
            self.serial_port = int(str(listening["serial"]))
            """The TCP port on 127.0.0.1 of the board's USB serial port, for one client."""
            self.uart1_port = int(str(listening["uart1"]))
            """The TCP port on 127.0.0.1 of the board's UART1, for one client."""
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Rp2040:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._child.pid

    def stop(self) -> None:
        """Switch the board off. Its flash file then holds everything that was written."""
        self.release()
        self._child.stop()

    def wait_until_connected(self) -> None:
        """Wait until the board's USB serial port works, so that a program may connect to it."""
        if not self._connected:
            self._wait_for("connected")
            self._connected = True

    def release(self) -> None:
        """Let go of the board's serial port, so that another program can use it."""
        if self._repl is not None:
            self._repl.close()
            self._repl = None

    def ended(self) -> str | None:
        """Why the board stopped by itself, or that its power was cut; None while it runs."""
        if self._child.running():
            return None
        return self._last_words or self._child.tail()

    def wait_for_usb(self) -> None:
        """Wait until the board's USB serial port works. EmulatorError if that takes too long."""
        self._wait_for("connected")

    def wait_for_restart(self) -> None:
        """Wait until the board has reset itself."""
        self._wait_for("restarted")

    def hold_bootsel(self, held: bool) -> None:
        """Press the BOOTSEL button, or let go of it."""
        if held != self._bootsel:
            os.kill(self.pid, signal.SIGUSR2)
            self._wait_for("bootsel")
            self._bootsel = held

    def repl(self) -> RawRepl:
        """The board's raw REPL, entered. A program that ran there has been interrupted, and an
        agent has given way to the BOOTSEL button."""
        if self._repl is None:
            self.wait_until_connected()
            try:
                connection = socket.create_connection(("127.0.0.1", self.serial_port))
            except OSError:
                self._check(True)
                raise
            self._repl = RawRepl(SocketLine(connection), self._check)
            self._enter()
        return self._repl

    def run(self, script: str, timeout_s: float = 600) -> str:
        """Run a script in the raw REPL and return what it printed.

        Raises ScriptFailed if it raised, PowerCut or EmulatorError if the board stopped.
        """
        repl = self.repl()
        try:
            return repl.run(script, timeout_s)
        except PowerCut as cut:
            cut.output = repl.unread().removeprefix("OK")
            raise

    def reset(self) -> None:
        """Reset the board from within, as its reset button or a crash would."""
        self.repl().start("import machine\nmachine.reset()")
        self._wait_for("restarted")
        self._wait_for("connected")
        self._enter()

    def copy_in(self, files: Mapping[str, bytes]) -> None:
        """Write files, such as native modules, to the board's own file system."""
        self.repl().copy_in(files)

    def cycles(self, setup: str, expression: str, timeout_s: float = 600) -> int:
        """The exact cycles that the board needs to evaluate an expression once, after `setup`."""
        script = f"{setup}\n{MEASURE}\nprint(cycles(lambda: {expression}))\n"
        return int(self.run(script, timeout_s).splitlines()[-1])

    def flash_operations(self) -> int:
        """The erases and programs since the emulator started: `cut_at` for the next one."""
        script = "import machine\nprint(machine.mem32[0x40070008] + machine.mem32[0x4007000c])"
        return int(self.run(script))

    def _enter(self) -> None:
        """Enter the prompt. The restart with which an agent gives way is nobody's concern."""
        enter_service(self.repl(), self.hold_bootsel)
        while not self._events.empty():
            self._events.get()

    def _line(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            self._last_words = line
            return
        self._last_words = str(event.get("reason", self._last_words))
        self._events.put(event)

    def _wait_for(self, name: str) -> dict[str, object]:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                event = self._events.get(timeout=0.2)
            except queue.Empty:
                self._check(False)
                if time.monotonic() > deadline:
                    raise EmulatorError(f"the board is not {name} in time") from None
                continue
            if event["event"] == name:
                return event
            if event["event"] in ("stopped", "power_cut"):
                self._check(True)

    def _check(self, ended: bool) -> None:
        """Raise if the emulator has ended. ended: it has said so, or closed its connection."""
        deadline = time.monotonic() + 10
        while ended and self._child.running() and time.monotonic() < deadline:
            time.sleep(0.01)
        status = self._child.exit_status()
        if status is None:
            return
        self._child.stop()
        if status == _POWER_CUT_STATUS:
            raise PowerCut(self._last_words)
        raise EmulatorError(self._last_words or self._child.tail())


def enter_service(repl: RawRepl, hold_bootsel: Callable[[bool], None]) -> None:
    """Enter a board's raw REPL, with the BOOTSEL button if an agent runs there."""

    def unplugged() -> Line:
        raise PortError("an emulated board keeps its port")

    keeper = Keeper(say=lambda _: hold_bootsel(True), let_in=lambda: hold_bootsel(False))
    enter(repl, "the emulated board", keeper, unplugged, _START_S)


def boot_rom() -> Path:
    """Our boot ROM. It is compiled if its sources are newer."""
    sources = sorted((_FOLDER / "bootrom").iterdir())
    folder = cache_folder() / "boards/rp2040-boot-rom"
    rom = folder / "rom.bin"
    if rom.is_file() and rom.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return rom
    folder.mkdir(parents=True, exist_ok=True)
    prefix = cross.arm()
    compile_options = [
        "-mcpu=cortex-m0plus",
        "-mthumb",
        "-Os",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-ffreestanding",
        "-fno-builtin",
        "-nostdlib",
        "-ffunction-sections",
        f"-Wl,-T,{_FOLDER / 'bootrom/rom.ld'}",
    ]
    code = [str(source) for source in sources if source.suffix in (".S", ".c")]
    # The ROM is made elsewhere and moved here, because another process may be making or reading it.
    with tempfile.TemporaryDirectory(dir=folder) as name:
        elf, binary = Path(name) / "rom.elf", Path(name) / "rom.bin"
        for argv in (
            [f"{prefix}gcc", *compile_options, *code, "-lgcc", "-o", str(elf)],
            [f"{prefix}objcopy", "-O", "binary", str(elf), str(binary)],
        ):
            finished = subprocess.run(argv, capture_output=True, text=True, check=False)
            if finished.returncode != 0:
                raise EmulatorError(f"the boot ROM does not compile:\n{finished.stderr.strip()}")
        binary.replace(rom)
    return rom
