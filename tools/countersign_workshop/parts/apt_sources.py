"""The machine's own apt sources, in both of apt's formats, and the Debian archive among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from countersign_workshop.parts.part_missing import PartMissing

_DEBIAN_SUITES = {"oldstable", "stable", "testing", "unstable", "sid"}
_DEBIAN_SUITES |= {"bullseye", "bookworm", "trixie", "forky"}


class DebianError(PartMissing):
    """A package could not be had. The text says what to do about it."""


@dataclass(frozen=True)
class Source:
    """One archive of the machine's apt configuration.

    signed_by: apt's field as it stands (a path, a fingerprint or a key block); empty if absent.
    """

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str

    @property
    def is_debian_archive(self) -> bool:
        """Whether it is Debian's main archive, neither the security one nor another publisher's."""
        return "main" in self.components and any(suite in _DEBIAN_SUITES for suite in self.suites)


def parse_deb822(text: str) -> Iterator[Source]:
    """The enabled binary sources of a `.sources` file: stanzas, whose fields may be continued."""
    for stanza in re.split(r"\n(?:[ \t]*\n)+", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t"):
                # A continued line keeps its indentation, because an embedded key block needs it.
                if name:
                    fields[name] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            yield Source(
                uri,
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                fields.get("signed-by", ""),
            )


def parse_one_line(text: str) -> Iterator[Source]:
    """The binary sources of a classic list: `deb [options] uri suite component...` a line."""
    for line in text.splitlines():
        matched = re.match(r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<rest>[^#]+)", line.strip())
        if not matched:
            continue
        words = matched["rest"].split()
        if len(words) < 2:
            continue
        options = dict(
            option.split("=", 1) for option in (matched["options"] or "").split() if "=" in option
        )
        yield Source(words[0], (words[1],), tuple(words[2:]), options.get("signed-by", ""))


def system_sources(etc_apt: Path = Path("/etc/apt")) -> list[Source]:
    """Every enabled source of this machine, in apt's order."""
    found: list[Source] = []
    single = etc_apt / "sources.list"
    if single.is_file():
        found += parse_one_line(single.read_text(encoding="utf-8"))
    folder = etc_apt / "sources.list.d"
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.suffix == ".list":
            found += parse_one_line(path.read_text(encoding="utf-8"))
        elif path.suffix == ".sources":
            found += parse_deb822(path.read_text(encoding="utf-8"))
    return found


def debian_archive(sources: Iterable[Source]) -> Source:
    """The first of the sources that is Debian's main archive."""
    for source in sources:
        if source.is_debian_archive:
            return source
    raise DebianError(
        "no Debian archive in this machine's apt sources; add one under /etc/apt/sources.list.d"
    )
