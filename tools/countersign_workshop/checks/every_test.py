"""`make test`: the checks, then every runtime's tests, then one closing block with all counts.

    python -m countersign_workshop.checks.every_test

A failing step does not stop the later ones, so one run shows every failure.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, field

from countersign_workshop.checkout import ROOT, cache_folder
from countersign_workshop.parts import micropython
from countersign_workshop.parts.part_missing import PartMissing

_PYTHON = sys.executable
_PYTEST_REPORT = cache_folder() / "test-results/cpython.xml"
_CLOSING_LINE = re.compile(r"^([\w-]+): (\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)


@dataclass
class Counts:
    """The counts of one runtime's tests. A step that reports nothing has failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """One runtime: the command that runs its tests, and the function that reads its counts."""

    label: str
    argv: Callable[[], list[str]]
    read: Callable[[str], Counts]


def steps() -> list[Step]:
    """The steps in the order in which they run: the quickest to fail first."""
    return [
        Step(
            "check",
            lambda: _module("checks.checks"),
            _read_closing_line,
        ),
        Step("cpython", _pytest_argv, _read_pytest_report),
        *(
            Step(
                micropython.part_name(runtime),
                lambda on=runtime: [_PYTHON, "tests/run_micropython.py", "--on", on],  # type: ignore[misc]
                _read_closing_line,
            )
            for runtime in micropython.runtimes()
        ),
        Step(
            "forge",
            lambda: _module("ledger.contracts", "test"),
            _read_closing_line,
        ),
    ]


def _module(name: str, *words: str) -> list[str]:
    return [_PYTHON, "-m", f"countersign_workshop.{name}", *words]


def _pytest_argv() -> list[str]:
    _PYTEST_REPORT.parent.mkdir(parents=True, exist_ok=True)
    # A report from an earlier run must not count for this one.
    _PYTEST_REPORT.unlink(missing_ok=True)
    return [
        _PYTHON,
        "-m",
        "pytest",
        "--quiet",
        # Many tests wait for an emulated board or a broker. A file stays with one worker, which
        # makes what the file's tests share.
        *("--numprocesses", "auto", "--dist", "loadfile"),
        f"--junit-xml={_PYTEST_REPORT}",
        "-o",
        f"cache_dir={cache_folder() / 'pytest'}",
    ]


def _read_pytest_report(_output: str) -> Counts:
    counts = Counts()
    if not _PYTEST_REPORT.is_file():
        return counts
    # The pytest that this process started wrote this file a moment ago.
    for case in ElementTree.parse(_PYTEST_REPORT).iter("testcase"):  # noqa: S314
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            counts.failed += 1
        elif skipped is not None:
            counts.skipped += 1
            name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
            counts.reasons.append(f"{name}: {skipped.get('message')}")
        else:
            counts.passed += 1
    return counts


def _read_closing_line(output: str) -> Counts:
    found = _CLOSING_LINE.findall(output)
    if not found:
        return Counts()
    _, passed, failed, skipped = found[-1]
    reasons = re.findall(r"^SKIPPED (.+)$", output, re.MULTILINE)
    return Counts(int(passed), int(failed), int(skipped), reasons)


def _run(step: Step) -> Counts:
    """Run one step, and show its output as it comes."""
    print(f"\n==== {step.label}", flush=True)
    try:
        argv = step.argv()
    except PartMissing as fault:
        print(f"{step.label}: {fault}", flush=True)
        return Counts(failed=1)
    output = []
    with subprocess.Popen(
        argv,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        if process.stdout is not None:
            for line in process.stdout:
                output.append(line)
                print(line, end="", flush=True)
    counts = step.read(re.sub(r"\x1b\[[0-9;]*m", "", "".join(output)))
    # A runner that ended badly or ran nothing has not passed, whatever it counted.
    if counts.failed == 0 and (process.returncode != 0 or counts.passed == 0):
        counts.failed = 1
        print(f"{step.label}: ended with status {process.returncode}", flush=True)
    return counts


def main() -> int:
    """Exit status 1 if anything failed."""
    start = time.monotonic()
    results = {step.label: _run(step) for step in steps()}
    print("\n==== all tests")
    for label, counts in results.items():
        for reason in counts.reasons:
            print(f"skipped: {label}: {reason}")
    for label, counts in results.items():
        print(f"{label}: {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped")
    failed = sum(counts.failed for counts in results.values())
    print(f"{'FAILED' if failed else 'passed'} in {time.monotonic() - start:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
