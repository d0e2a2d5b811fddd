"""Every test that the page of invariants names exists."""

import re

from countersign_workshop.ledger.forge import FOLDER

_PAGE = FOLDER / "INVARIANTS.md"
_TESTS = FOLDER / "test"


def _citations():
    """(a file below contracts/test, the functions cited from it; `*` is any ending)."""
    for file, names in re.findall(r"`([\w/.]+\.sol)(?:: ([^`]+))?`", _PAGE.read_text("utf-8")):
        yield file, [name.strip() for name in names.split(",") if name.strip()]


def test_each_test_that_the_page_names_exists():
    missing = []
    for file, names in _citations():
        path = _TESTS / file
        if not path.is_file():
            missing.append(file)
            continue
        functions = re.findall(r"function (\w+)", path.read_text("utf-8"))
        for name in names:
            wanted = re.compile(name.replace("*", r"\w*"))
            if not any(wanted.fullmatch(function) for function in functions):
                missing.append(f"{file}: {name}")
    assert missing == []


def test_each_invariant_test_is_on_the_page():
    cited = {name for _, names in _citations() for name in names}
    written = {
        name
        for path in _TESTS.rglob("*.invariant.t.sol")
        for name in re.findall(r"function (invariant_\w+)", path.read_text("utf-8"))
    }
    assert written
    assert written - cited == set()
