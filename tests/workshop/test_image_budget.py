"""An image that exceeds its budget is refused in one sentence, and every image has a budget."""

import json
from pathlib import Path

import pytest

from countersign_workshop.images import firmware_build, image_budget

ELF = Path("not-read")


@pytest.fixture(autouse=True)
def an_image_of_5000_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    use = image_budget.Use(image_bytes=5000, heap_bytes=2000)
    monkeypatch.setattr(image_budget, "measure", lambda _elf: use)


def board(tmp_path: Path, content: object) -> Path:
    folder = tmp_path / "BOARD"
    folder.mkdir()
    (folder / "board.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_within_the_budget(tmp_path: Path) -> None:
    folder = board(tmp_path, {"budget": {"image_bytes": 5000, "heap_free_bytes": 2000}})
    image_budget.require("BOARD", folder, ELF)


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        (
            {"image_bytes": 4999, "heap_free_bytes": 2000},
            "the image for BOARD takes 5000 bytes, 1 more than its budget in board.json",
        ),
        (
            {"image_bytes": 5000, "heap_free_bytes": 2001},
            "the image for BOARD leaves a heap of 2000 bytes, less than the 2001 that its budget "
            "in board.json wants free",
        ),
    ],
)
def test_what_exceeds_it_is_refused(tmp_path: Path, budget: object, sentence: str) -> None:
    with pytest.raises(image_budget.BudgetError) as refused:
        image_budget.require("BOARD", board(tmp_path, {"budget": budget}), ELF)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("content", [{}, {"budget": {"image_bytes": 1}}, {"budget": 3}, []])
def test_no_budget_is_no_licence(tmp_path: Path, content: object) -> None:
    with pytest.raises(image_budget.BudgetError, match=r"BOARD/board\.json has no budget"):
        image_budget.require("BOARD", board(tmp_path, content), ELF)


@pytest.mark.parametrize("name", firmware_build.IMAGES)
def test_every_image_has_a_budget(name: str) -> None:
    budget = image_budget.read(firmware_build.BOARDS / name)
    assert 0 < budget.image_bytes < 2 << 20
    assert budget.heap_free_bytes >= 150_000
