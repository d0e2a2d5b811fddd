"""`make check`: every check that only reads the sources, in seconds.

python -m countersign_workshop.checks.checks
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from countersign_workshop.checkout import ROOT, cache_folder
from countersign_workshop.checks import lock

_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Result:
    name: str
    passed: bool
    output: str
    duration_s: float


def _command(*argv: str) -> Callable[[], tuple[bool, str]]:
    def run() -> tuple[bool, str]:
        finished = subprocess.run(
            [str(_BIN / argv[0]), *argv[1:]],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return finished.returncode == 0, finished.stdout

    return run


def _module(name: str, *words: str) -> Callable[[], tuple[bool, str]]:
    return _command("python", "-m", f"countersign_workshop.{name}", *words)


def _locks() -> tuple[bool, str]:
    """Faults if a lock says where a package comes from, which each machine decides for itself, or
    lacks the hash by which a file is known."""
    faults = lock.faults()
    for folder in ("tools", "contracts"):
        for path in (ROOT / folder).rglob("package-lock.json"):
            if "node_modules" in path.parts:
                continue
            packages = json.loads(path.read_text(encoding="utf-8"))["packages"]
            for name, package in packages.items():
                if "resolved" in package:
                    faults.append(f"{path.relative_to(ROOT)}: {name} names an address")
                if name and "integrity" not in package:
                    faults.append(f"{path.relative_to(ROOT)}: {name} has no integrity")
    return not faults, "\n".join(faults)


CHECKS: dict[str, Callable[[], tuple[bool, str]]] = {
    "types": _command("mypy", "--cache-dir", str(cache_folder() / "mypy")),
    "lint": _command("ruff", "check", "--quiet", "."),
    "format": _command("ruff", "format", "--quiet", "--check", "."),
    "imports": _command("lint-imports", "--cache-dir", str(cache_folder() / "importlinter")),
    "contracts format": _module("ledger.contracts", "check-format"),
    "contracts abi": _module("ledger.contracts", "check-abi"),
    "sizes": _module("images.size_budget"),
    "messages": _module("checks.message_table"),
    "boards": _command("countersign", "boards", "--check"),
    "settings": _command(
        "python", "-m", "countersign_gateway.config.reference", "check", "gateway/CONFIGURATION.md"
    ),
    "locks": _locks,
    "documents": _module("checks.documents", "check"),
}


# What mends a check that failed, where one command does.
MENDED_BY = {
    "format": "make format",
    "contracts format": "make format",
    "contracts abi": "make write",
    "messages": "make write",
    "boards": "make write, if the README's table is not up to date",
    "settings": "make write",
    "documents": "make write, if a list or a figure is not up to date",
}


def _run(name: str) -> Result:
    start = time.monotonic()
    passed, output = CHECKS[name]()
    return Result(name, passed, output, time.monotonic() - start)


def main() -> int:
    """Exit status 1 if a check fails. The output of each failing check is shown."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(_run, CHECKS))
    for result in results:
        if not result.passed:
            print(result.output.rstrip())
            if result.name in MENDED_BY:
                print(f"check {result.name} is mended by: {MENDED_BY[result.name]}")
        verdict = "passed" if result.passed else "FAILED"
        print(f"check {result.name}: {verdict} in {result.duration_s:.1f} s")
    failed = sum(not result.passed for result in results)
    print(f"check: {len(results) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
