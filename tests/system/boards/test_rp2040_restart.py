"""The real image after its agent failed: it prints a line, waits longer each time, and resets."""

import json
from pathlib import Path

import pytest

from countersign_workshop.emulation import rp2040
from support.boards import emulated_pico
from support.boards.line_listener import Listener

pytestmark = pytest.mark.board

SETTINGS = {
    "site": "ward-3",
    "gateway_public_key": "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    "transport": "serial",
    "serial_port": "usb",
    "storage_folder": "/key_store",
}
# The record cannot be read, because a folder has its name.
BREAK = "import os\nos.remove('/key_store/seed')\nos.mkdir('/key_store/seed')"
MEND = "import os\nos.rmdir('/key_store/seed')"
STARTED = b'"event": "started"'


@pytest.fixture(scope="module")
def image() -> Path:
    return emulated_pico.image_or_skip()


def restarting(delay_ms: int) -> bytes:
    return b'{"event": "restarting", "delay_ms": %d}' % delay_ms


def test_a_fault_is_said_and_the_board_starts_anew_after_a_pause_that_grows(image: Path) -> None:
    with rp2040.Rp2040(image) as board:
        board.copy_in({"/countersign.json": json.dumps(SETTINGS).encode()})
        start(board)
        with_agent = Listener(board)
        with_agent.until(STARTED)
        with_agent.leave()

        board.run(BREAK)
        start(board)
        line = Listener(board)
        line.until(restarting(5000))
        assert line.heard.index(b'"event": "cannot_start", "do": "') < line.heard.index(
            b"restarting"
        )
        assert b'"error": "StorageError"' in line.heard
        board.wait_for_restart()
        line.until(restarting(10000))
        line.leave()
        # During the pause, the BOOTSEL button leads to the prompt.
        assert board.run("print('prompt')") == "prompt\n"

        board.run(MEND)
        start(board)
        line = Listener(board)
        line.until(STARTED)
        assert b"restarting" not in line.heard
        line.leave()


def test_the_watchdog_resets_a_board_that_stands_still(image: Path) -> None:
    """It is fed while turns are recent, and by nobody once they are not."""
    with rp2040.Rp2040(image) as board:
        begin = "from countersign_agent.hardware.watchdog import Watchdog\ndog = Watchdog({})\n"
        wait = "import time\nfor _ in range(12):\n    time.sleep(1)\n    {}\nprint('awake')"
        assert board.run((begin + wait).format(3000, "dog.feed()")) == "awake\n"
    with rp2040.Rp2040(image) as board:
        board.repl().start((begin + wait).format(1000, "pass"))
        board.wait_for_restart()


def start(board: rp2040.Rp2040) -> None:
    """Start the board as its power does, with nobody speaking on its line."""
    board.repl().start("import machine\nmachine.reset()")
    board.wait_for_restart()
