"""The documents of this checkout are true, and the check finds what is wrong."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import re
from pathlib import Path

import pytest

from countersign_cli import cli
from countersign_gateway.control.acts import ACTS
from countersign_gateway.model import Status
from countersign_gateway.operations.tally import Tally
from countersign_gateway.registry.interface.counts import Counts
from countersign_workshop.checkout import ROOT
from countersign_workshop.checks import decision_pages, documents, named_paths, prose_figures

PAGE = "# 0001: A choice\n\nStatus: accepted\n\n## Context\n\n## Decision\n\n## Consequences\n"
OPERATIONS = (ROOT / "gateway/OPERATIONS.md").read_text(encoding="utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout with one page and its list, without a fault."""
    (tmp_path / "Makefile").write_text("check: setup\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    folder = tmp_path / "tools/decisions"
    folder.mkdir(parents=True)
    (folder / "0001-a-choice.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "tools/cli.py").write_text(
        "LIMIT: int = 1\nclass Line:\n    kind = 1\n    def read(self): ...\n", encoding="utf-8"
    )
    decision_pages.write(tmp_path)
    assert said(tmp_path) == []
    return tmp_path


def said(checkout: Path) -> list[str]:
    return named_paths.faults(checkout) + decision_pages.faults(checkout)


def test_all_documents_are_true() -> None:
    assert documents.faults() == []


@pytest.mark.parametrize(
    "text",
    [
        "[a](tools/cli.py) `Line.read`",
        "[a](tools/cli.py), `LIMIT`; `tools/*.py`, [b](https://example.org/x), `make check`",
        "| [a](tools/cli.py) | `Line.kind` |",
        "    make check   # and the rest",
    ],
)
def test_what_exists_may_be_named(checkout: Path, text: str) -> None:
    (checkout / "README.md").write_text(text, encoding="utf-8")
    assert said(checkout) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[a](tools/clo.py)", "a link leads to tools/clo.py"),
        ("see tools/clo.py.", "there is no tools/clo.py"),
        ("`tests/protocol`", "there is no tests/protocol"),
        ("[a](tools/cli.py) `Line.write`", "tools/cli.py has no Line.write"),
        ("[a](tools/cli.py) `read`", "tools/cli.py has no read"),
        ("`countersign inspct x`", "there is no command countersign inspct"),
        ("    .venv/bin/countersign demos", "there is no command countersign demos"),
        ("`make chekc`", "the Makefile has no chekc"),
        ("    make check setup", "the Makefile has no setup"),
    ],
)
def test_what_does_not_exist_is_found(checkout: Path, text: str, fault: str) -> None:
    (checkout / "README.md").write_text(text, encoding="utf-8")
    assert any(fault in line and line.startswith("README.md: ") for line in said(checkout))


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("0001-b.md", PAGE, "another page has its number, 0001"),
        ("0002-b.md", PAGE, "another number than its name"),
        ("0002-b.md", PAGE.replace("0001", "0002").replace("accepted", "maybe"), "status 'maybe'"),
        ("0002-b.md", PAGE.replace("0001", "0002").replace("## Dec", "## Des"), "headings are"),
        ("0002-b.md", "# A choice\n", "does not begin with"),
    ],
)
def test_pages_follow_the_template(checkout: Path, name: str, text: str, fault: str) -> None:
    (checkout / "tools/decisions" / name).write_text(text, encoding="utf-8")
    decision_pages.write(checkout)
    assert any(fault in line for line in said(checkout))


def test_the_list_is_complete(checkout: Path) -> None:
    page = PAGE.replace("0001", "0002")
    (checkout / "tools/decisions/0002-b.md").write_text(page, encoding="utf-8")
    assert any(line.startswith("DECISIONS.md") for line in said(checkout))


def test_a_decision_that_is_cited_exists(checkout: Path) -> None:
    (checkout / "tools/cited.py").write_text('"""Why: decision 0002."""\n', encoding="utf-8")
    assert said(checkout) == ["tools/cited.py: there is no decision 0002"]


def test_compiled_contracts_are_not_read(checkout: Path) -> None:
    (checkout / "contracts/out/Cited.sol").mkdir(parents=True)
    assert said(checkout) == []


def test_blocks_of_figures_state_the_records() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert prose_figures.written(readme, ROOT) == readme
    wrong = re.sub(r"\| a proof \| [\d.]+ ms \|", "| a proof | 9.9 ms |", readme)
    assert wrong != readme
    assert prose_figures.written(wrong, ROOT) == readme


def test_each_question_of_where_has_one_file() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Where would I change")[1].split("\n## ")[0]
    answers = [line for line in section.splitlines() if line.startswith("| ") and "](" in line]
    assert len(answers) >= 10
    assert all(line.count("](") == 1 for line in answers), answers


def _events() -> set[str]:
    """Every event and kind of alarm that the gateway's source names."""
    found = set()
    for path in (ROOT / "gateway/countersign_gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in ("event", "fault", "sound", "tell") and node.args:
                found |= {
                    word.value
                    for word in ast.walk(node.args[0])
                    if isinstance(word, ast.Constant) and isinstance(word.value, str)
                }
    return found


def test_operators_find_every_event() -> None:
    events = _events()
    assert "gateway_ready" in events and "disk_full" in events
    assert [event for event in sorted(events) if f"`{event}`" not in OPERATIONS] == []


@pytest.mark.parametrize("counted", [Tally, Counts])
def test_operators_find_every_count(counted: type) -> None:
    names = [field.name for field in dataclasses.fields(counted)]
    assert [name for name in names if f"`{name}`" not in OPERATIONS] == []


def test_operators_find_every_state_and_command() -> None:
    states = [status.name.lower() for status in Status]
    known = [*states, "admitted", "expired", "waiting", "denied", *ACTS, "key", "sign"]
    words = [OPERATIONS, (ROOT / "tools/PROVISIONING.md").read_text(encoding="utf-8")]
    said = " ".join(re.findall(r"`[^`\n]+`|countersign device [a-z]+", " ".join(words)))
    assert [name for name in known if not re.search(rf"\b{name}\b", said)] == []


def _options(parser: argparse.ArgumentParser) -> set[str]:
    found: set[str] = set()
    for action in parser._actions:
        found |= {word for word in action.option_strings if word.startswith("--")}
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                found |= _options(inner)
    return found


@pytest.mark.parametrize("command", [name for name, _ in cli.COMMANDS])
def test_a_document_names_each_option(command: str) -> None:
    parser = argparse.ArgumentParser()
    cli.load(command).register(parser)
    said = "\n".join(path.read_text(encoding="utf-8") for path in named_paths.documents(ROOT))
    named = set(re.findall(r"--[a-z][a-z-]*", said))
    assert sorted(_options(parser) - named) == []
