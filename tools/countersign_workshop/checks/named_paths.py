"""Whether every path, function, command and make target that a document names exists.

These are the names that are checked:

- a file or folder by a relative link, `[text](path)`, or by its path from the root;
- something inside a file: a link that a code span follows, `[text](path)` `Class.method`;
- a target of the Makefile, in a code span or a line of code that begins with `make`;
- a command, in a code span or a line of code that begins with `countersign`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from countersign.carriers import kinds
from countersign_cli import cli

ROOMS = ("firmware", "gateway", "contracts", "boards", "tools", "tests")
"""The top-level folders, which are fixed."""

_NOT_OURS = {"node_modules", "out", "cache", "__pycache__"}
_LINK = re.compile(r"\]\(([^)\s]+)\)(?:[\s|,:]*`([A-Za-z_][\w.]*)(?:\(\))?`)?")
_PATH = re.compile(rf"(?<![\w./:-])(?:{'|'.join(ROOMS)})/[\w./*-]*[\w*/]")
_NOT_PATHS = {kind.path for kind in kinds.ALL}  # of an MQTT topic
_SPAN = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"(?:`|^(?: {4})?)(?:\.venv/bin/)?countersign ([a-z][a-z-]*)", re.MULTILINE)
_TARGET = re.compile(r"([a-z][a-z-]*):")


def files(root: Path, suffixes: frozenset[str]) -> list[Path]:
    """Every file of ours in the top-level folders that has one of these suffixes."""
    return [
        path
        for room in ROOMS
        for path in (root / room).rglob("*")
        if path.suffix in suffixes
        and not _NOT_OURS.intersection(path.relative_to(root).parts)
        and path.is_file()
    ]


def documents(root: Path) -> list[Path]:
    """Every Markdown file of the checkout at `root`."""
    found = [*root.glob("*.md"), *root.glob(".github/**/*.md"), *files(root, frozenset({".md"}))]
    return sorted(found)


def faults(root: Path) -> list[str]:
    """What the documents name although it does not exist; a line for each fault."""
    found = []
    for path in documents(root):
        name = path.relative_to(root).as_posix()
        found += [f"{name}: {fault}" for fault in faults_of(path, root)]
    return found


def faults_of(path: Path, root: Path) -> list[str]:
    """The faults of one document."""
    text = path.read_text(encoding="utf-8")
    found = []
    for match in _LINK.finditer(text):
        target, inside = match.groups()
        found += _link_faults(path, target, inside)
    for match in _PATH.finditer(text):
        named = match.group()
        if named not in _NOT_PATHS and not any(root.glob(named.rstrip("/"))):
            found.append(f"there is no {named}")
    commands = {name for name, _ in (*cli.COMMANDS, *cli.CHECKOUT_COMMANDS)}
    for word in _COMMAND.findall(text):
        if word not in commands:
            found.append(f"there is no command countersign {word}")
    targets = _make_targets(root)
    found += [f"the Makefile has no {word}" for word in _make_words(text) if word not in targets]
    return found


def _link_faults(document: Path, target: str, inside: str | None) -> list[str]:
    if re.match(r"[a-z]+:", target) or target.startswith("#"):
        return []
    file = document.parent / target.partition("#")[0]
    if not file.exists():
        return [f"a link leads to {target}, which does not exist"]
    if inside and file.suffix in {".py", ".c", ".h", ".sol"} and not _holds(file, inside):
        return [f"{target} has no {inside}"]
    return []


def _holds(file: Path, name: str) -> bool:
    if file.suffix == ".py":
        return name in _python_names(file)
    text = file.read_text(encoding="utf-8")
    return all(re.search(rf"\b{part}\b", text) for part in name.split("."))


@cache
def _python_names(file: Path) -> frozenset[str]:
    """What a module defines: functions, classes, constants, and `Class.member`."""
    names = set()
    for name, node in _definitions(ast.parse(file.read_text(encoding="utf-8")).body):
        names.add(name)
        if isinstance(node, ast.ClassDef):
            names.update(f"{name}.{member}" for member, _ in _definitions(node.body))
    return frozenset(names)


def _definitions(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node


def _make_targets(root: Path) -> set[str]:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    return {match.group(1) for match in map(_TARGET.match, makefile.splitlines()) if match}


def _make_words(text: str) -> Iterator[str]:
    spans = (match.group(1) for match in _SPAN.finditer(text))
    for code in (*spans, *(line.strip() for line in text.splitlines())):
        if not code.startswith("make "):
            continue
        # A remark on a target begins after two spaces or a number sign.
        for word in re.split(r"\s{2,}|#", code)[0].split()[1:]:
            if re.fullmatch(r"[a-z][a-z-]*", word):
                yield word
