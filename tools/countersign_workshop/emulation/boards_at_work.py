"""Emulated boards that run until Ctrl-C, or one that runs a script and ends."""

from __future__ import annotations

import argparse
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from countersign_cli.mendable import Mendable
from countersign_cli.site_folder import CONFIG_NAME
from countersign_gateway import config
from countersign_gateway.model import OperatorError
from countersign_gateway.statements.keys import SigningKey
from countersign_workshop.checkout import cache_folder
from countersign_workshop.emulation import qemu, rp2040
from countersign_workshop.emulation.emulated_board import EmulatedBoard, settings
from countersign_workshop.images import firmware_build

_LOCAL_LINE = "socket://127.0.0.1:"
CHECK_IN_INTERVAL_MS = 10_000


class CannotStart(Mendable):
    """The boards cannot be started like that. The text is one sentence with what to do."""


@dataclass(frozen=True)
class _Site:
    """What a board must know of its site, and the ports that the site's gateway connects to."""

    name: str
    public_key: bytes
    ports: list[int]
    allows_emulated: bool


def run_script(arguments: argparse.Namespace) -> int:
    """Run the script and print its output. CannotStart, or ScriptFailed if the script raised."""
    if arguments.board not in firmware_build.IMAGES:
        raise CannotStart("on MicroPython as a process scripts run with: countersign runtime")
    if arguments.flash and arguments.board in qemu.MACHINES:
        raise CannotStart(f"{arguments.board} has no flash to keep")
    image = arguments.image or firmware_build.built(arguments.board).file
    with _script_board(arguments, image) as board:
        board.copy_in({path.name: path.read_bytes() for path in arguments.copy})
        print(board.run(arguments.script.read_text(encoding="utf-8")), end="")
    return 0


def _script_board(arguments: argparse.Namespace, image: Path) -> qemu.Qemu | rp2040.Rp2040:
    if arguments.board in qemu.MACHINES:
        return qemu.Qemu(arguments.board, image)
    return rp2040.Rp2040(image, flash=arguments.flash)


def run_boards(arguments: argparse.Namespace) -> int:
    """Exit status 0 after Ctrl-C, 1 if a board stopped by itself. Raises CannotStart."""
    if arguments.devices < 1:
        raise CannotStart("--devices is 1 or more")
    if arguments.copy or arguments.flash:
        raise CannotStart("--copy and --flash belong to --script")
    site = None if arguments.site is None else _site(arguments.site)
    folder = arguments.folder or cache_folder() / "emulated" / arguments.board
    signal.signal(signal.SIGTERM, _as_interrupt)
    boards: list[EmulatedBoard] = []
    try:
        for number in range(arguments.devices):
            boards.append(_board(arguments, folder, number, site))
        _print_ports(boards, arguments, site)
        for board in boards:
            board.power_on()
        while all(board.running() for board in boards):
            time.sleep(0.5)
        ended = next(board for board in boards if not board.running())
        print(f"emulate: {ended.folder.name} has stopped: {ended.why_not_running()}")
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for board in boards:
            board.stop()


def _board(
    arguments: argparse.Namespace, folder: Path, number: int, site: _Site | None
) -> EmulatedBoard:
    name = f"{arguments.board.lower().replace('_', '-')}-{number + 1}"
    wanted = None
    port = 0
    if site is not None:
        line = "uart:1" if arguments.uart else "usb"
        wanted = settings.for_gateway(
            site.name, site.public_key, name, line, check_in_interval_ms=arguments.interval_ms
        )
        port = site.ports[number] if number < len(site.ports) else 0
    try:
        board = EmulatedBoard(
            arguments.board,
            folder / name,
            settings=wanted,
            image=arguments.image,
            serial_port=0 if arguments.uart else port,
            uart_port=port if arguments.uart else 0,
            on_line=lambda text: print(f"{name}: {text}", flush=True),
        )
    except OSError as fault:
        raise CannotStart(f"port {port} for {name} cannot be had: {fault.strerror}") from None
    if arguments.uart and board.uart_url is None:
        board.stop()
        raise CannotStart(f"{arguments.board} has no UART beside its serial port")
    return board


def _print_ports(
    boards: list[EmulatedBoard], arguments: argparse.Namespace, site: _Site | None
) -> None:
    urls = [board.uart_url if arguments.uart else board.serial_url for board in boards]
    for board, url in zip(boards, urls, strict=True):
        print(f"{board.folder.name}: {url}, kept in {board.folder}", flush=True)
    if site is None:
        return
    if missing := urls[len(site.ports) :]:
        print("The site has no lines to these boards. Add to its gateway.toml, and start it again:")
        for url in missing:
            print(f'\n[[ingress.serial]]\nurl = "{url}"', flush=True)
    if not site.allows_emulated:
        print(
            "The site refuses emulated devices (EMULATED_REFUSED): for a demonstration set "
            "policy.allow_emulated = true in its gateway.toml.",
            flush=True,
        )


def _site(path: Path) -> _Site:
    file = path / CONFIG_NAME if path.is_dir() else path
    try:
        site = config.load(file)
        public_key = SigningKey.from_file(site.key_file).public_key
    except OperatorError as fault:
        raise CannotStart(f"{file}: {fault}") from None
    ports = [
        int(line.url.removeprefix(_LOCAL_LINE))
        for line in site.serial
        if line.url.startswith(_LOCAL_LINE)
    ]
    return _Site(site.site, public_key, ports, site.policy.allow_emulated)


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
