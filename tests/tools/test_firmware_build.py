"""`countersign build` as it is called: what it refuses, and how it says so."""

import pytest

from countersign_tools import cli, firmware_build


def test_an_unknown_board_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["build", "--board", "RPI_PIKO"]) == 1
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err == (
        "build: no image is built for RPI_PIKO "
        "(there are: RPI_PICO, QEMU_M0, QEMU_MPS2, QEMU_RV32)\n"
    )


def test_an_image_that_was_not_built_names_the_command(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("COUNTERSIGN_CACHE", str(tmp_path))
    with pytest.raises(firmware_build.BuildError, match="countersign build --board QEMU_M0"):
        firmware_build.built("QEMU_M0")
