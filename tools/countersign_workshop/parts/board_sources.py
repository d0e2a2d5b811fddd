"""The sources from which a board's image is built: MicroPython and the libraries below it.

All of them are Debian trixie's, downloaded and verified by apt. MicroPython and Mbed TLS are source
packages with Debian's patches. The Pico SDK and TinyUSB are the packages that ship their sources
(decision 0016). MicroPython's build looks for its libraries inside its own tree. A release archive
has them there and Debian's has not, so `fetch` puts them there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from countersign_workshop.checkout import cache_folder
from countersign_workshop.parts import cross, debian
from countersign_workshop.parts.part_missing import PartMissing

# A board's image is built from these versions. Another version is refused: nobody has examined it.
VERSIONS = {"micropython": "1.25.", "mbedtls": "3.6."}


class SourcesMissing(PartMissing):
    """The sources are missing or have another version. The text names the command that mends it."""


def micropython() -> Path:
    """MicroPython's source tree, its libraries inside."""
    return _require(_folder() / "micropython")


def pico_sdk() -> Path:
    """The Pico SDK's source tree."""
    return _require(_folder() / "sdk/usr/src/pico-sdk")


def changed_s() -> int:
    """When this MicroPython was packaged, in seconds since 1970: every image's build date."""
    line = (micropython() / "debian/changelog.date").read_text(encoding="ascii")
    return int(line)


def fetch() -> None:
    """Download the sources, unpack and patch them, and put each library where the build looks."""
    target, fresh = _folder(), _folder().with_name("sources.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for description in debian.fetch_sources(VERSIONS, cache_folder()):
        name, _, version = description.stem.partition("_")
        if not version.startswith(VERSIONS[name]):
            raise SourcesMissing(f"{name} is {version}, wanted {VERSIONS[name]}x")
        _unpack(description, fresh / name)
    sdk = debian.fetch(
        "sdk",
        ["pico-sdk-source", "tinyusb-source"],
        debian.host_architecture(),
        cache_folder(),
        dependencies=False,
    )
    sdk.rename(fresh / "sdk")
    _assemble(fresh)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def _assemble(fresh: Path) -> None:
    tree = fresh / "micropython"
    _place(fresh / "mbedtls", tree / "lib/mbedtls")
    _place(fresh / "sdk/usr/src/tinyusb", tree / "lib/tinyusb")
    # The build takes this file as the sign that the library folder is there.
    (tree / "lib/micropython-lib").mkdir(exist_ok=True)
    (tree / "lib/micropython-lib/README.md").touch()
    # Debian's patch lets a script write the version, which needs Debian's packaging tools.
    # Upstream's own script writes the same three lines from the environment.
    script = tree / "debian/config/makedebversionhdr"
    script.write_text(
        f'#!/bin/sh\nexec {sys.executable} "$(dirname "$0")/../../py/makeversionhdr.py" "$1"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    _note_date(tree / "debian/changelog")


def _place(source: Path, target: Path) -> None:
    if target.is_dir():
        target.rmdir()
    source.rename(target)


def _note_date(changelog: Path) -> None:
    """Keep the date of the newest entry as a number beside the changelog."""
    from email.utils import parsedate_to_datetime

    found = re.search(r"^ -- .*?>  (.+)$", changelog.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise SourcesMissing("MicroPython's changelog has no date")
    date = parsedate_to_datetime(found[1])
    changelog.with_suffix(".date").write_text(f"{int(date.timestamp())}\n", encoding="ascii")


def _unpack(description: Path, target: Path) -> None:
    """Unpack a source package, format "3.0 (quilt)": upstream's archive, Debian's, patches."""
    target.mkdir(parents=True)
    stem = description.stem
    upstream = stem.rsplit("-", 1)[0]
    (original,) = description.parent.glob(f"{upstream}.orig.tar.*[!c]")
    (packaging,) = description.parent.glob(f"{stem}.debian.tar.*")
    with tarfile.open(original) as archive:
        # The archive's one top folder has another name in every release.
        _extract(archive, target, _without_top(archive))
    with tarfile.open(packaging) as archive:
        _extract(archive, target, archive.getmembers())
    for line in (target / "debian/patches/series").read_text(encoding="utf-8").splitlines():
        name = line.split("#", 1)[0].strip()
        if name:
            _patch(target, target / "debian/patches" / name)


def _extract(archive: tarfile.TarFile, target: Path, members: list[tarfile.TarInfo]) -> None:
    """Extract an archive that apt has verified.

    Debian 12's Python has no extraction filters yet. Where there are some, one is set in a way that
    older versions ignore.
    """
    archive.extraction_filter = getattr(tarfile, "tar_filter", lambda member, _: member)
    archive.extractall(target, members=members)  # noqa: S202


def _without_top(archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    members = []
    for member in archive.getmembers():
        _, _, rest = member.name.partition("/")
        if not rest:
            continue
        member.name = rest
        if member.islnk():
            member.linkname = member.linkname.partition("/")[2]
        members.append(member)
    return members


def _patch(target: Path, patch: Path) -> None:
    with patch.open("rb") as text:
        finished = subprocess.run(
            [cross.program("patch"), "--strip=1", "--batch", "--quiet", "--fuzz=0"],
            cwd=target,
            stdin=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if finished.returncode != 0:
        raise SourcesMissing(f"{patch.name} does not apply:\n{finished.stdout.strip()}")


def _folder() -> Path:
    return cache_folder() / "sources"


def _require(path: Path) -> Path:
    if not path.is_dir():
        raise SourcesMissing("board-sources is missing: countersign fetch board-sources")
    return path
