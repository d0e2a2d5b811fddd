"""`countersign flash` checks everything before it writes, and says in a sentence what is wrong."""

import io
import os
import pty
import struct
import termios
from pathlib import Path

import pytest

from countersign_cli import cli
from countersign_cli.board_catalogue import board_kinds, uf2
from countersign_cli.flashing import flash_esp, flash_uf2

PICO = board_kinds.KINDS["RPI_PICO"]
LOADER = PICO.loader
assert isinstance(LOADER, board_kinds.Uf2Board)
FIRMWARE = bytes(range(256)) * 40
ESP32 = board_kinds.KINDS["ESP32_GENERIC"].loader
assert isinstance(ESP32, board_kinds.EspBoard)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A folder with the content of a Pico's drive in its boot loader."""
    folder = tmp_path / "RPI-RP2"
    folder.mkdir()
    info = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n"
    (folder / "INFO_UF2.TXT").write_bytes(info.encode())
    return folder


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "pico.uf2"
    path.write_bytes(uf2.encode(FIRMWARE))
    return path


def said(capsys: pytest.CaptureFixture[str], sentence: str) -> None:
    error = capsys.readouterr().err
    assert sentence in error, error
    assert "Traceback" not in error


def flash(*words: object) -> int:
    return cli.main(["flash", "--board", "RPI_PICO", *(str(word) for word in words)])


