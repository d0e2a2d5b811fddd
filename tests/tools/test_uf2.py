"""UF2 files: what is written is read back, and what is not ours is refused by name."""

import pytest

from countersign_tools import uf2

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


def test_another_chips_file_is_refused() -> None:
    rp2350 = 0xE48BFF59
    with pytest.raises(uf2.Uf2Error, match="another chip"):
        uf2.decode(uf2.encode(IMAGE, family=rp2350))


def test_a_gap_is_refused() -> None:
    encoded = bytearray(uf2.encode(IMAGE))
    encoded[512 + 12 : 512 + 16] = (uf2.FLASH_START + 4096).to_bytes(4, "little")
    with pytest.raises(uf2.Uf2Error, match="gap"):
        uf2.decode(bytes(encoded))
