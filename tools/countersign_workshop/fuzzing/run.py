"""Runs the targets in several processes, and collects what they find.

Each worker has its own generators, named by the run's seed, its number and the target, so that the
same call gives the same inputs. A worker also counts as findings an input that takes long, and a
target that makes it grow.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import resource
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countersign_workshop.child_processes.process import die_with_parent
from countersign_workshop.fuzzing.target import Target
from countersign_workshop.fuzzing.targets import TARGETS

# Thread CPU time that one input may take: a share for the call, which a collection of garbage or a
# cold cache may fall into, and one for each byte. Honest inputs take a twentieth of it.
SLOW_S = 0.1
SLOW_S_PER_BYTE = 50e-6
# Growth of a worker within one target, once it has warmed up.
MOST_GROWTH_MB = 64.0
_WARM_UP = 2000
_MOST_KEPT = 20  # of each target in each worker: one fault is often found a thousand times


@dataclass(frozen=True)
class Finding:
    """what: the broken property, or the place of an exception that must not be raised."""

    target: str
    what: str
    data: bytes

    def file_name(self) -> str:
        return f"{self.target}-{hashlib.sha256(self.data).hexdigest()[:12]}"


@dataclass
class Outcome:
    """executions by target; findings: one input for each different fault."""

    executions: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    def figures(self) -> dict[str, Any]:
        return {
            "fuzz_executions": sum(self.executions.values()),
            "fuzz_executions_by_target": self.executions,
            "fuzz_findings": len(self.findings),
            "fuzz_s": round(self.seconds, 1),
        }


def fuzz(executions: int, seed: int, only: Sequence[str] = (), workers: int = 0) -> Outcome:
    """Feed about `executions` inputs to the targets, by their shares. workers: 0 for all cores."""
    workers = workers or os.cpu_count() or 1
    names = tuple(only) or tuple(TARGETS)
    shares = sum(TARGETS[name][1] for name in names)
    outcome = Outcome()
    started_s = time.monotonic()
    # Each worker is a fresh interpreter, so that its memory is its own.
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawning, initializer=die_with_parent) as pool:
        parts = []
        for name in names:
            each = -(-executions * TARGETS[name][1] // (shares * workers))
            for number in range(workers):
                parts.append((name, pool.submit(_work, name, each, (seed, number))))
        for name, part in parts:
            count, findings = part.result()
            outcome.executions[name] = outcome.executions.get(name, 0) + count
            for finding in findings:
                known = {(one.target, one.what) for one in outcome.findings}
                if (finding.target, finding.what) not in known:
                    outcome.findings.append(finding)
    outcome.seconds = time.monotonic() - started_s
    return outcome


def _work(name: str, count: int, seed: tuple[int, int]) -> tuple[int, list[Finding]]:
    target = TARGETS[name][0]()
    rng = random.Random(f"{name}/{seed[0]}/{seed[1]}")  # noqa: S311 - repeatable on purpose
    findings: dict[str, Finding] = {}
    baseline_mb = 0.0
    for number in range(count):
        data = target.make(rng)
        what = fed(target, data)
        if what is not None and len(findings) < _MOST_KEPT:
            findings.setdefault(what, Finding(name, what, data))
        if number == _WARM_UP:
            baseline_mb = _peak_mb()
        elif number % 1000 == 0 and baseline_mb and _peak_mb() > baseline_mb + MOST_GROWTH_MB:
            what = "the worker has grown by more than a reader may keep"
            findings.setdefault(what, Finding(name, what, data))
    return count, list(findings.values())


def fed(target: Target, data: bytes) -> str | None:
    """What this input breaks, or None."""
    started_s = time.thread_time()
    try:
        target.check(data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}, {frame.name}"
        return f"{type(error).__name__} in {place}: {str(error)[:200]}"
    if time.thread_time() - started_s > SLOW_S + SLOW_S_PER_BYTE * len(data):
        return f"one input took more than {SLOW_S} s and {SLOW_S_PER_BYTE} s for each byte"
    return None


def write(findings: Sequence[Finding], folder: Path) -> None:
    """Each finding as two files: the input, and what it breaks."""
    folder.mkdir(parents=True, exist_ok=True)
    for finding in findings:
        (folder / f"{finding.file_name()}.bin").write_bytes(finding.data)
        (folder / f"{finding.file_name()}.txt").write_text(finding.what + "\n", encoding="utf-8")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