def test_the_image_is_on_the_volume_byte_for_byte(
    volume: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert flash("--volume", volume, "--image", image) == 0
    assert (volume / "firmware.uf2").read_bytes() == image.read_bytes()
    assert "the board starts by itself" in capsys.readouterr().out


def test_it_is_synced_before_it_is_called_done(
    volume: Path, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    assert flash("--volume", volume, "--image", image) == 0
    assert len(synced) == 1


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (uf2.encode(FIRMWARE, family=uf2.RP2350_FAMILY), "is a UF2 file for another chip"),
        (uf2.encode(FIRMWARE)[:-512], "blocks missing"),
        (b"MZ" + bytes(1022), "is not a UF2 file: block 0 is damaged"),
        (uf2.encode(FIRMWARE, start=uf2.FLASH_START + 4096), "has no start of a firmware"),
        (
            uf2.encode(bytes(LOADER.firmware_bytes + 1)),
            "would write over the board's files, and with them its identity",
        ),
    ],
)
def test_an_image_that_must_not_be_written(
    volume: Path, image: Path, data: bytes, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    image.write_bytes(data)
    assert flash("--volume", volume, "--image", image) == 1
    said(capsys, sentence)
    assert [path.name for path in volume.iterdir()] == ["INFO_UF2.TXT"]


def test_the_largest_image_fits(volume: Path, image: Path) -> None:
    image.write_bytes(uf2.encode(bytes(LOADER.firmware_bytes)))
    assert flash("--volume", volume, "--image", image) == 0


def test_another_boards_drive(
    volume: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (volume / "INFO_UF2.TXT").write_text("UF2 Bootloader v1.0\nBoard-ID: RP2350\n")
    assert flash("--volume", volume, "--image", image) == 1
    said(capsys, "is RP2350, and a RPI_PICO is RPI-RP2: connect the right board")
    (volume / "INFO_UF2.TXT").unlink()
    assert flash("--volume", volume, "--image", image) == 1
    said(capsys, "is not the drive of a board in its boot loader")
    assert list(volume.iterdir()) == []


def test_a_drive_that_goes_while_it_is_written(
    volume: Path,
    image: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    assert flash("--volume", volume, "--image", image) == 1
    said(capsys, "the board is still in its boot loader, so run this again")

    # The system still remembers the drive's files. Only the device tells that the drive is gone.
    mounts = tmp_path / "mounts"
    mounts.write_text(f"{tmp_path}/gone {volume} vfat rw 0 0\n")
    with monkeypatch.context() as patch:
        patch.setattr(flash_uf2, "_MOUNTS", mounts)
        assert flash("--volume", volume, "--image", image) == 0

    def started(_descriptor: int) -> None:
        (volume / "INFO_UF2.TXT").unlink()
        raise OSError(19, "No such device")

    monkeypatch.setattr(os, "fsync", started)
    assert flash("--volume", volume, "--image", image) == 0


def test_the_drive_is_looked_for(
    volume: Path, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    monkeypatch.setattr(flash_uf2, "_MOUNTS", mounts)
    spaced = tmp_path / "a drive"
    volume.rename(spaced)
    line = f"/dev/sda1 {tmp_path}/a\\040drive vfat rw 0 0\n"
    mounts.write_text(f"proc /proc proc rw 0 0\n{line}")
    assert flash("--image", image) == 0
    assert (spaced / "firmware.uf2").is_file()

    other = tmp_path / "other"
    other.mkdir()
    (other / "INFO_UF2.TXT").write_text("Board-ID: RPI-RP2\n")
    mounts.write_text(f"{line}/dev/sdb1 {other} vfat rw 0 0\n")
    with pytest.raises(flash_uf2.FlashFault, match="several boards are in their boot loader"):
        flash_uf2.flash(PICO, LOADER, image=image, port=None, volume=None)
    mounts.write_text("proc /proc proc rw 0 0\n")
    with pytest.raises(flash_uf2.FlashFault, match="no board is in its boot loader: hold BOOTSEL"):
        flash_uf2.flash(PICO, LOADER, image=image, port=None, volume=None, drive_s=0)


def test_files_are_erased_only_if_that_is_meant(
    volume: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert flash("--volume", volume, "--image", image, "--erase-files") == 1
    said(capsys, "--erase-files ends the board's identity")
    assert not (volume / "firmware.uf2").exists()
    words = ("--erase-files", "--abandon-identity")
    assert flash("--volume", volume, "--image", image, *words) == 0
    start, content = uf2.decode((volume / "firmware.uf2").read_bytes())
    assert (start, len(content)) == (uf2.FLASH_START, LOADER.flash_bytes)
    assert content.startswith(FIRMWARE)
    assert set(content[LOADER.firmware_bytes :]) == {0xFF}


def test_a_board_that_does_not_answer_is_touched_with_1200_baud(
    volume: Path, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash_uf2, "_ANSWER_S", 0.1)
    master, slave = pty.openpty()
    try:
        assert flash("--port", os.ttyname(slave), "--volume", volume, "--image", image) == 0
        assert termios.tcgetattr(slave)[5] == termios.B1200
    finally:
        os.close(master)
        os.close(slave)


def test_ports_that_cannot_be_used(
    volume: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert flash("--port", "/dev/ttyNOTHING", "--volume", volume, "--image", image) == 1
    said(capsys, "/dev/ttyNOTHING is not there: plug the board in")
    assert flash("--port", "COM3", "--volume", volume, "--image", image) == 1
    said(capsys, "'COM3' is no port")
    assert not (volume / "firmware.uf2").exists()


# ---- ESP32 --------------------------------------------------------------------------------------


def esp_image(chip: int = 0, size: int = 4096) -> bytes:
    header = bytearray(size)
    header[0] = 0xE9
    struct.pack_into("<H", header, 12, chip)
    return bytes(header)


@pytest.fixture
def esp_file(tmp_path: Path) -> Path:
    path = tmp_path / "esp32.bin"
    path.write_bytes(esp_image())
    return path


def flash_esp32(*words: object) -> int:
    return cli.main(["flash", "--board", "ESP32_GENERIC", *(str(word) for word in words)])


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (uf2.encode(FIRMWARE), "is no firmware of an ESP32"),
        (b"", "is no firmware of an ESP32"),
        (esp_image(chip=5), "is for another chip"),
        (
            esp_image(size=ESP32.firmware_end - ESP32.offset + 1),
            "would write over the board's files",
        ),
    ],
)
def test_an_image_that_is_not_for_this_esp32(
    esp_file: Path, data: bytes, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    esp_file.write_bytes(data)
    assert flash_esp32("--port", "/dev/ttyNOTHING", "--image", esp_file) == 1
    said(capsys, sentence)


def test_what_an_esp32_needs(esp_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert flash_esp32("--image", esp_file) == 1
    said(capsys, "name its --port")
    assert flash_esp32("--port", "/dev/ttyUSB0") == 1
    said(capsys, "download MicroPython 1.25 or later")
    assert flash_esp32("--volume", "/", "--image", esp_file) == 1
    said(capsys, "is no drive")
    assert flash_esp32("--port", "/dev/ttyNOTHING", "--image", esp_file) == 1
    said(capsys, "/dev/ttyNOTHING is not there")


def test_the_real_esptool_fails_in_our_words(
    esp_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The command passes a socket on unopened, and nothing listens there.
    assert flash_esp32("--port", "socket://127.0.0.1:1", "--image", esp_file) == 1
    said(capsys, "socket://127.0.0.1:1 is busy or not there")


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "This chip is ESP32-C3, not ESP32. Wrong chip argument?",
            "is not that of a ESP32_GENERIC",
        ),
        (
            "Failed to connect to ESP32: No serial data received.",
            "no boot loader answers at /dev/null: hold BOOT",
        ),
        ("device disconnected or multiple access on port?", "the board at /dev/null is gone"),
        ("MD5 of file does not match data in flash!", "what the board reads back is not the image"),
        ("A fault that nobody knew.", "esptool failed (A fault that nobody knew.)"),
    ],
)
def test_what_esptool_says_becomes_what_to_do(
    esp_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    output: str,
    sentence: str,
) -> None:
    """A fake esptool stands in for a board."""
    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / "esptool.py").write_text(f"print({output!r})\nraise SystemExit(2)\n")
    monkeypatch.setenv("PYTHONPATH", str(fake))
    monkeypatch.setattr(flash_esp.board_line, "open_port", lambda _port: io.BytesIO())
    assert flash_esp32("--port", "/dev/null", "--image", esp_file) == 1
    said(capsys, sentence)


def test_how_esptool_is_called(
    esp_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake = tmp_path / "fake"
    fake.mkdir()
    words = tmp_path / "words"
    (fake / "esptool.py").write_text(
        f"import sys\nopen({str(words)!r}, 'w').write(' '.join(sys.argv[1:]))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(fake))
    monkeypatch.setattr(flash_esp.board_line, "open_port", lambda _port: io.BytesIO())
    assert flash_esp32("--port", "/dev/null", "--image", esp_file) == 0
    assert words.read_text() == (
        f"--chip esp32 --port /dev/null --baud 460800 write-flash 0x1000 {esp_file}"
    )
    assert "countersign provision is next" in capsys.readouterr().out
    erase = ("--erase-files", "--abandon-identity")
    assert flash_esp32("--port", "/dev/null", "--image", esp_file, *erase) == 0
    assert " write-flash --erase-all 0x1000 " in words.read_text()
