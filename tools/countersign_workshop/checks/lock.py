"""Write the locks anew: the newest versions that both pyproject.toml files allow together.

    python -m countersign_workshop.checks.lock            resolve versions, then hash their files
    python -m countersign_workshop.checks.lock --hashes   keep the versions, hash their files anew

constraints.txt has the versions. tools/locks has them again with the SHA-256 of every file that the
registry offers for them, so that amd64 and arm64 install from one lock; pip takes no other file. No
lock says where packages come from, because each machine decides that. The versions are resolved in
a temporary virtual environment, so that no package from yours gets in. uv collects the hashes (it
asks the index; pip would download every file), and is installed nowhere else. Decision 0044.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from countersign_workshop.checkout import ROOT

LOCKS = ROOT / "tools/locks"
CONSTRAINTS = ROOT / "constraints.txt"
BUILD = "build"
RUNTIME = "runtime"
DEVELOPMENT = "development"
# What builds all others, ours included. It must be there first, as nothing is built in isolation.
_BUILDERS = ("setuptools",)

HEADER = """\
# Every version that `make setup` installs, proven together on Python 3.11.
# Written by `make lock`; change the ranges in pyproject.toml, then run it again.
"""
LOCK_HEADER = """\
# {what}. Written by `make lock`.
"""
_WHAT = {
    BUILD: "What builds packages, installed before all others",
    RUNTIME: "What a site, a bench and the demonstration need",
    DEVELOPMENT: "What tests and checks need besides",
}


_HASH = r"--hash=sha256:[0-9a-f]{64}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--hashes", action="store_true", help="keep the versions")
    arguments = parser.parse_args()
    if sys.version_info[:2] != (3, 11):
        print("lock: the lock is made with Python 3.11", file=sys.stderr)
        return 1
    environment = {name: v for name, v in os.environ.items() if name != "PIP_CONSTRAINT"}
    if arguments.hashes:
        environment["PIP_CONSTRAINT"] = str(CONSTRAINTS)
    with tempfile.TemporaryDirectory() as scratch:
        runtime = _frozen(Path(scratch) / "runtime", "node", environment)
        everything = _frozen(Path(scratch) / "development", "dev", environment)
        lines = sorted(runtime | everything, key=lambda line: line.split("=="))
        CONSTRAINTS.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
        hashed = _hashed(Path(scratch), lines)
    names = {line.partition("==")[0] for line in runtime}
    LOCKS.mkdir(exist_ok=True)
    for lock, what in _WHAT.items():
        chosen = [block for name, block in hashed.items() if _lock_of(name, names) == lock]
        text = LOCK_HEADER.format(what=what) + "".join(chosen)
        (LOCKS / f"{lock}.txt").write_text(text, encoding="utf-8")
    print(f"lock: {len(lines)} packages")
    return 0


def _lock_of(name: str, runtime: set[str]) -> str:
    if name in _BUILDERS:
        return BUILD
    return RUNTIME if name in runtime else DEVELOPMENT


def _frozen(folder: Path, extra: str, environment: dict[str, str]) -> set[str]:
    """The packages of ours with this extra of the workshop's, as name==version."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin/pip"), "--quiet"]
    # The build backend is locked too, because an isolated build takes it from the same list.
    ours = ["--editable", str(ROOT), "--editable", f"{ROOT / 'tools'}[{extra}]"]
    for wanted in (["--upgrade", "setuptools"], ours):
        subprocess.run([*pip, "install", *wanted], env=environment, check=True)
    frozen = subprocess.run(
        [*pip, "freeze", "--all", "--exclude-editable", "--exclude", "pip"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return {_normal(line) for line in frozen.stdout.split()}


def _hashed(scratch: Path, lines: list[str]) -> dict[str, str]:
    """Each package's lines of a lock by its name: its version, and the hashes of its files."""
    venv.create(scratch / "uv", with_pip=True)
    subprocess.run([str(scratch / "uv/bin/pip"), "--quiet", "install", "uv"], check=True)
    wanted = scratch / "wanted.txt"
    wanted.write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ["--no-deps", "--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
    made = subprocess.run(
        [str(scratch / "uv/bin/uv"), "pip", "compile", str(wanted), *words],
        check=True,
        capture_output=True,
        text=True,
    )
    blocks = re.findall(r"^\S+==.*(?:\n    --hash=.*)+\n", made.stdout, re.MULTILINE)
    hashed = {block.partition("==")[0]: block for block in blocks}
    missing = [line for line in lines if line.partition("==")[0] not in hashed]
    if missing:
        raise SystemExit(f"lock: no hash for {', '.join(missing)}")
    return hashed


def faults() -> list[str]:
    """What is wrong with the locks as they stand: an address, a missing hash, another version."""
    found = []
    versions = {}
    for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            versions[line.partition("==")[0]] = line
            if not re.fullmatch(r"[a-z0-9-]+==[\w.+!]+", line):
                found.append(f"constraints.txt: {line}")
    locked = {}
    for lock in _WHAT:
        path = LOCKS / f"{lock}.txt"
        text = re.sub(r" \\\n +", " ", path.read_text(encoding="utf-8"))
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            requirement, *hashes = line.split(" ")
            locked[requirement.partition("==")[0]] = requirement
            strange = [one for one in hashes if not re.fullmatch(_HASH, one)]
            if not hashes or strange:
                found.append(f"{path.name}: {requirement} has no hashes, or something else")
    for name in sorted(versions.keys() | locked.keys()):
        if versions.get(name) != locked.get(name):
            found.append(f"{name}: constraints.txt and tools/locks differ")
    return found


def _normal(line: str) -> str:
    """A package's name in one spelling, so that the lock changes only when a version does."""
    name, version = line.split("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


if __name__ == "__main__":
    sys.exit(main())
