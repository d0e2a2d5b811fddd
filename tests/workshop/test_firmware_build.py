"""`countersign build` around the compilers: what it refuses, when it builds, what readers see."""

import threading
from pathlib import Path

import pytest

from countersign_cli import cli
from countersign_workshop.images import firmware_build, image_budget, native
from countersign_workshop.parts import board_sources

UNLIMITED = image_budget.Budget(image_bytes=1 << 20, heap_free_bytes=1)


class FakeCompilers:
    """Makes an image of a few bytes and counts how often."""

    def __init__(self) -> None:
        self.calls = 0
        self.content = b"image"
        self.busy = 0
        self.most_busy = 0

    def make(self, _board: str, _compiler: str, work: Path, _arithmetic: Path) -> None:
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        self.calls += 1
        threading.Event().wait(0.05)
        (work / "firmware.elf").write_bytes(self.content)
        self.busy -= 1


@pytest.fixture
def compilers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeCompilers:
    fake = FakeCompilers()
    recipe = firmware_build._Recipe(fake.make, lambda: "", "armv6m", "firmware.elf")
    monkeypatch.setenv("COUNTERSIGN_CACHE", str(tmp_path))
    monkeypatch.setitem(firmware_build._RECIPES, "QEMU_M0", recipe)
    monkeypatch.setattr(native, "arithmetic", lambda *_: Path("arithmetic.o"))
    monkeypatch.setattr(board_sources, "changed_s", lambda: 1)
    monkeypatch.setattr(image_budget, "read", lambda _folder: UNLIMITED)
    monkeypatch.setattr(
        image_budget, "measure", lambda elf: image_budget.Use(elf.stat().st_size, 1000)
    )
    return fake


def test_an_unknown_board_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["build", "--board", "RPI_PIKO"]) == 1
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err == (
        "countersign build: no image is built for RPI_PIKO "
        "(there are: RPI_PICO, QEMU_M0, QEMU_MPS2, QEMU_RV32)\n"
    )


def test_an_image_that_was_not_built_names_the_command(compilers: FakeCompilers) -> None:
    with pytest.raises(firmware_build.BuildError, match="countersign build --board QEMU_M0"):
        firmware_build.built("QEMU_M0")


def test_what_has_not_changed_is_not_built_again(
    compilers: FakeCompilers, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = firmware_build.build("QEMU_M0")
    assert firmware_build.build("QEMU_M0") == first == firmware_build.built("QEMU_M0")
    assert compilers.calls == 1
    monkeypatch.setattr(board_sources, "changed_s", lambda: 2)
    firmware_build.build("QEMU_M0")
    assert compilers.calls == 2


def test_builds_of_one_image_wait_for_each_other(compilers: FakeCompilers) -> None:
    builders = [threading.Thread(target=firmware_build.build, args=["QEMU_M0"]) for _ in range(4)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert firmware_build.built("QEMU_M0").file.read_bytes() == b"image"
    assert (compilers.calls, compilers.most_busy) == (1, 1)


def test_an_image_over_its_budget_is_refused_and_the_last_one_stays(
    compilers: FakeCompilers,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small = firmware_build.build("QEMU_M0").digest()
    monkeypatch.setattr(image_budget, "read", lambda _folder: image_budget.Budget(5, 1))
    monkeypatch.setattr(board_sources, "changed_s", lambda: 2)
    compilers.content = b"larger image"
    for _ in range(2):
        assert cli.main(["build", "--board", "QEMU_M0"]) == 1
        assert capsys.readouterr().err == (
            "countersign build: the image for QEMU_M0 takes 12 bytes, "
            "7 more than its budget in board.json\n"
        )
    assert firmware_build.built("QEMU_M0").digest() == small
