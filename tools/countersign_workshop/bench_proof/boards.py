"""The places where proofs are measured, with one interface: run a script, and count.

Each place counts in its own unit, and no unit is converted into another: cycles on the RP2040,
instructions under QEMU, microseconds on this machine.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

from countersign_cli.mendable import Mendable
from countersign_workshop.checkout import ROOT
from countersign_workshop.emulation import qemu, rp2040
from countersign_workshop.images import firmware_build, native
from countersign_workshop.parts import cross, micropython

ENGINES = ("native", "pure")
_MODULE_FILE = f"{native.MODULE}.mpy"


class Board(Protocol):
    """A running MicroPython. engine: the one that its proofs use."""

    unit: str
    engine: str

    def prepare(self, script: str) -> None:
        """Run a script whose names later scripts use."""

    def run(self, script: str) -> str:
        """Run a script and return what it printed."""


Opener = Callable[[str], AbstractContextManager[Board]]
"""Opens a board with "native" or "pure"; with "pure" no native module can be imported."""

# The counter has 32 bits and Python's small integers have 31. Machine code therefore reads it into
# memory that was allocated before, and only the work happens between the two readings. The work
# runs without interrupts, because timers and USB are no part of its cost. It starts from a
# collected heap, because the time to find free memory depends on what is there.
_RP2040_PRELUDE = """\
import array, gc, machine, micropython
_start, _end = array.array('I', [0]), array.array('I', [0])
_COUNTER = 0x40070000
@micropython.asm_thumb
def _read(r0, r1):
    ldr(r1, [r1, 0])
    str(r1, [r0, 0])
    mov(r0, 0)
def count(work, ready=None):
    if ready is not None:
        ready()
    gc.collect()
    state = machine.disable_irq()
    try:
        _read(_start, _COUNTER)
        work()
        _read(_end, _COUNTER)
    finally:
        machine.enable_irq(state)
    return (_end[0] - _start[0]) & 0xffffffff
"""

# The words below the stack are filled with a mark. The deepest word that lost its mark shows how
# much stack the work used.
_STACK_PRELUDE = """\
import gc, machine, micropython
_BOTTOM, _TOP, _MARK = {bottom}, {top}, 0x2a55aa55
_off = getattr(machine, 'disable_irq', lambda: None)
_on = getattr(machine, 'enable_irq', lambda state: None)
def stack_of(work):
    gc.collect()
    used = (lambda: micropython.stack_use())()
    memory = machine.mem32
    state = _off()
    at = _BOTTOM
    end = (_TOP - used - 256) & ~3
    while at < end:
        memory[at] = _MARK
        at += 4
    work()
    at = _BOTTOM
    while at < end and memory[at] == _MARK:
        at += 4
    _on(state)
    if at == _BOTTOM:
        raise RuntimeError('the stack is too small to be measured')
    return _TOP - used - at
