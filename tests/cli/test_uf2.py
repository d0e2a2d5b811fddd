"""UF2 files: what was written can be read back, and another chip's file is refused by name."""

import pytest

from countersign_cli.board_catalogue import uf2

IMAGE = bytes(range(256)) * 5 + b"end"


def test_round_trip_pads_the_last_block() -> None:
    encoded = uf2.encode(IMAGE)
    assert len(encoded) == 6 * 512
    start, decoded = uf2.decode(encoded)
    assert start == uf2.FLASH_START
    assert decoded == IMAGE.ljust(6 * 256, b"\0")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], "length"),
        (lambda data: b"", "length"),
        (lambda data: b"\0" + data[1:], "damaged"),
        (lambda data: data[:-1] + b"\0", "damaged"),
        (lambda data: data[512:], "missing"),
        (lambda data: data[512:1024] + data[:512] + data[1024:], "missing"),
    ],
)
def test_damage_is_refused(damage, message) -> None:
    with pytest.raises(uf2.Uf2Error, match=message):
        uf2.decode(damage(uf2.encode(IMAGE)))


@pytest.mark.parametrize(
    ("family", "name"),
    [(0xE48BFF59, r"RP2350 \(Arm\)"), (0xC47E5767, "ESP32-S3"), (0x12345678, "family 0x12345678")],
)
def test_another_chips_file_is_refused(family: int, name: str) -> None:
    encoded = uf2.encode(IMAGE, family=family)
    with pytest.raises(
        uf2.Uf2Error, match=rf"^a UF2 file for another chip: {name}, wanted RP2040$"
    ):
        uf2.decode(encoded)


def test_a_file_that_names_no_chip_is_refused() -> None:
    encoded = bytearray(uf2.encode(IMAGE))
    encoded[9] &= ~0x20
    with pytest.raises(uf2.Uf2Error, match="another chip: none named, wanted RP2040"):
        uf2.decode(bytes(encoded))


def test_a_gap_is_refused() -> None:
    encoded = bytearray(uf2.encode(IMAGE))
    encoded[512 + 12 : 512 + 16] = (uf2.FLASH_START + 4096).to_bytes(4, "little")
    with pytest.raises(uf2.Uf2Error, match="gap"):
        uf2.decode(bytes(encoded))
