"""Proofs measured at every place. The last line printed is one JSON object.

RP2040: cycles of the real RPI_PICO image in a cycle-counting emulator without XIP cache misses, and
milliseconds at 133 MHz computed from them. QEMU: exact instructions, which are not cycles. x64:
milliseconds of this machine. A figure that could not be measured is null. The reasons are printed
before the object, on standard error, with every measured detail; --details keeps those.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from countersign_cli.mendable import Mendable
from countersign_workshop.bench_proof import boards, measure, spread


@dataclass(frozen=True)
class Place:
    """opener: opens the board with an engine. architecture: that of the place's native module."""

    opener: boards.Opener
    architecture: str
    image: str | None = None


PLACES: Mapping[str, Place] = {
    "rp2040": Place(boards.Rp2040Board, "armv6m", "RPI_PICO"),
    "qemu_mps2": Place(functools.partial(boards.QemuBoard, "QEMU_MPS2"), "armv7m", "QEMU_MPS2"),
    "qemu_rv32": Place(functools.partial(boards.QemuBoard, "QEMU_RV32"), "rv32imc", "QEMU_RV32"),
    "x64": Place(boards.UnixBoard, "x64"),
}


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if every place was measured and the prover's time is the same for every secret.

    arguments: those of `countersign bench-proof`.
    """
    names = list(arguments.only or PLACES)
    details: dict[str, Any] = {name: {} for name in names}
    result: dict[str, Any] = {name: {} for name in names}
    notes: dict[str, str] = {}
    failed: list[str] = []
    jobs: list[Callable[[], None]] = []

    def job(name: str, engine: str) -> None:
        try:
            figures = measure.measure(
                PLACES[name].opener,
                engine,
                PLACES[name].architecture,
                lambda line: _say(f"{name} {line}"),
            )
        except Mendable as fault:
            details[name][engine] = result[name][engine] = None
            notes[f"{name}.{engine}"] = str(fault)
            failed.append(name)
            _say(f"{name} {engine}: {fault}")
            return
        details[name][engine] = figures.values
        result[name][engine] = {
            key: value for key, value in figures.values.items() if not _DETAIL.fullmatch(key)
        }
        for figure, note in figures.notes.items():
            notes[f"{name}.{engine}.{figure}"] = note

    def spread_job() -> None:
        try:
            found = spread.measure(arguments.secrets)
        except Mendable as fault:
            notes["ct_spread"] = str(fault)
            failed.append("ct_spread")
            _say(f"ct_spread: {fault}")
            return
        result["ct_spread"] = found.largest()
        details["ct_spreads"] = found.spreads
        details["ct_secrets"] = found.secrets
        details["ct_heap"] = found.heap
        _say(
            f"rp2040 spread over {found.secrets} secrets: {found.spreads}; "
            f"of one secret while the heap fills: {found.heap}"
        )

    result["ct_spread"] = None
    if not arguments.secrets or "rp2040" not in names:
        notes["ct_spread"] = "not asked for"
    # This place runs alone, because it measures this machine's time. The others count, and may
    # share it.
    for name in names:
        for engine in arguments.engines:
            if PLACES[name].image is None:
                job(name, engine)
            else:
                jobs.append(functools.partial(job, name, engine))
    if arguments.secrets and "rp2040" in names:
        jobs.insert(0, spread_job)  # the longest job
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for future in [pool.submit(each) for each in jobs]:
            future.result()

    # Jobs end in any order.
    for name in names:
        result[name] = {engine: result[name][engine] for engine in arguments.engines}
    details.update(ct_spread=result["ct_spread"], rp2040_hz=measure.RP2040_HZ)
    details["notes"] = {**_GENERAL, **notes}
    for about, note in details["notes"].items():
        _say(f"note: {about}: {note}")
    if arguments.details:
        arguments.details.write_text(json.dumps(details, indent=2) + "\n", encoding="utf-8")
    sys.stderr.flush()
    print(json.dumps(result), flush=True)
    return 0 if not failed and not result["ct_spread"] else 1


# Only --details has these figures: cycles of what the result states in milliseconds, and one figure
# that explains another.
_DETAIL = re.compile(r"(prove_coupon|verify_cached|or_\w+)_cycles|heap_proof_bytes")

_GENERAL = {
    "rp2040": "the real RPI_PICO image in a cycle-counting emulator without XIP cache misses; "
    "milliseconds at 133 MHz",
    "qemu": "instructions, exact; not cycles",
    "x64": "measured milliseconds of this machine, the median of nine",
    "ct_spreads": "cycles, most less least, of a whole Prover.sign and of the engine's calls, each "
    "trial from the same RAM and registers; ct_spread is the largest of them",
    "ct_heap": "the same of Prover.sign with one secret while the heap fills: it knows no secret",
    "heap_bytes": "held after loading the library with this engine, one proof, one verification",
    "heap_proof_bytes": "allocated by one proof and one verification, none of it given back",
}


_STARTED_S = time.monotonic()


def _say(line: str) -> None:
    print(f"[{time.monotonic() - _STARTED_S:5.1f} s] {line}", file=sys.stderr, flush=True)
