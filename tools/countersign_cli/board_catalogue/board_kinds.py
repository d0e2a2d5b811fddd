"""The boards that can be flashed and provisioned, by MicroPython's names for them.

The numbers are from MicroPython 1.25's board definitions: what a board's firmware says of itself,
where the firmware ends, and where the board's files begin. Flashing must not touch the files.
"""

from __future__ import annotations

from dataclasses import dataclass

from countersign_cli.board_catalogue import uf2

_MIB = 1024 * 1024
_KIB = 1024


@dataclass(frozen=True)
class Uf2Board:
    """How a board takes UF2 files.

    volume_id: the Board-ID in the drive's INFO_UF2.TXT. family: the number that the boot loader
    compares with a file's. files_bytes: the size of the file system at the end of the flash.
    """

    volume_id: str
    family: int
    flash_bytes: int
    files_bytes: int

    @property
    def firmware_bytes(self) -> int:
        """The room for firmware before the file system."""
        return self.flash_bytes - self.files_bytes


@dataclass(frozen=True)
class EspBoard:
    """How esptool writes a board.

    chip: esptool's name. image_chip: the chip's number in the image's header. offset: the address
    in flash at which the image begins. firmware_end: the address that the image must not reach
    past.
    """

    chip: str
    image_chip: int
    offset: int
    firmware_end: int = 0x200000


@dataclass(frozen=True)
class BoardKind:
    """machine: how the board's `sys.implementation._machine` begins. loader: None without flash.

    service_pin: the pin of its BOOT button, with which the agent gives the prompt; None where
    MicroPython reads the button by itself.
    """

    name: str
    machine: str
    loader: Uf2Board | EspBoard | None
    service_pin: int | None = None


_PICO = Uf2Board("RPI-RP2", uf2.RP2040_FAMILY, 2 * _MIB, 1408 * _KIB)
_PICO_W = Uf2Board("RPI-RP2", uf2.RP2040_FAMILY, 2 * _MIB, 848 * _KIB)
_PICO2_W = Uf2Board("RP2350", uf2.RP2350_FAMILY, 4 * _MIB, 4 * _MIB - 1536 * _KIB)

KINDS = {
    kind.name: kind
    for kind in (
        BoardKind("RPI_PICO", "Raspberry Pi Pico with RP2040", _PICO),
        BoardKind("RPI_PICO_W", "Raspberry Pi Pico W with RP2040", _PICO_W),
        BoardKind("RPI_PICO2_W", "Raspberry Pi Pico 2 W with RP2350", _PICO2_W),
        BoardKind(
            "ESP32_GENERIC", "Generic ESP32 module with ESP32", EspBoard("esp32", 0, 0x1000), 0
        ),
        BoardKind("ESP32_GENERIC_C3", "ESP32C3 module with ESP32C3", EspBoard("esp32c3", 5, 0), 9),
        BoardKind(
            "ESP32_GENERIC_S3", "Generic ESP32S3 module with ESP32S3", EspBoard("esp32s3", 9, 0), 0
        ),
        # MicroPython as a process lets people try things out without a board.
        BoardKind("UNIX", "linux ", None),
    )
}


def matches(kind: BoardKind, machine: str) -> bool:
    """Whether a board that says `machine` of itself is of this kind."""
    return machine.startswith(kind.machine) and (
        kind.loader is None or len(machine) == len(kind.machine)
    )


def service_pin(machine: str) -> int | None:
    """The pin of the BOOT button of a board that says `machine` of itself; None for BOOTSEL."""
    pins = [kind.service_pin for kind in KINDS.values() if matches(kind, machine)]
    return pins[0] if pins else None


def flashable() -> list[str]:
    """The names of the boards that `countersign flash` knows."""
    return [kind.name for kind in KINDS.values() if kind.loader is not None]
