"""What a checkout needs of its machine: packages at their locked versions, programs, and parts."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Collection, Iterator, Mapping

from countersign_cli import diagnosis
from countersign_cli.diagnosis import Finding
from countersign_workshop.checkout import ROOT, cache_folder
from countersign_workshop.parts import apt_sources, debian, toolchain
from countersign_workshop.parts.part_missing import PartMissing

# The unpacked parts and the virtual environment together take about half of this space.
FREE_DISK_BYTES = 2_000_000_000

_DEMO, _TEST = "demo", "test"
_RUNTIME = {"countersign": ("gateway", "ledger", "boards"), "countersign-workshop": (None, "node")}
_DEVELOPER = {"countersign-workshop": ("dev",)}


def examine() -> Iterator[Finding]:
    """Look at everything, without changing or fetching anything."""
    yield diagnosis.python(_DEMO, "apt-get install python3 python3-venv && make clean setup")
    yield _packages("runtime packages", _DEMO, _locked(_RUNTIME))
    yield _packages("developer packages", _TEST, _locked(_DEVELOPER))
    for program in ("apt-get", "dpkg-deb", "tar"):
        path = shutil.which(program)
        mend = "" if path else "use a Debian machine or container"
        yield Finding(program, path is not None, _DEMO, path or "not on the path", mend)
    yield _archive()
    yield _disk()
    for part in toolchain.parts():
        try:
            detail, present = part.locate()[-1], True
        except PartMissing as fault:
            detail, present = str(fault).split(":", 1)[0], False
        mend = "" if present else f"countersign fetch {part.name}"
        detail = f"{part.purpose}; {detail}"
        yield Finding(part.name, present, part.needed_by, detail, mend)
    # The lock has covered these packages above.
    seen = ("python", *(f"extra {extra}" for extra in _RUNTIME["countersign"]))
    yield from (finding for finding in diagnosis.of_operators() if finding.name not in seen)


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
    if not wanted:
        wrong.append("none of them is installed")
    detail = "; ".join(wrong) or f"{len(wanted)} at their locked versions"
    return Finding(name, not wrong, needed_by, detail, "make setup" if wrong else "")


def _locked(wanted: Mapping[str, Collection[str | None]]) -> dict[str, str]:
    """The locked versions of the packages that our distributions ask for themselves, by extra."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    versions = dict(line.split("==") for line in lines if "==" in line)
    return {
        name: versions[name]
        for distribution, extras in wanted.items()
        for name, extra in diagnosis.requirements(distribution)
        if extra in extras and name in versions
    }


def _archive() -> Finding:
    name = "Debian archive"
    try:
        source = apt_sources.debian_archive(apt_sources.system_sources())
    except apt_sources.DebianError as fault:
        return Finding(name, False, _DEMO, str(fault), "edit /etc/apt/sources.list.d")
    return Finding(name, True, _DEMO, f"{source.uri}, used for {debian.SUITE}")


def _disk() -> Finding:
    folder = cache_folder() if cache_folder().exists() else ROOT
    free = shutil.disk_usage(folder).free
    present = free >= FREE_DISK_BYTES
    mend = "" if present else "free some space, or set COUNTERSIGN_CACHE to another disk"
    return Finding("disk", present, _DEMO, f"{free // 1_000_000} MB free", mend)
