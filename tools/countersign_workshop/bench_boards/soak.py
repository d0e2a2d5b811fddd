"""One emulated board that checks in many times, and whether it passes.

The board checks in at a real gateway over its serial line, at the shortest interval that a
configuration may ask for. It passes under three conditions. Every check-in was allowed without
trouble. Free memory stays where it is (trend.py). The flash lasts ten years at one check-in a
minute, even if all erases met one sector. The board's free memory is the reading `heap_free` in its
evidence, which it takes after a collection.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from countersign_workshop.bench_boards import trend, wear
from countersign_workshop.bench_boards.heard import Heard
from countersign_workshop.bench_boards.life import Life

LEAST_CHECK_INS = 200
LEAST_YEARS = 10.0
_TOLD_EVERY_S = 30.0


def soak(kind: str, check_ins: int) -> dict[str, Any]:
    """Run the board to the end. Returns the figures, with a sentence in `faults` for each condition
    that it missed.

    Raises Mendable or OSError if the run cannot be finished.
    """
    with (
        tempfile.TemporaryDirectory(prefix="countersign-") as folder,
        Life(kind, Path(folder)).at_a_site() as life,
    ):
        if life.is_recorded:
            life.power_on(1)  # makes its identity and enrols, which is not measured
        begin_s = time.monotonic()
        heard = life.power_on(check_ins + 1, progress=_Progress())
        host_s = time.monotonic() - begin_s
        recorded = life.is_recorded
    return {"board": kind, "host_s": round(host_s), **judge(heard, check_ins, recorded)}


def judge(heard: Heard, check_ins: int, recorded: bool) -> dict[str, Any]:
    """The figures of a run of so many check-ins after the first. recorded: erases are known."""
    samples = [check_in.heap_free for check_in in heard.check_ins[1 : check_ins + 1]]
    left_out = trend.warm_up(len(samples))
    settled = samples[left_out:]
    rise = trend.rise(settled)
    faults = []
    if len(samples) < check_ins:
        faults.append(f"{len(samples)} check-ins were seen of {check_ins}")
    if rise < trend.LEAST_BYTES:
        faults.append(f"free memory falls by {-rise:.0f} bytes over the run")
    if heard.troubles:
        faults.append(f"there was trouble: {dict(heard.troubles)}")
    figures: dict[str, Any] = {
        "check_ins": len(samples),
        "heap": {
            "warm_up_check_ins": left_out,
            "first_bytes": settled[0],
            "last_bytes": settled[-1],
            "least_bytes": min(settled),
            "most_bytes": max(settled),
            "trend_bytes": round(rise),
            "trend_least_bytes": trend.LEAST_BYTES,
        },
        "flash": None,
        "troubles": dict(heard.troubles),
        "faults": faults,
    }
    if recorded:
        worn = wear.between(heard.erases, 1, 1 + check_ins)
        figures["flash"] = {
            "erases": worn.erases,
            "erases_per_check_in": round(worn.erases_per_check_in, 6),
            "sectors_erased": worn.sectors,
            "worst_sector_erases": worn.worst,
            "rated_cycles": wear.RATED_CYCLES,
            "years_if_one_sector": _rounded(worn.years_if_one_sector),
            "years_of_worst_sector": _rounded(worn.years_of_worst_sector),
        }
        years = worn.years_if_one_sector
        if years is not None and years < LEAST_YEARS:
            faults.append(f"the flash may last {years:.1f} years, wanted are {LEAST_YEARS:.0f}")
    return figures


def _rounded(years: float | None) -> float | None:
    return None if years is None else round(years, 1)


class _Progress:
    """Prints a line of progress each half minute."""

    def __init__(self) -> None:
        self._begin_s = self._told_s = time.monotonic()

    def __call__(self, heard: Heard) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s >= _TOLD_EVERY_S:
            self._told_s = now_s
            print(
                f"[{now_s - self._begin_s:6.0f} s] {len(heard.verified_ms)} check-ins, "
                f"{heard.check_ins[-1].heap_free} bytes of heap free",
                file=sys.stderr,
                flush=True,
            )
