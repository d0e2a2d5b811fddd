"""UF2: the file format that a board takes as a USB drive while it is in its boot loader.

A file is a row of 512-byte blocks. Each block carries 256 bytes for one address of flash. The
format is Microsoft's (UF2 specification). A family is a number that the boot loader compares with
its own.
"""

from __future__ import annotations

import struct

from countersign_cli.mendable import Mendable

FLASH_START = 0x10000000
"""Where the RP2040 sees its flash."""

RP2040_FAMILY = 0xE48BFF56
RP2350_FAMILY = 0xE48BFF59
"""The RP2350 with its Arm cores."""

# Files for these chips are likely to lie beside ours (Microsoft's list, uf2families.json).
_FAMILY_NAMES = {
    RP2040_FAMILY: "RP2040",
    0xE48BFF59: "RP2350 (Arm)",
    0xE48BFF5A: "RP2350 (RISC-V)",
    0xBFDD4EEE: "ESP32-S2",
    0xC47E5767: "ESP32-S3",
    0xD42BA06C: "ESP32-C3",
    0xADA52840: "nRF52840",
    0x68ED2B88: "SAMD21",
}

_MAGIC_START = (0x0A324655, 0x9E5D5157)
_MAGIC_END = 0x0AB16F30
_FAMILY_PRESENT = 0x2000
_BLOCK_BYTES = 512
_PAYLOAD_BYTES = 256
_HEADER = struct.Struct("<8I")


class Uf2Error(Mendable):
    """These bytes are not a UF2 file for this family."""


def encode(image: bytes, start: int = FLASH_START, family: int = RP2040_FAMILY) -> bytes:
    """The UF2 file that writes `image` to the flash from address `start`, zero-padded."""
    count = -(-len(image) // _PAYLOAD_BYTES)
    blocks = []
    for number in range(count):
        offset = number * _PAYLOAD_BYTES
        payload = image[offset : offset + _PAYLOAD_BYTES].ljust(_PAYLOAD_BYTES, b"\0")
        header = _HEADER.pack(
            *_MAGIC_START, _FAMILY_PRESENT, start + offset, _PAYLOAD_BYTES, number, count, family
        )
        body = (header + payload).ljust(_BLOCK_BYTES - 4, b"\0")
        blocks.append(body + struct.pack("<I", _MAGIC_END))
    return b"".join(blocks)


def decode(data: bytes, family: int = RP2040_FAMILY) -> tuple[int, bytes]:
    """The address of the first byte, and all bytes, of a UF2 file.

    Raises Uf2Error if the file is of another family, damaged, or has gaps.
    """
    if not data or len(data) % _BLOCK_BYTES:
        raise Uf2Error("not a UF2 file: its length is not a multiple of 512")
    image = bytearray()
    first = 0
    for at in range(0, len(data), _BLOCK_BYTES):
        *magic, flags, address, size, number, count, named = _HEADER.unpack_from(data, at)
        (end,) = struct.unpack_from("<I", data, at + _BLOCK_BYTES - 4)
        if tuple(magic) != _MAGIC_START or end != _MAGIC_END or size > _BLOCK_BYTES - 36:
            raise Uf2Error(f"not a UF2 file: block {at // _BLOCK_BYTES} is damaged")
        if not flags & _FAMILY_PRESENT or named != family:
            raise Uf2Error(_another_chip(flags, named, family))
        if number * _BLOCK_BYTES != at or count * _BLOCK_BYTES != len(data):
            raise Uf2Error("a UF2 file with blocks missing or in another order")
        first = first if image else address
        if address != first + len(image):
            raise Uf2Error(f"a UF2 file with a gap at {address:#010x}")
        image += data[at + 32 : at + 32 + size]
    return first, bytes(image)


def _another_chip(flags: int, named: int, wanted: int) -> str:
    here = _family(named) if flags & _FAMILY_PRESENT else "none named"
    return f"a UF2 file for another chip: {here}, wanted {_family(wanted)}"


def _family(number: int) -> str:
    return _FAMILY_NAMES.get(number, f"family {number:#010x}")
