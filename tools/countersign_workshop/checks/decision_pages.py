"""Whether decision pages follow the template, have unique numbers, and are listed in DECISIONS.md.

A page stands in the `decisions/` folder of its subject. Its number is unique in the whole
repository, so that "decision 0014" names one page wherever it is written.
"""

from __future__ import annotations

import re
from pathlib import Path

from countersign_workshop.checks.named_paths import documents, files

INDEX = "DECISIONS.md"
HEADINGS = ("Context", "Decision", "Consequences", "Revisit")
"""Every page has the first three headings, in this order. The last may be missing."""

STATUS = re.compile(r"accepted|superseded by \d{4}")

_HEAD = """\
# Decisions

One page for each choice that a newcomer would question. `countersign_workshop.checks.documents`
writes this list; CONTRIBUTING.md has the template.

| | decision | about |
|---|---|---|
"""
_TITLE = re.compile(r"# (\d{4}): (.+)\n\nStatus: (.+)\n\n")
_CITED = re.compile(r"\bdecisions?[ /](\d{4})\b")
_SOURCES = frozenset({".py", ".sol", ".c", ".h", ".mjs", ".cddl", ".toml"})


def pages(root: Path) -> list[Path]:
    """All pages, by number."""
    found = [path for path in documents(root) if path.parent.name == "decisions"]
    return sorted(found, key=lambda path: path.name)


def index(root: Path) -> str:
    """The text of DECISIONS.md."""
    lines = []
    for path in pages(root):
        title = _TITLE.match(path.read_text(encoding="utf-8"))
        named = path.relative_to(root).as_posix()
        words = title.group(2) if title else path.stem
        about = path.parent.parent.relative_to(root).as_posix()
        lines.append(f"| {path.name[:4]} | [{words}]({named}) | `{about}` |\n")
    return _HEAD + "".join(lines)


def write(root: Path) -> None:
    (root / INDEX).write_text(index(root), encoding="utf-8")


def faults(root: Path) -> list[str]:
    """What is wrong with the pages, the list and the citations; a line for each fault."""
    found = []
    taken: set[str] = set()
    for path in pages(root):
        name = path.relative_to(root).as_posix()
        # Numbers may be missing: pages that are written side by side reserve theirs.
        if path.name[:4] in taken:
            found.append(f"{name}: another page has its number, {path.name[:4]}")
        taken.add(path.name[:4])
        found += [f"{name}: {fault}" for fault in page_faults(path)]
    listed = root / INDEX
    if not listed.is_file() or listed.read_text(encoding="utf-8") != index(root):
        found.append(f"{INDEX}: python -m countersign_workshop.checks.documents write")
    return found + _cited_faults(root)


def page_faults(path: Path) -> list[str]:
    """How one page departs from the template."""
    text = path.read_text(encoding="utf-8")
    title = _TITLE.match(text)
    if title is None:
        return ["it does not begin with '# NNNN: Title' and 'Status: ...'"]
    found = []
    if title.group(1) != path.name[:4]:
        found.append("its title has another number than its name")
    if not STATUS.fullmatch(title.group(3)):
        found.append(f"status {title.group(3)!r}")
    headings = tuple(re.findall(r"^## (.+)$", text, re.MULTILINE))
    if headings not in (HEADINGS, HEADINGS[:-1]):
        found.append(f"headings are {', '.join(headings)}")
    return found


def _cited_faults(root: Path) -> list[str]:
    numbers = {path.name[:4] for path in pages(root)}
    found = []
    for path in (root / "pyproject.toml", *documents(root), *files(root, _SOURCES)):
        for cited in _CITED.findall(path.read_text(encoding="utf-8")):
            if cited not in numbers:
                found.append(f"{path.relative_to(root)}: there is no decision {cited}")
    return found
