"""The QEMU machines: MicroPython for a bare processor.

The instruction set is that of a board, and instructions are counted exactly and repeatably. Nothing
else is like a board: QEMU gives no flash, no radio and no entropy, and it counts no cycles.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from countersign_cli.board_port.board_line import SocketLine
from countersign_cli.board_port.raw_repl import RawRepl
from countersign_cli.mendable import Mendable
from countersign_workshop.child_processes.process import Child
from countersign_workshop.images import firmware_build
from countersign_workshop.parts import processors

_START_S = 60
# Each instruction takes 2^7 ns of the machine's time. That is longer than a tick of any of its
# timers, so the timer's reading gives the exact number of instructions.
_INSTRUCTION_SHIFT = 7
_COUNTING = f"shift={_INSTRUCTION_SHIFT},align=off,sleep=off"


class EmulatorError(Mendable):
    """QEMU stopped by itself. The text is its last output."""


@dataclass(frozen=True)
class Machine:
    """timer: an address to read; each of its ticks takes tick_ns. sign: -1 if it counts down.

    start: a statement that starts the timer. latch: a statement that must come before each reading.
    """

    program: str
    arguments: tuple[str, ...]
    timer: int
    tick_ns: int
    sign: int
    start: str
    latch: str = "pass"


MACHINES = {
    "QEMU_M0": Machine(
        "qemu-system-arm",
        # The machine has more flash and RAM than the chip: room for the agent, and for files in
        # RAM.
        (
            "-machine",
            "microbit",
            "-global",
            f"nrf51-soc.flash-size={1 << 20}",
            "-global",
            f"nrf51-soc.sram-size={2 << 20}",
        ),
        0x40008540,
        125,
        1,
        # The nRF51's TIMER0: 32 bits, 16 MHz / 2^1, start. A capture makes it readable.
        "_m[0x40008508] = 3; _m[0x40008510] = 1; _m[0x40008000] = 1",
        "_m[0x40008040] = 1",
    ),
    "QEMU_MPS2": Machine(
        "qemu-system-arm",
        ("-machine", "mps2-an385"),
        0x40000004,
        40,
        -1,
        # CMSDK timer 0: reload value, current value, enable.
        "_m[0x40000008] = _m[0x40000004] = 0xffffffff; _m[0x40000000] = 1",
    ),
    "QEMU_RV32": Machine(
        "qemu-system-riscv32",
        ("-machine", "virt", "-bios", "none"),
        0x0200BFF8,  # the low word of mtime, which always runs
        100,
        1,
        "pass",
    ),
}


class Qemu:
    """One emulated processor, which runs from construction until `stop`. Use it in a `with`
    statement.

    board: a key of MACHINES. image: the ELF file; by default the one that was built last. counted:
    the machine's time is that of the instructions executed; without it, the workstation's time.
    """

    def __init__(self, board: str, image: Path | None = None, *, counted: bool = True) -> None:
        self._counted = counted
        self._machine = MACHINES[board]
        self._has_files = False
        kernel = image or firmware_build.built(board).elf
        with (
            socket.create_server(("127.0.0.1", 0)) as serial,
            socket.create_server(("127.0.0.1", 0)) as monitor,
        ):
            ports = (serial.getsockname()[1], monitor.getsockname()[1])
            self._child = Child(board, self._command(kernel, *ports))
            try:
                self._connection = self._accept(serial)
                self._monitor = self._accept(monitor)
            except TimeoutError:
                raise EmulatorError(f"QEMU does not start: {self._tail()}") from None
        self._repl = RawRepl(SocketLine(self._connection), self._check)
        try:
            self._repl.wait_for_prompt()
            # Until the image has set up its UART, QEMU does not look at the serial line, and it
            # does not look again by itself afterwards. Any input on another connection makes it
            # look.
            self._monitor.sendall(b"\n")
            self._repl.enter()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Qemu:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._repl.close()
        self._monitor.close()
        self._child.stop()

    def run(self, script: str, timeout_s: float = 600) -> str:
        """Run a script in the raw REPL and return what it printed; ScriptFailed if it raised."""
        return self._repl.run(script, timeout_s)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files to a file system that a script has mounted."""
        self._repl.copy_in(files)

    def hand_over(self, script: str) -> socket.socket:
        """Start a last script. Returns the line on which its output comes."""
        self._repl.start(script)
        return self._connection.dup()

    def ended(self) -> str | None:
        """Why QEMU has stopped by itself; None while it runs."""
        return None if self._child.running() else f"QEMU ended: {self._child.tail()}"

    def copy_in(self, files: Mapping[str, bytes]) -> None:
        """Write files to a file system in RAM at /ram, where imports look too.

        A relative name is a name in /ram.
        """
        if not self._has_files:
            self.run(_RAM_FILES)
            self._has_files = True
        self._repl.copy_in({f"/ram/{name.removeprefix('/ram/')}": f for name, f in files.items()})

    def instructions(self, setup: str, expression: str, timeout_s: float = 600) -> int:
        """The instructions that the board needs to evaluate an expression once, after `setup`.

        The count is exact but for one or two: a timer is read before and after, and its ticks are
        not whole instructions. On QEMU_MPS2, where the timer has 32 bits, at most 1.3 thousand
        million can be counted.
        """
        machine = self._machine
        script = (
            f"{setup}\nimport gc as _gc, machine as _machine\n_m = _machine.mem32\n"
            f"{machine.start}\n_work = lambda: {expression}\n_nothing = lambda: None\n"
            "def _ticks(work):\n"
            "    _gc.collect()\n"
            f"    {machine.latch}\n"
            f"    start = _m[{machine.timer}]\n"
            "    work()\n"
            f"    {machine.latch}\n"
            f"    return ((_m[{machine.timer}] - start) * {machine.sign}) & 0xffffffff\n"
            "_ticks(_nothing)\n"
            "_empty = _ticks(_nothing)\nprint(_ticks(_work) - _empty)\n"
        )
        ticks = int(self.run(script, timeout_s).splitlines()[-1])
        length_ns = 1 << _INSTRUCTION_SHIFT
        return (ticks * machine.tick_ns + length_ns // 2) // length_ns

    def _command(self, kernel: Path, serial_port: int, monitor_port: int) -> list[str]:
        return [
            *processors.machine(self._machine.program),
            *self._machine.arguments,
            "-nodefaults",
            "-display",
            "none",
            "-monitor",
            f"tcp:127.0.0.1:{monitor_port}",
            "-semihosting",
            *(("-icount", _COUNTING) if self._counted else ()),
            "-serial",
            f"tcp:127.0.0.1:{serial_port},nodelay=on",
            "-kernel",
            str(kernel),
        ]

    def _accept(self, server: socket.socket) -> socket.socket:
        server.settimeout(_START_S)
        connection, _ = server.accept()
        return connection

    def _check(self, _ended: bool) -> None:
        if not self._child.running():
            raise EmulatorError(f"QEMU ended: {self._tail()}")

    def _tail(self) -> str:
        self._child.stop()
        return self._child.tail()


_RAM_FILES = """\
import io, sys, vfs
class _Writer(io.IOBase):
    def __init__(self, files, name):
        files[name] = b''
        self.files, self.name = files, name
    def write(self, data):
        self.files[self.name] += bytes(data)
        return len(data)
    def close(self):
        pass
class _Files:
    def __init__(self):
        self.files, self.folders = {}, {''}
    def mount(self, readonly, mkfs):
        pass
    def umount(self):
        pass
    def mkdir(self, name):
        if self._plain(name) in self.folders:
            raise OSError(17)
        self.folders.add(self._plain(name))
    def stat(self, name):
        name = self._plain(name)
        if name in self.folders:
            return (0x4000,) + (0,) * 9
        if name in self.files:
            return (0x8000,) + (0,) * 5 + (len(self.files[name]),) + (0,) * 3
        raise OSError(2)
    def open(self, name, mode):
        name = self._plain(name)
        if 'w' in mode:
            return _Writer(self.files, name)
        if name not in self.files:
            raise OSError(2)
        if 'b' in mode:
            return io.BytesIO(self.files[name])
        return io.StringIO(str(self.files[name], 'utf-8'))
    def _plain(self, name):
        return name.strip('/')
vfs.mount(_Files(), '/ram')
sys.path.append('/ram')
"""
