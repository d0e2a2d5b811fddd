"""`countersign flash`: put firmware on a board. Its files, and with them its identity, stay.

    countersign flash --board RPI_PICO --port /dev/ttyACM0
    countersign flash --board RPI_PICO --volume /media/you/RPI-RP2
    countersign flash --board ESP32_GENERIC --port /dev/ttyUSB0 --image ESP32_GENERIC-v1.25.0.bin

Without --image the image is the one that `countersign build` made in a checkout. For an ESP32 it is
MicroPython's own, and `countersign provision` installs the agent. A flash that was interrupted is
repeated: what starts a board is in its ROM.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from countersign_cli import device_id_argument
from countersign_cli.board_catalogue import board_kinds

EXTRAS = ("boards",)


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--board", required=True, choices=board_kinds.flashable(), metavar="BOARD")
    parser.add_argument("--port", help="the board's serial port")
    parser.add_argument(
        "--volume", type=Path, metavar="DIR", help="the drive of a board in its boot loader"
    )
    parser.add_argument("--image", type=Path, metavar="FILE", help="the firmware")
    parser.add_argument(
        "--provisioner-key",
        type=Path,
        metavar="FILE",
        help="opens the prompt of a running device at --port; without it, BOOTSEL does",
    )
    parser.add_argument(
        "--device-id",
        type=device_id_argument.device_id,
        metavar="ID",
        help="the running device for which the provisioner key signs: 64 digits, from its report",
    )
    parser.add_argument(
        "--erase-files",
        action="store_true",
        help="make the board's files anew as well: its identity is lost for good",
    )
    parser.add_argument(
        "--abandon-identity", action="store_true", help="yes, --erase-files is meant"
    )


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if the board took the image.

    Raises FlashFault or PortError if not: one sentence with what to do next.
    """
    from countersign_cli.board_port.service_door import Keeper
    from countersign_cli.flashing import flash_esp, flash_uf2
    from countersign_cli.flashing.flash_fault import FlashFault
    from countersign_cli.provisioning import provisioner_key

    if arguments.erase_files and not arguments.abandon_identity:
        raise FlashFault(
            "--erase-files ends the board's identity: revoke the device at its gateway if it "
            "was enrolled, then add --abandon-identity"
        )
    loader = board_kinds.KINDS[arguments.board].loader
    if isinstance(loader, board_kinds.Uf2Board):
        done = flash_uf2.flash(
            board_kinds.KINDS[arguments.board],
            loader,
            image=arguments.image,
            port=arguments.port,
            volume=arguments.volume,
            erase_files=arguments.erase_files,
            keeper=Keeper(
                key=provisioner_key.load(arguments.provisioner_key), device_id=arguments.device_id
            ),
        )
    elif isinstance(loader, board_kinds.EspBoard):
        if arguments.volume is not None:
            raise FlashFault(f"an {arguments.board} is no drive: name its --port instead")
        done = flash_esp.flash(
            loader, arguments.board, arguments.image, arguments.port, arguments.erase_files
        )
    else:
        raise FlashFault(f"nothing is flashed to a {arguments.board}")
    print(f"flash: {done}")
    return 0