"""

_NO_STACK = "def stack_of(work):\n    return None\n"


class _OnBoard:
    def __init__(self, unit: str, engine: str, run: Callable[[str, float], str]) -> None:
        self.unit = unit
        self.engine = engine
        self._run = run

    def prepare(self, script: str) -> None:
        self.run(script)

    def run(self, script: str) -> str:
        return self._run(script, 3600)


# A board's image has the native engine built in. The pure engine runs where that cannot be
# imported.
_WITHOUT_NATIVE = "import sys\nsys.modules['countersign_native'] = None\n"


class Rp2040Board(AbstractContextManager["Board"]):
    """The real RPI_PICO image. Its native engine is hidden if the pure one is wanted."""

    def __init__(self, engine: str, files: Mapping[str, bytes] | None = None) -> None:
        """files: written to the board's file system as well."""
        self._engine = engine
        self._files = files or {}
        self._stack = ExitStack()

    def __enter__(self) -> Board:
        image = firmware_build.built("RPI_PICO")
        board = self._stack.enter_context(rp2040.Rp2040(image.file))
        board.run(_WITHOUT_NATIVE if self._engine == "pure" else "pass")
        board.copy_in(self._files)
        board.run(_RP2040_PRELUDE)
        symbols = _symbols(cross.arm(), image.elf)
        board.run(_STACK_PRELUDE.format(bottom=symbols["__StackBottom"], top=symbols["__StackTop"]))
        return _OnBoard("cycles", self._engine, board.run)

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class QemuBoard(AbstractContextManager["Board"]):
    """MicroPython on a bare processor under QEMU, which counts its instructions."""

    def __init__(self, name: str, engine: str) -> None:
        self._name = name
        self._engine = engine
        self._stack = ExitStack()

    def __enter__(self) -> Board:
        image = firmware_build.built(self._name)
        board = self._stack.enter_context(qemu.Qemu(self._name, image.elf))
        board.run(_WITHOUT_NATIVE if self._engine == "pure" else "pass")
        machine = qemu.MACHINES[self._name]
        board.run(
            _QEMU_PRELUDE.format(
                start=machine.start,
                timer=machine.timer,
                latch=machine.latch,
                sign=machine.sign,
                tick_ns=machine.tick_ns,
                instruction_ns=2**qemu._INSTRUCTION_SHIFT,
            )
        )
        symbols = _symbols(_QEMU_PREFIXES[self._name](), image.elf)
        top = symbols["_estack"]
        board.run(_STACK_PRELUDE.format(bottom=top - _QEMU_STACK_BYTES, top=top))
        return _OnBoard("instructions", self._engine, board.run)

    def __exit__(self, *_: object) -> None:
        self._stack.close()


# The count includes the overhead of a call, some hundred instructions.
_QEMU_PRELUDE = """\
import gc, machine
_m = machine.mem32
{start}
def count(work, ready=None):
    if ready is not None:
        ready()
    gc.collect()
    {latch}
    start = _m[{timer}]
    work()
    {latch}
    ticks = ((_m[{timer}] - start) * {sign}) & 0xffffffff
    return ticks * {tick_ns} // {instruction_ns}
"""

_QEMU_PREFIXES = {"QEMU_M0": cross.arm, "QEMU_MPS2": cross.arm, "QEMU_RV32": cross.riscv}
# MicroPython limits itself to 10 KiB there, so this is more than it uses, and holds nothing else.
_QEMU_STACK_BYTES = 12 * 1024

_UNIX_PRELUDE = """\
import gc, time
def count(work, ready=None):
    times = []
    for _ in range(9):
        if ready is not None:
            ready()
        gc.collect()
        start = time.ticks_us()
        work()
        times.append(time.ticks_diff(time.ticks_us(), start))
    return sorted(times)[4]
"""


class UnixBoard(AbstractContextManager["Board"]):
    """The Unix port on this machine. Each measurement is the median of nine, in microseconds.

    Each script runs in a new process.
    """

    def __init__(self, engine: str) -> None:
        self.unit = "us"
        self.engine = engine
        self._prepared = [_UNIX_PRELUDE + _NO_STACK]
        self._stack = ExitStack()

    def __enter__(self) -> Board:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        if self.engine == "native":
            module = native.module(micropython.host_runtime())
            (self._folder / _MODULE_FILE).write_bytes(module.read_bytes())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def prepare(self, script: str) -> None:
        self._prepared.append(script)

    def run(self, script: str) -> str:
        path = self._folder / "script.py"
        path.write_text("\n".join([*self._prepared, script]), encoding="utf-8")
        finished = subprocess.run(
            # The heap is large enough that no garbage is collected meanwhile.
            [*micropython.argv(heap_bytes=8_000_000), str(path)],
            env=micropython.environment([self._folder, ROOT / "firmware/lib"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            raise MeasurementFailed(finished.stdout.strip().splitlines()[-1])
        return finished.stdout


class MeasurementFailed(Mendable):
    """A figure could not be measured. The text says why."""


def _symbols(prefix: str, program: Path) -> dict[str, int]:
    listing = subprocess.run(
        [f"{prefix}nm", program], check=True, capture_output=True, text=True
    ).stdout
    return {words[2]: int(words[0], 16) for words in map(str.split, listing.splitlines())}
