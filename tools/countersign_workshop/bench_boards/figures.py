"""The figures of one emulated board, from check-ins at a real gateway over its serial line."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from countersign_agent.keys import counters
from countersign_workshop.bench_boards import wear
from countersign_workshop.bench_boards.heard import Heard
from countersign_workshop.bench_boards.life import BACK_TO_BACK, Life
from countersign_workshop.images import firmware_build, image_budget

Figures = dict[str, Any]

# A Raspberry Pi Pico has to reach these: (figure, least, most).
WANTED = (
    ("heap_free_bytes", 150_000, None),
    ("boot_to_verified_ms", None, 1_500),
    ("erases_per_1000", None, 4),
)

NOTES = {
    "heap_free_bytes": "after a collection, in the first evidence of a boot, the agent running; on "
    "QEMU its file system of 64 KiB lies in the heap too",
    "boot_to_verified_ms": "RPI_PICO: the median of several boots of an enrolled board, from power "
    "to the agent's report of the verdict that allows its first evidence, in the emulated board's "
    "time at 125 MHz, with USB's enumeration, without XIP cache misses and flash times. What the "
    "gateway takes to answer passes on the board as on this machine, so a busy one adds to it: the "
    "least of the boots is given too. QEMU: null, as a machine there keeps no identity to boot "
    "with",
    "started_to_verified_host_ms": "QEMU, by this machine's clock: from the agent's start to its "
    "first verdict on evidence, enrolment between them",
    "erases_per_1000": "sectors of flash erased, over whole blocks of reserved counters, all the "
    "agent's writing included; the emulator's record of every erase. QEMU: null, as its files are "
    "in RAM",
    "erases_per_boot": "sectors erased from power to the first check-in, the mean of the boots",
    "checkins_per_s": "one after the other: interval 0 instead of the least, 100 ms, that a "
    "configuration may ask for; evidence, gateway, signed verdict, verified on the board. RPI_PICO "
    "in the emulated board's time, in which the gateway's answering passes as on this machine; "
    "QEMU: null, as it has no time of its own; by this machine's clock checkins_per_host_s",
}


def measure(kind: str, check_ins: int, boots: int, say: Callable[[str], None]) -> Figures:
    """All figures of a board of that kind.

    check_ins: how many the board makes back to back, rounded up to whole blocks of counters. Raises
    what Life raises, and BuildError if there is no image.
    """
    check_ins = -(-check_ins // counters.BLOCK) * counters.BLOCK
    elf = firmware_build.built(kind).elf
    figures: Figures = {"image_bytes": image_budget.measure(elf).image_bytes}
    with (
        tempfile.TemporaryDirectory(prefix="countersign-") as folder,
        Life(kind, Path(folder)).at_a_site() as life,
    ):
        if life.is_recorded:
            figures.update(_boots(life, boots, say))
        else:
            figures.update(_start(life))
        heard = life.power_on(check_ins + 1, start=BACK_TO_BACK, progress=_progress(say))
    begin, end = heard.check_ins[0], heard.check_ins[check_ins]
    per_s = round(1000 * check_ins / (end.at_ms - begin.at_ms), 2)
    figures["checkins_measured"] = check_ins
    if life.is_recorded:
        worn = wear.between(heard.erases, 1, 1 + check_ins)
        figures["erases_per_1000"] = round(1000 * worn.erases_per_check_in, 2)
        figures["checkins_per_s"] = per_s
    else:
        figures["erases_per_1000"] = None
        figures["checkins_per_s"] = None
        figures["checkins_per_host_s"] = per_s
    figures["troubles"] = dict(heard.troubles)
    return figures


def missed(figures: Figures) -> list[str]:
    """The bounds of WANTED that a Raspberry Pi Pico's figures miss, a sentence for each."""
    found = []
    for name, least, most in WANTED:
        value = figures[name]
        if least is not None and value < least:
            found.append(f"{name} is {value}, wanted at least {least}")
        if most is not None and value > most:
            found.append(f"{name} is {value}, wanted at most {most}")
    return found


def _boots(life: Life, boots: int, say: Callable[[str], None]) -> Figures:
    life.power_on(1)  # makes its identity and enrols
    booted = [life.power_on(1) for _ in range(boots)]
    verified_ms = sorted(heard.verified_ms[0] for heard in booted)
    say(f"power to verified: {', '.join(f'{ms:.0f}' for ms in verified_ms)} ms of its time")
    return {
        "heap_free_bytes": min(heard.check_ins[0].heap_free for heard in booted),
        "boot_to_verified_ms": round(statistics.median(verified_ms)),
        "boot_to_verified_least_ms": round(verified_ms[0]),
        "boots": boots,
        "erases_per_boot": round(
            sum(erase.after == 0 for heard in booted for erase in heard.erases) / boots, 2
        ),
    }


def _start(life: Life) -> Figures:
    heard = life.power_on(1)
    started_ms = heard.started_ms
    if started_ms is None:
        raise ValueError("a board checked in and did not report that it had started")
    return {
        "heap_free_bytes": heard.check_ins[0].heap_free,
        "boot_to_verified_ms": None,
        "started_to_verified_host_ms": round(heard.verified_ms[0] - started_ms),
    }


def _progress(say: Callable[[str], None]) -> Callable[[Heard], None]:
    told = 0

    def progress(heard: Heard) -> None:
        nonlocal told
        if len(heard.verified_ms) >= told + counters.BLOCK:
            told = len(heard.verified_ms)
            say(f"{told} check-ins")

    return progress
