"""Flashing an ESP32 board: esptool, Espressif's own program, writes MicroPython's image.

esptool has another licence than this project, so this module starts it as a program and does not
import it. esptool erases only what the image covers, so the board's files stay.
"""

from __future__ import annotations

import importlib.util
import struct
import subprocess
import sys
from pathlib import Path

from countersign_cli import extras
from countersign_cli.board_catalogue.board_kinds import EspBoard
from countersign_cli.board_port import board_line
from countersign_cli.flashing.flash_fault import FlashFault

_BAUD = 460800
_TIMEOUT_S = 300
_IMAGE_MAGIC = 0xE9
_CHIP_AT = 12
"""The offset of a little-endian 16-bit number in the image's header (esp_image_header_t)."""

# What esptool says, and what to do then. The first text that is found in its output counts.
_MEANINGS = (
    ("Wrong chip", "the chip at {port} is not that of a {board}: connect the right board, or "
     "correct --board"),
    ("This chip is", "the chip at {port} is not that of a {board}: connect the right board, or "
     "correct --board"),
    ("Failed to connect", "no boot loader answers at {port}: hold BOOT, press RESET, let go, and "
     "run this again"),
    ("No serial data received", "no boot loader answers at {port}: hold BOOT, press RESET, let go, "
     "and run this again"),
    ("Could not open", "{port} is busy or not there: end what uses it or plug the board in, then "
     "run this again"),
    ("MD5 of file does not match", "what the board reads back is not the image: run this again; if "
     "it fails again, put the board aside"),
    ("device disconnected", "the board at {port} is gone: plug it in and run this again; its boot "
     "loader is in ROM"),
    ("Input/output error", "the board at {port} is gone: plug it in and run this again; its boot "
     "loader is in ROM"),
)  # fmt: skip


def flash(
    loader: EspBoard, board: str, image: Path | None, port: str | None, erase_files: bool = False
) -> str:
    """Write the image to the board, and return a sentence that says what was done.

    Raises FlashFault or PortError if that did not succeed.
    """
    if port is None:
        raise FlashFault(f"a {board} is flashed over its serial port: name its --port")
    if image is None:
        raise FlashFault(
            f"no image is built for a {board}: download MicroPython 1.25 or later for it from "
            "micropython.org, and name it with --image"
        )
    check_image(loader, board, image)
    if importlib.util.find_spec("esptool") is None:
        raise extras.missing("esptool")
    board_line.check_name(port)
    if port.startswith("/"):
        # This trial comes first, because our reasons are better than esptool's.
        board_line.open_port(port).close()
    _run(loader, board, image, port, erase_files)
    return f"{image} written to the {board} at {port} and read back; countersign provision is next"


def check_image(loader: EspBoard, board: str, image: Path) -> None:
    """FlashFault unless the file is firmware for this chip and ends before the board's files."""
    try:
        data = image.read_bytes()
    except OSError as fault:
        raise FlashFault(f"{image} cannot be read: {fault.strerror}") from None
    if len(data) < 32 or data[0] != _IMAGE_MAGIC:
        raise FlashFault(f"{image} is no firmware of an ESP32: take the .bin file for a {board}")
    (chip,) = struct.unpack_from("<H", data, _CHIP_AT)
    if chip != loader.image_chip:
        raise FlashFault(f"{image} is for another chip: take the .bin file for a {board}")
    if loader.offset + len(data) > loader.firmware_end:
        raise FlashFault(
            f"{image} would write over the board's files, and with them its identity: take the "
            f".bin file for a {board}"
        )


def _run(loader: EspBoard, board: str, image: Path, port: str, erase_files: bool) -> None:
    words = [sys.executable, "-m", "esptool", "--chip", loader.chip, "--port", port]
    words += ["--baud", str(_BAUD), "write-flash"]
    if erase_files:
        words.append("--erase-all")
    words += [hex(loader.offset), str(image)]
    try:
        finished = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise FlashFault(
            f"esptool did not end at {port}: press the board's reset button, run this again"
        ) from None
    if finished.returncode == 0:
        return
    for sign, meaning in _MEANINGS:
        if sign in finished.stdout:
            raise FlashFault(meaning.format(port=port, board=board))
    lines = [line.strip() for line in finished.stdout.splitlines() if line.strip()]
    raise FlashFault(
        f"esptool failed ({lines[-1] if lines else 'no output'}): the board's boot loader is in "
        "ROM, so run this again"
    )
