"""The documents of this checkout are true, and the check finds what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from countersign_workshop.checkout import ROOT
from countersign_workshop.checks import decision_pages, documents, named_paths, prose_figures

PAGE = "# 0001: A choice\n\nStatus: accepted\n\n## Context\n\n## Decision\n\n## Consequences\n"


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
