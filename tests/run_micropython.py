"""Run test files on a real MicroPython, each in a virtual machine of its own with a device's heap.

    python tests/run_micropython.py --on armhf tests/protocol/test_cbor.py

Files and folders may be named; without any, all that is written for every runtime. The last line
names the runtime and the counts. Exit status 1 if a test failed or none ran.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from countersign_workshop.parts import micropython

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
# Their folders on_cpython hold what needs pytest.
FOLDERS = [TESTS / "protocol", TESTS / "agent", TESTS / "conformance/transport"]
TIMEOUT_S = 900

# The agent's tests keep a whole site, their rig and uncompiled sources in the heap of the device
# that they test, which on a board holds the agent alone, its modules frozen into flash.
HEAP_SHARES = {
    TESTS / "agent": 2,
    TESTS / "conformance/transport": 2,
    # Holds every point of a whole group, and the logarithm of each, which no device does.
    TESTS / "protocol/test_small_group.py": 2,
    # Reads the vectors of a whole exchange as text, beside all messages and proofs.
    TESTS / "protocol/test_vectors.py": 2,
}


@dataclass
class Outcome:
    """What one file's virtual machine reported."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    output: str = ""


def run_file(path: Path, runtime: str, heap_bytes: int | None) -> Outcome:
    """Run one file's tests. The machine that stops half-way counts as a failure."""
    folders = [path.parent, TESTS, ROOT / "firmware/lib", ROOT / "firmware/agent"]
    main = str(TESTS / "micropython_main.py")
    if heap_bytes is None:
        share = HEAP_SHARES.get(path.resolve(), HEAP_SHARES.get(path.resolve().parent, 1))
        heap_bytes = micropython.HEAP_BYTES[runtime] * share
    try:
        finished = subprocess.run(
            [*micropython.argv(runtime, heap_bytes), main, path.stem],
            env=micropython.environment(folders),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
        output, ending = finished.stdout, f"exit status {finished.returncode}"
    except subprocess.TimeoutExpired as expired:
        output, ending = expired.stdout or b"", f"no end within {TIMEOUT_S} s"

    outcome = Outcome(output=output.decode(errors="replace"))
    ended = False
    for line in outcome.output.splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "@passed":
            outcome.passed += 1
        elif mark == "@failed":
            outcome.failed.append(rest)
        elif mark == "@skipped":
            outcome.skipped.append(rest)
        ended = ended or mark == "@end"
    if not ended:
        outcome.failed.append(f"{path.stem}: the virtual machine stopped ({ending})")
    return outcome


def without_passed(output: str) -> str:
    """What a reader of failures wants to see."""
    return "\n".join(line for line in output.splitlines() if not line.startswith("@passed"))


def test_files(named: list[Path]) -> list[Path]:
    """The files named, and those in the folders named, each once."""
    found: list[Path] = []
    for path in named:
        found += sorted(path.glob("test_*.py")) if path.is_dir() else [path.resolve(strict=True)]
    return list(dict.fromkeys(found))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--on", choices=micropython.runtimes(), default=micropython.host_runtime())
    parser.add_argument("--heap-bytes", type=int, metavar="N", help="a device's heap if absent")
    parser.add_argument("paths", nargs="*", type=Path, default=FOLDERS, metavar="FILE_OR_FOLDER")
    arguments = parser.parse_args()

    files = test_files(arguments.paths)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        outcomes = list(
            pool.map(lambda file: run_file(file, arguments.on, arguments.heap_bytes), files)
        )
    passed = sum(outcome.passed for outcome in outcomes)
    failed = [name for outcome in outcomes for name in outcome.failed]
    skipped = [reason for outcome in outcomes for reason in outcome.skipped]
    for outcome in outcomes:
        if outcome.failed:
            print(without_passed(outcome.output))
    for name in failed:
        print(f"FAILED {name}")
    for reason in skipped:
        print(f"SKIPPED {reason}")
    label = f"micropython-{arguments.on}"
    print(f"{label}: {passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    if passed == 0:
        print(f"{label}: no test ran", file=sys.stderr)
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
