"""`countersign doctor`: what this machine has and lacks, each with the command that mends it.

Exit status 0 if everything that `make demo` needs is there (with `--for test`: what `make test`
needs), otherwise 1. A first `make demo` fetches it all by itself; this says what it would fetch.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from countersign_workshop.checkout import ROOT, cache_folder
from countersign_workshop.parts import debian, toolchain

# The unpacked parts and the virtual environment together take about half of this.
FREE_DISK_BYTES = 2_000_000_000

_TARGETS = {
    "demo": ("demo",),
    "test": ("demo", "test"),
    "test-boards": ("demo", "test", "test-boards"),
}


@dataclass(frozen=True)
class Finding:
    """One thing looked at. needed_by: a make target; mend: a command, empty if all is well."""

    name: str
    present: bool
    needed_by: str
    detail: str
    mend: str = ""


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON array instead")
    parser.add_argument(
        "--for",
        dest="target",
        choices=_TARGETS,
        default="demo",
        help="the make target that decides the exit status (demo)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 1 if something is missing that the target needs."""
    findings = list(examine())
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _print(findings)
    needed = _TARGETS[arguments.target]
    return 1 if any(not f.present and f.needed_by in needed for f in findings) else 0


def examine() -> Iterator[Finding]:
    """Look at everything, without changing or fetching anything."""
    yield _python()
    yield _packages("runtime packages", "demo", _locked_for(None))
    yield _packages("developer packages", "test", _locked_for("dev"))
    for program in ("apt-get", "dpkg-deb", "tar"):
        path = shutil.which(program)
        mend = "" if path else "use a Debian machine or container"
        yield Finding(program, path is not None, "demo", path or "not on the path", mend)
    yield _archive()
    yield _disk()
    for part in toolchain.parts():
        try:
            detail, present = part.locate()[-1], True
        except toolchain.FAULTS as fault:
            detail, present = str(fault).split(":", 1)[0], False
        mend = "" if present else f"countersign fetch {part.name}"
        yield Finding(part.name, present, part.needed_by, f"{part.purpose}; {detail}", mend)


def _python() -> Finding:
    version = ".".join(str(number) for number in sys.version_info[:3])
    present = sys.version_info >= (3, 11)
    mend = "" if present else "apt-get install python3 python3-venv && make clean setup"
    return Finding("python", present, "demo", f"{version}; {sys.executable}", mend)


def _packages(name: str, needed_by: str, wanted: dict[str, str]) -> Finding:
    """Compare what is installed with the lock."""
    wrong = []
    for package, version in wanted.items():
        try:
            installed = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{package} is missing")
            continue
        if installed != version:
            wrong.append(f"{package} is {installed}, locked {version}")
    detail = "; ".join(wrong) or f"{len(wanted)} at their locked versions"
    return Finding(name, not wrong, needed_by, detail, "make setup" if wrong else "")


def _locked_for(extra: str | None) -> dict[str, str]:
    """The locked versions of what the project itself asks for, with or for an extra."""
    lock = ROOT / "constraints.txt"
    lines = lock.read_text(encoding="utf-8").splitlines() if lock.is_file() else []
    versions = dict(line.split("==") for line in lines if "==" in line)
    try:
        requirements = importlib.metadata.requires("countersign") or []
    except importlib.metadata.PackageNotFoundError:
        requirements = []
    wanted = {}
    for requirement in requirements:
        name = re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()
        marker = re.search(r"extra\s*==\s*[\"']([\w-]+)[\"']", requirement)
        if (marker[1] if marker else None) == extra and name in versions:
            wanted[name] = versions[name]
    return wanted


def _archive() -> Finding:
    name = "Debian archive"
    try:
        source = debian.debian_archive(debian.system_sources())
    except debian.DebianError as fault:
        return Finding(name, False, "demo", str(fault), "edit /etc/apt/sources.list.d")
    return Finding(name, True, "demo", f"{source.uri}, used for {debian.SUITE}")


def _disk() -> Finding:
    folder = cache_folder() if cache_folder().exists() else ROOT
    free = shutil.disk_usage(folder).free
    present = free >= FREE_DISK_BYTES
    mend = "" if present else "free some space, or set COUNTERSIGN_CACHE to another disk"
    return Finding("disk", present, "demo", f"{free // 1_000_000} MB free", mend)


def _print(findings: list[Finding]) -> None:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "has  " if finding.present else "LACKS"
        print(f"{mark}  {finding.name:{width}}  {finding.detail}")
        if finding.mend:
            print(f"       {'':{width}}  needed by make {finding.needed_by}; mend: {finding.mend}")
