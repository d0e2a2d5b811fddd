"""What `doctor` finds on this machine: the things that an operator needs."""

from __future__ import annotations

import grp
import importlib.metadata
import json
import os
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from countersign_cli import extras, installation

DISTRIBUTION = "countersign"

_OURS = (DISTRIBUTION, *extras.MODULES)

# Linux gives these names to USB devices that are serial lines.
_SERIAL_PORTS = ("ttyACM*", "ttyUSB*")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    needed_by: an extra, or in a checkout a make target. mend: the command that mends it; empty if
    all is well.
    """

    name: str
    present: bool
    needed_by: str
    detail: str
    mend: str = ""


def of_operators() -> Iterator[Finding]:
    """Python, the packages of each extra, the serial ports, and the compiler for boards."""
    yield python(DISTRIBUTION, "install Python 3.11 or later")
    for extra, versions in _installed().items():
        absent = [name for name, version in versions.items() if version is None]
        found = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
        detail = found if not absent else f"{', '.join(absent)} missing"
        mend = installation.mend(extra) if absent else ""
        yield Finding(f"extra {extra}", not absent, extra, detail, mend)
    yield _serial_ports()


def python(needed_by: str, mend: str) -> Finding:
    version = ".".join(str(number) for number in sys.version_info[:3])
    present = sys.version_info >= (3, 11)
    detail = f"{version}; {sys.executable}"
    return Finding("python", present, needed_by, detail, "" if present else mend)


def show(findings: Collection[Finding], needed: Collection[str], as_json: bool) -> int:
    """Print the findings. Exit status 1 if something is missing that one of `needed` needs."""
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _print(findings)
    return 1 if any(not f.present and f.needed_by in needed for f in findings) else 0


def requirements(distribution: str) -> Iterator[tuple[str, str | None]]:
    """The packages that a distribution asks for: the normal name, and the extra that wants it."""
    try:
        lines = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return
    for line in lines:
        name = re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", line, maxsplit=1)[0]).lower()
        marker = re.search(r"extra\s*==\s*[\"']([\w-]+)[\"']", line)
        yield name, marker[1] if marker else None


def _installed() -> dict[str, dict[str, str | None]]:
    """The packages that each extra names directly: the installed versions, None if missing."""
    installed: dict[str, dict[str, str | None]] = {}
    for name, extra in requirements(DISTRIBUTION):
        if extra is None or name == DISTRIBUTION:
            continue
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = None
        installed.setdefault(extra, {})[name] = version
    return installed


def _serial_ports() -> Finding:
    ports = sorted(path for pattern in _SERIAL_PORTS for path in Path("/dev").glob(pattern))
    closed = [path for path in ports if not os.access(path, os.R_OK | os.W_OK)]
    if not closed:
        detail = ", ".join(map(str, ports)) or "no board is plugged in"
        return Finding("serial ports", True, "boards", detail)
    group = grp.getgrgid(closed[0].stat().st_gid).gr_name
    mend = f"sudo usermod -aG {group} $USER, then log in again"
    return Finding("serial ports", False, "boards", f"{closed[0]} may not be opened", mend)


def _print(findings: Collection[Finding]) -> None:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "has  " if finding.present else "LACKS"
        print(f"{mark}  {finding.name:{width}}  {finding.detail}")
        if finding.mend:
            # In a checkout every other name is a make target.
            make = "" if finding.needed_by in _OURS else "make "
            print(f"       {'':{width}}  needed by {make}{finding.needed_by}; mend: {finding.mend}")
