"""No byte sequence on the USB line of a device with the real image leads to an interpreter."""

import json
import random
from pathlib import Path

import pytest

from countersign_gateway.statements.keys import SigningKey, create_key_file
from countersign_workshop.emulation import rp2040
from support.boards import board_life, emulated_pico
from support.boards.line_listener import Listener
from support.gateway.running_site import SITE, running_site
from support.gateway.serial_lines import section

pytestmark = pytest.mark.board

SEED = 20
INTERPRETER = (b">>> ", b"raw REPL", b"paste mode", b"MicroPython v", b"soft reboot", b"Traceback")
STARTED = b'"event": "started"'
# What interrupts a program, begins a mode of the prompt, ends one, or ends a frame.
CONTROLS = bytes([0, 1, 2, 3, 4, 5, 10, 13, 0x41, 0x52, 0xFF])
BREAK_INS = (
    b"\x00\r\x03",
    b"\r\x03\x03\x02\r\x01",
    b"\x03" * 64,
    b"\x04" * 8,
    b"\x01\x05A\x01print(1)\x04",
    b"\x05print(1)\r\n\x04",
    b"\x02\r\nprint(open('/key_store/identity','rb').read())\r\n",
    b"countersign-service?" + b"countersign-service!" + b"0" * 128 + b"\n",
)


@pytest.fixture(scope="module")
def image() -> Path:
    return emulated_pico.image_or_skip()


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, object]:
    create_key_file(tmp_path / "gateway.key")
    return {
        "site": SITE,
        "gateway_public_key": SigningKey.from_file(tmp_path / "gateway.key").public_key.hex(),
        "transport": "serial",
        "serial_port": "usb",
        "storage_folder": "/key_store",
        "check_in_interval_ms": 100,
    }


def every_pair(alphabet: bytes) -> bytes:
    """The shortest sequence that holds each pair of the alphabet's bytes (de Bruijn)."""
    unused = {first: list(alphabet) for first in alphabet}
    path, circuit = [alphabet[0]], []
    while path:
        if unused[path[-1]]:
            path.append(unused[path[-1]].pop())
        else:
            circuit.append(path.pop())
    return bytes(reversed(circuit))


def start(board: rp2040.Rp2040, settings: dict[str, object]) -> Listener:
    """Make the board a device, and start it as its power does."""
    board.copy_in({"/countersign.json": json.dumps(settings).encode()})
    board.repl().start("import machine\nmachine.reset()")
    board.wait_for_restart()
    line = Listener(board)
    line.until(STARTED)
    return line


def send(line: Listener, data: bytes) -> None:
    line.send(data)
    line.rest(2.0)
    for mark in INTERPRETER:
        assert mark not in line.heard, (mark, line.heard[-400:])


def still_works(board: rp2040.Rp2040, line: Listener, folder: Path) -> None:
    """A gateway joins the board, and its agent checks in."""
    line.leave()
    with running_site(folder, None, lines=section(line.url)) as site:
        board_life.wait_for_check_ins(site, verified=2)


def test_a_break_in_leads_nowhere(image: Path, settings, tmp_path: Path) -> None:
    with rp2040.Rp2040(image) as board:
        line = start(board, settings)
        for sequence in BREAK_INS:
            send(line, sequence)
        send(line, every_pair(CONTROLS))
        still_works(board, line, tmp_path)


def test_a_stream_of_any_bytes_leads_nowhere(
    image: Path, settings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """With --slow: every pair of bytes, and every pair after a frame's delimiter."""
    chosen = random.Random(SEED)
    if request.config.getoption("--slow"):
        stream = every_pair(bytes(range(256)))
        assert len(stream) == 65537
        stream += b"".join(bytes([0, a, b]) for a in range(256) for b in range(256))
    else:
        stream = every_pair(CONTROLS) + chosen.randbytes(4096)
    with rp2040.Rp2040(image) as board:
        line = start(board, settings)
        for at in range(0, len(stream), 4096):
            send(line, stream[at : at + 4096])
        still_works(board, line, tmp_path)
    print(f"RPI_PICO: {len(stream)} bytes on the line, and no prompt")


@pytest.mark.parametrize("transport", ["uart", "mqtt"])
def test_the_usb_port_of_a_device_elsewhere_leads_nowhere(
    image: Path, settings, transport: str
) -> None:
    """The device speaks over a UART or a network, and nothing over USB but its log."""
    elsewhere = dict(settings)
    if transport == "uart":
        elsewhere["serial_port"] = "uart:1"
    else:
        del elsewhere["serial_port"]
        elsewhere.update(transport="mqtt", broker_host="127.0.0.1")
    with rp2040.Rp2040(image) as board:
        line = start(board, elsewhere)
        for sequence in BREAK_INS:
            send(line, sequence)
        line.leave()


def test_a_fault_and_its_pause_lead_nowhere(image: Path, settings) -> None:
    with rp2040.Rp2040(image) as board:
        line = start(board, settings)
        line.leave()
        other = {**settings, "device_id": "11" * 32}
        board.copy_in({"/countersign.json": json.dumps(other).encode()})
        board.repl().start("import machine\nmachine.reset()")
        board.wait_for_restart()
        line = Listener(board)
        line.until(b'"event": "restarting"')
        assert b"KeyStoreDamaged" in line.heard
        for sequence in BREAK_INS:
            send(line, sequence)
        line.leave()
        # A person at the board is let in.
        assert board.run("print('prompt')") == "prompt\n"
        # Whoever was let in finds an ordinary prompt, and the next start is the agent's again.
        board.repl().start("import machine\nmachine.reset()")
        board.wait_for_restart()
        line = Listener(board)
        line.until(b'"event": "cannot_start"')
        line.leave()


def test_no_file_leads_to_the_prompt(image: Path, settings) -> None:
    """A boot.py that fails would keep main.py from running."""
    with rp2040.Rp2040(image) as board:
        board.copy_in({"/boot.py": b"raise ValueError\n", "/main.py": b"raise ValueError\n"})
        line = start(board, settings)
        send(line, BREAK_INS[0])
        line.leave()


def test_a_board_that_is_no_device_runs_its_own_files(image: Path) -> None:
    with rp2040.Rp2040(image) as board:
        boot = b"import builtins\nbuiltins.own = 'own boot'\n"
        board.copy_in({"/boot.py": boot, "/main.py": b"print(own)\n"})
        board.repl().start("import machine\nmachine.reset()")
        board.wait_for_restart()
        line = Listener(board)
        line.until(b"own boot")
        line.until(b">>> ")
        line.leave()
