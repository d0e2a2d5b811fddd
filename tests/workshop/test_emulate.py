"""`countersign emulate` refuses impossible requests before it starts anything."""

from pathlib import Path

import pytest

from countersign_cli import cli
from countersign_cli.board_catalogue import uf2


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text("print(1)\n", encoding="utf-8")
    return path


def test_an_image_for_another_chip(
    script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "pico2.uf2"
    image.write_bytes(uf2.encode(bytes(512), family=0xE48BFF59))
    command = ["emulate", "--board", "RPI_PICO", "--script", str(script), "--image", str(image)]
    assert cli.main(command) == 1
    assert capsys.readouterr().err == (
        "countersign emulate: a UF2 file for another chip: RP2350 (Arm), wanted RP2040\n"
    )


def test_a_flash_for_a_board_without_one(
    script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flash = tmp_path / "flash"
    command = ["emulate", "--board", "QEMU_M0", "--script", str(script), "--flash", str(flash)]
    assert cli.main(command) == 1
    assert capsys.readouterr().err == "countersign emulate: QEMU_M0 has no flash to keep\n"
