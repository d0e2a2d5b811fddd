"""Flashing a board whose boot loader is a USB drive: a UF2 file is copied to the drive.

Every check comes before the first byte is written: the file is whole, is for this chip, and ends
before the board's file system, and the drive is this board's. The boot loader is in ROM. After a
copy that was cut short, the board therefore comes back as a drive.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

from countersign_cli import installation
from countersign_cli.board_catalogue import uf2
from countersign_cli.board_catalogue.board_kinds import BoardKind, Uf2Board, matches
from countersign_cli.board_port import board_line, service_door
from countersign_cli.board_port.raw_repl import BoardGone, RawRepl, ReplError, ScriptFailed
from countersign_cli.board_port.service_door import Keeper
from countersign_cli.flashing.flash_fault import FlashFault

INFO = "INFO_UF2.TXT"
_TARGET = "firmware.uf2"
_ANSWER_S = 5.0
_DRIVE_S = 30.0
_POLL_S = 0.2
_MOUNTS = Path("/proc/self/mounts")
_BOARD_ID = re.compile(r"^Board-ID:\s*(\S+)\s*$", re.MULTILINE)


def flash(
    kind: BoardKind,
    loader: Uf2Board,
    *,
    image: Path | None,
    port: str | None,
    volume: Path | None,
    erase_files: bool = False,
    drive_s: float = _DRIVE_S,
    keeper: Keeper | None = None,
) -> str:
    """Put the image on the board, and return a sentence that says what was done.

    port: reset the board there into its boot loader first; keeper opens its door. volume: the
    drive's folder; without it this function looks for the drive, for `drive_s` seconds. Raises
    FlashFault or PortError if the board did not take the image.
    """
    data = _image(kind, loader, image)
    if erase_files:
        data = _whole_flash(loader, data)
    if port is not None:
        enter_boot_loader(kind, port, keeper or Keeper())
    folder = volume if volume is not None else _find(loader, drive_s)
    _check_volume(kind, loader, folder)
    _write(folder, data)
    digest = hashlib.sha256(data).hexdigest()
    return f"{len(data)} bytes written to {folder}, sha256 {digest}; the board starts by itself"


def enter_boot_loader(kind: BoardKind, port: str, keeper: Keeper) -> None:
    """Reset a board into its boot loader.

    If MicroPython answers, it is asked which board it runs on. If nothing answers, the port is
    touched at 1200 baud: the USB port of MicroPython and of other firmware takes that as the
    request. Raises FlashFault if the board is another one or does not answer, PortError if the port
    cannot be opened.
    """
    repl = RawRepl(board_line.open_port(port))
    try:
        service_door.enter(repl, port, keeper, lambda: board_line.open_port(port), _ANSWER_S)
        machine = repl.run("import sys\nprint(sys.implementation._machine)", _ANSWER_S).strip()
        if not matches(kind, machine):
            raise FlashFault(
                f"at {port} is a {machine}, not a {kind.name}: connect the right board, or correct "
                "--board"
            )
        repl.start("import machine\nmachine.bootloader()")
        repl.drain(1.0)
    except service_door.DoorShut as fault:
        raise FlashFault(str(fault)) from None
    except BoardGone:
        return  # the board resets before it can answer
    except (ReplError, ScriptFailed):
        repl.close()
        _touch(port)
    finally:
        repl.close()


def _touch(port: str) -> None:
    if not port.startswith("/"):
        raise FlashFault(
            f"the board at {port} does not answer: hold BOOTSEL while plugging it in, then run "
            "this with --volume"
        )
    board_line.touch(port)


def _image(kind: BoardKind, loader: Uf2Board, path: Path | None) -> bytes:
    if path is None:
        path = _built(kind)
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise FlashFault(f"{path} cannot be read: {fault.strerror}") from None
    try:
        start, content = uf2.decode(data, loader.family)
    except uf2.Uf2Error as fault:
        raise FlashFault(f"{path} is {fault}: take the image for a {kind.name}") from None
    end = start - uf2.FLASH_START + len(content)
    if start != uf2.FLASH_START:
        raise FlashFault(f"{path} has no start of a firmware: take the image for a {kind.name}")
    if end > loader.firmware_bytes:
        raise FlashFault(
            f"{path} would write over the board's files, and with them its identity: take an image "
            f"for a {kind.name}"
        )
    return data


def _built(kind: BoardKind) -> Path:
    if installation.checkout() is None:
        raise FlashFault(f"name the --image for a {kind.name}: only a checkout builds one")
    path = installation.image_folder(kind.name) / _TARGET
    if not path.is_file():
        raise FlashFault(
            f"the image is missing: countersign build --board {kind.name}, or name an --image"
        )
    return path


def _whole_flash(loader: Uf2Board, data: bytes) -> bytes:
    """The image with erased flash behind it: MicroPython then makes its file system anew."""
    _, content = uf2.decode(data, loader.family)
    return uf2.encode(content.ljust(loader.flash_bytes, b"\xff"), family=loader.family)


def _find(loader: Uf2Board, drive_s: float) -> Path:
    """The drive of the only board in its boot loader. Waits for it up to drive_s seconds.

    FlashFault if there is none, or several.
    """
    deadline = time.monotonic() + drive_s
    while True:
        drives = [folder for folder in _mounted() if _board_id(folder) is not None]
        if len(drives) == 1:
            return drives[0]
        if drives:
            names = ", ".join(str(folder) for folder in drives)
            raise FlashFault(f"several boards are in their boot loader ({names}): name a --volume")
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_S)
    device = Path("/dev/disk/by-label") / loader.volume_id
    if device.exists():
        raise FlashFault(
            f"the board's drive is not mounted: udisksctl mount -b {device}, then run this with "
            "--volume and the folder that it names"
        )
    raise FlashFault(
        "no board is in its boot loader: hold BOOTSEL while plugging it in, then run this again"
    )


def _mounted() -> dict[Path, Path]:
    """Every mounted file system: its folder, and its device."""
    devices = {}
    for line in _MOUNTS.read_text(encoding="utf-8").splitlines():
        # The kernel writes spaces and similar characters as octal escapes (proc_mounts(5)).
        device, folder = (
            re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), word)
            for word in line.split()[:2]
        )
        devices[Path(folder)] = Path(device)
    return devices


def _is_gone(folder: Path) -> bool:
    """Whether the board has taken its drive away.

    The drive's device tells this. Its files do not, since the system may still remember them.
    """
    device = _mounted().get(folder.resolve())
    return _board_id(folder) is None or (device is not None and not device.exists())


def _board_id(folder: Path) -> str | None:
    try:
        text = (folder / INFO).read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = _BOARD_ID.search(text)
    return found[1] if found else None


def _check_volume(kind: BoardKind, loader: Uf2Board, folder: Path) -> None:
    board_id = _board_id(folder)
    if board_id is None:
        raise FlashFault(
            f"{folder} is not the drive of a board in its boot loader (it has no {INFO}): hold "
            "BOOTSEL while plugging the board in"
        )
    if board_id != loader.volume_id:
        raise FlashFault(
            f"the board at {folder} is {board_id}, and a {kind.name} is {loader.volume_id}: "
            "connect the right board, or correct --board"
        )


def _write(folder: Path, data: bytes) -> None:
    try:
        with (folder / _TARGET).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        # The board restarts at the last block. It may take the drive away before the system has
        # confirmed the write. As long as there is still a drive, the board has not started.
        if _is_gone(folder):
            return
        raise FlashFault(
            f"{folder} does not take the image ({fault.strerror}): the board is still in its boot "
            "loader, so run this again; if it fails again, take another cable"
        ) from None
