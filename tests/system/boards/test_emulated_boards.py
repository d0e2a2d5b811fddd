"""Emulated boards join a real gateway by their serial ports, and are recognised as emulated.

The Raspberry Pi Pico's image is the one that is flashed, on the emulated RP2040. The tests of that
board and of the QEMU machines run in `make test-boards`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from countersign import identity
from countersign_cli.site_folder import create_site
from countersign_workshop.child_processes.events import Events
from countersign_workshop.child_processes.ports import free_port
from countersign_workshop.child_processes.process import Child
from countersign_workshop.emulation import qemu, rp2040
from countersign_workshop.emulation.emulated_board import BoardStopped, EmulatedBoard, for_gateway
from countersign_workshop.images import firmware_build
from support.boards import emulated_pico
from support.gateway.opened import open_window
from support.gateway.running_site import SITE, RunningSite, running_site
from support.gateway.serial_lines import section

pytestmark = pytest.mark.board

SETTINGS: dict[str, object] = {"check_in_interval_ms": 500, "reconnect_least_ms": 50}
IMAGES = ("RPI_PICO", *qemu.MACHINES)
KINDS = ("UNIX", "UNIX_ARMHF", *IMAGES)


@contextmanager
def joined(
    kind: str, folder: Path, allow_emulated: bool = True, port: str = "usb", **settings: object
) -> Iterator[tuple[EmulatedBoard, RunningSite]]:
    """A board that is off, and a running gateway with a line to it."""
    site_folder = folder / "site"
    site_folder.mkdir(parents=True)
    board = EmulatedBoard(kind, folder / "board")
    url = board.serial_url if port == "usb" else board.uart_url
    lines = section(str(url), 115200)
    try:
        with running_site(site_folder, None, lines=lines, allow_emulated=allow_emulated) as site:
            public_key = site.gateway.key.public_key
            board.configure(
                for_gateway(SITE, public_key, "board", port, **{**SETTINGS, **settings})
            )
            yield board, site
    finally:
        board.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_a_board_joins_and_nothing_hides_that_it_is_emulated(kind: str, tmp_path: Path) -> None:
    """Its settings say that it is hardware. The board and the gateway find out the truth."""
    emulated_pico.kind_or_skip(kind)
    with joined(kind, tmp_path, environment="hardware") as (board, site):
        board.power_on()
        (started,) = board.wait_for("started")
        board.wait_for("enrolled")
        board.wait_for("verdict", 2, message="evidence", allow=True)
        assert started["environment"] == identity.ENVIRONMENT_EMULATED
        device = site.gateway.registry.device(bytes.fromhex(started["device_id"]))
        assert device is not None and device.environment == identity.ENVIRONMENT_EMULATED
        assert not site.gateway.tally.refused
        print(f"{kind}: enrolled over its serial port, engine {started['engine']}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_site_that_allows_no_emulated_device_refuses_it(kind: str, tmp_path: Path) -> None:
    emulated_pico.kind_or_skip(kind)
    allowed = False
    with joined(kind, tmp_path, allowed, environment="hardware") as (board, site):
        board.power_on()
        (refused,) = board.wait_for("refused")
        assert refused["reason"] == "EMULATED_REFUSED"
        assert set(site.gateway.tally.refused) == {"EMULATED_REFUSED"}
        assert site.gateway.registry.counts().devices == 0
        assert not board.events.select("enrolled")


@pytest.mark.parametrize("kind", IMAGES)
def test_without_injected_entropy_the_agent_does_not_start(kind: str, tmp_path: Path) -> None:
    emulated_pico.kind_or_skip(kind)
    settings = for_gateway(SITE, bytes(32), "board", **SETTINGS)
    with EmulatedBoard(kind, tmp_path / "board", settings=settings, entropy=False) as board:
        (told,) = board.wait_for("cannot_start")
        assert told["error"] == "EntropyError"
        assert told["why"] in (
            "the ring oscillator stands still",
            "os.urandom fails: this board has no entropy",
        )
        assert not board.events.select("key_made")
        print(f"{kind}: {told['why']}")


def test_the_pico_speaks_over_its_uart_too(tmp_path: Path) -> None:
    emulated_pico.kind_or_skip("RPI_PICO")
    with joined("RPI_PICO", tmp_path, port="uart:1") as (board, site):
        board.power_on()
        board.wait_for("verdict", 2, message="evidence", allow=True)
        assert not site.gateway.tally.refused


@pytest.mark.parametrize("kind", ["UNIX", "RPI_PICO"])
def test_the_same_board_comes_back_after_its_power_was_taken(kind: str, tmp_path: Path) -> None:
    emulated_pico.kind_or_skip(kind)
    with joined(kind, tmp_path) as (board, site):
        board.power_on()
        board.wait_for("verdict", message="evidence", allow=True)
        board.power_off()
        assert not board.running()
        sent = len(board.events.select("evidence_sent"))
        board.power_on()
        first, second = board.wait_for("started", 2)
        board.wait_for("evidence_sent", sent + 1)
        assert first["device_id"] == second["device_id"]
        assert second["boot_count"] == first["boot_count"] + 1
        assert site.gateway.registry.counts().devices == 1


def test_a_power_cut_in_a_flash_operation_leaves_a_board_that_starts(tmp_path: Path) -> None:
    emulated_pico.kind_or_skip("RPI_PICO")
    with joined("RPI_PICO", tmp_path) as (board, site):
        board.power_on()
        board.wait_for("verdict", message="evidence", allow=True)
        board.power_off()
        board.power_on(cut_at=1, cut_bytes=100)
        with pytest.raises(BoardStopped, match="at flash operation 1"):
            board.wait_for("verdict", 100)
        board.power_on()
        board.wait_for("evidence_sent", len(board.events.select("evidence_sent")) + 1)
        assert len({event["device_id"] for event in board.events.select("started")}) == 1
        assert site.gateway.registry.counts().devices == 1


def test_the_button_always_reaches_the_prompt(tmp_path: Path) -> None:
    """One board: unconfigured, with a main.py that is not ours, misconfigured, and as an agent."""
    emulated_pico.kind_or_skip("RPI_PICO")
    with rp2040.Rp2040(firmware_build.built("RPI_PICO").file) as board:
        assert board.run("print('prompt')") == "prompt\n"

        board.copy_in({"/main.py": b"open('/ran', 'w').close()\n"})
        board.reset()
        assert board.run("import os\nprint('ran' in os.listdir('/'))") == "True\n"

        board.run("import os\nos.remove('/ran')")
        for settings in (b"", b"[]", b'{"site": "x"}'):
            board.copy_in({"/countersign.json": settings})
            board.reset()
            assert board.run("print('prompt')") == "prompt\n", settings
        assert board.run("import os\nprint('ran' in os.listdir('/'))") == "False\n"

        settings = json.dumps(for_gateway(SITE, bytes(31) + b"\1", "board")).encode()
        board.copy_in({"/countersign.json": settings})
        board.reset()
        assert "key_store" in board.run("import os\nprint(os.listdir('/'))")
        # The agent had switched Ctrl-C off, and who was let in has it again.
        board.repl().start("while True:\n    pass")
        board.repl().enter()


@pytest.mark.parametrize("kind", ["UNIX", "RPI_PICO"])
def test_the_command_starts_boards_that_join_a_site_without_a_broker(
    kind: str, tmp_path: Path
) -> None:
    emulated_pico.kind_or_skip(kind)
    port = free_port()
    folder = tmp_path / "site"
    url = f"socket://127.0.0.1:{port}"
    create_site(folder, SITE, broker=None, lines=[url], allow_emulated=True, enrolment="open")
    events = Events()
    command = [sys.executable, "-m", "countersign_cli.cli"]
    gateway = Child(
        "gateway",
        [*command, "gateway", "run", "--config", folder / "gateway.toml"],
        on_line=events.listener("gateway"),
    )
    boards = Child(
        "boards",
        [*command, "emulate", "--board", kind, "--site", folder, "--folder", tmp_path / "kept"],
    )
    try:

        def running() -> None:
            assert gateway.running() and boards.running(), gateway.tail() + boards.tail()

        (ready,) = events.wait("the gateway", lambda: events.select("gateway_ready"))
        assert (ready["host"], ready["port"]) == (None, None)
        open_window(folder)
        events.wait("evidence", lambda: events.select("evidence_verified"), 300, running)
        assert url in boards.tail()
        assert boards.stop() == 0, boards.tail()
        assert gateway.stop() == 0, gateway.tail()
    finally:
        boards.kill()
        gateway.kill()
