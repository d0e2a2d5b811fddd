"""The real image after its agent failed: it prints a line, waits longer each time, and resets."""

import json
import socket
import time
from pathlib import Path

import pytest

from countersign_workshop.emulation import rp2040
from support.boards import emulated_pico

pytestmark = pytest.mark.board

PATIENCE_S = 300.0
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


class Listener:
    """A program at a board's line that says nothing. `heard` grows."""

    def __init__(self, board: rp2040.Rp2040) -> None:
        board.release()
        self._line = socket.create_connection(("127.0.0.1", board.serial_port))
        self._line.settimeout(1.0)
        self.heard = b""

    def until(self, mark: bytes) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while mark not in self.heard:
            assert time.monotonic() < deadline_s, self.heard[-2000:]
            try:
                received = self._line.recv(4096)
            except TimeoutError:
                continue
            assert received, "the emulated board is gone"
            self.heard += received

    def leave(self) -> None:
        self._line.close()


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
        # During the pause, Return and Ctrl-C lead to the prompt.
        assert board.run("print('prompt')") == "prompt\n"

        board.run(MEND)
        start(board)
        line = Listener(board)
        line.until(STARTED)
        assert b"restarting" not in line.heard
        line.leave()


def start(board: rp2040.Rp2040) -> None:
    """Start the board as its power does, with nobody speaking on its line."""
    board.repl().start("import machine\nmachine.reset()")
    board.wait_for_restart()
