"""The real image for the Raspberry Pi Pico is provisioned and flashed, on emulated boards."""

import csv
import json
import socket
from pathlib import Path

import pytest

from countersign import cbor, identity
from countersign.proofs import schnorr
from countersign_cli import cli
from countersign_cli.board_catalogue import uf2
from countersign_workshop.emulation import rp2040
from support.boards import emulated_pico
from support.boards.provision_rows import write_csv, write_settings
from support.boards.serial_tap import SerialTap, found

pytestmark = pytest.mark.board

UNIQUE_IDS = ("e66118604b000001", "e66118604b000002")
SECRETS = """\
with open('/key_store/identity', 'rb') as file:
    print(file.read().hex())
"""


@pytest.fixture(scope="module")
def image() -> Path:
    return emulated_pico.image_or_skip()


def identity_record(board: rp2040.Rp2040) -> list[bytes]:
    """[suite, secret, next secret, public key] from the board's own file system."""
    record = bytes.fromhex(board.run(SECRETS))
    return list(cbor.decode(record[:-32])[1:])


def provision(folder: Path, ports: list[str], *more: str) -> list[dict[str, str]]:
    """Provision a batch of these boards, all of which must succeed. Returns the report."""
    table = write_csv(
        folder / "boards.csv",
        [
            {"name": f"bed-{n}", "port": port, "board": "RPI_PICO"}
            for n, port in enumerate(ports, 1)
        ],
    )
    shared = str(write_settings(folder))
    words = ["provision", "--batch", str(table), "--settings", shared, "--pure-engine", *more]
    assert cli.main(words) == 0
    with (folder / "boards.report.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def wait_until_it_listens(board: rp2040.Rp2040) -> None:
    """Enter the prompt once over the emulator's own connection, and let go of it."""
    board.repl().close()
    board._repl = None


def test_real_images_become_devices_and_no_secret_is_on_the_wire(
    image: Path, tmp_path: Path
) -> None:
    flashes = [tmp_path / f"{number}.flash" for number in (1, 2)]
    boards = [
        rp2040.Rp2040(image, flash=flash, unique_id=unique_id)
        for flash, unique_id in zip(flashes, UNIQUE_IDS, strict=True)
    ]
    try:
        for board in boards:
            wait_until_it_listens(board)
        with SerialTap(boards[0].serial_port) as first, SerialTap(boards[1].serial_port) as second:
            taps = (first, second)
            entries = provision(tmp_path, [tap.url for tap in taps])
            wires = [bytes(tap.to_board + tap.from_board) for tap in taps]
    finally:
        for board in boards:
            board.stop()
    assert [entry["unique_id"] for entry in entries] == list(UNIQUE_IDS)
    assert [entry["environment"] for entry in entries] == ["emulated", "emulated"]
    assert [entry["firmware"] for entry in entries] == ["frozen", "frozen"]
    assert len({entry["device_id"] for entry in entries}) == 2
    for flash, entry, wire in zip(flashes, entries, wires, strict=True):
        with rp2040.Rp2040(None, flash=flash) as board:
            suite, secret, next_secret, public_key = identity_record(board)
        assert schnorr.public_key(secret) == public_key
        assert identity.device_id(suite, public_key).hex() == entry["device_id"]
        assert found(public_key, wire)
        assert not found(secret, wire)
        assert not found(next_secret, wire)
    print(f"RPI_PICO: two boards provisioned at once, engines {[e['engine'] for e in entries]}")


def test_a_running_image_is_unlocked_and_erases_itself_first_if_its_settings_say_so(
    image: Path, tmp_path: Path
) -> None:
    key = ("--provisioner-key", str(tmp_path / "provisioner.key"))
    with rp2040.Rp2040(image, flash=tmp_path / "flash", unique_id=UNIQUE_IDS[0]) as board:
        wait_until_it_listens(board)
        port = f"socket://127.0.0.1:{board.serial_port}"
        (first,) = provision(tmp_path, [port], *key)
        write_settings(tmp_path, erase_on_service=True)
        words = ["provision", "--port", port, "--name", "bed-1", "--pure-engine", *key]
        words += ["--settings", str(tmp_path / "site.json"), "--report", str(tmp_path / "r.json")]
        assert cli.main([*words, "--device-id", first["device_id"]]) == 0
        assert json.loads((tmp_path / "r.json").read_text())[0]["device_id"] == first["device_id"]
        # The board has no identity any more when its prompt opens: it makes a new one.
        assert cli.main(words) == 0
        assert json.loads((tmp_path / "r.json").read_text())[0]["device_id"] != first["device_id"]


def test_flashing_keeps_the_identity_unless_it_is_abandoned(
    image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    volume = tmp_path / "RPI-RP2"
    volume.mkdir()
    (volume / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nBoard-ID: RPI-RP2\n")
    flash = tmp_path / "board.flash"
    words = ["flash", "--board", "RPI_PICO", "--volume", str(volume), "--image", str(image)]
    with rp2040.Rp2040(image, flash=flash, unique_id=UNIQUE_IDS[0]) as board:
        wait_until_it_listens(board)
        port = f"socket://127.0.0.1:{board.serial_port}"
        (entry,) = provision(tmp_path, [port], "--no-start")

        wrong = ["flash", "--board", "RPI_PICO_W", *words[3:], "--port", port]
        assert cli.main(wrong) == 1
        said = capsys.readouterr().err
        assert "is a Raspberry Pi Pico with RP2040, not a RPI_PICO_W" in said
        assert not (volume / "firmware.uf2").exists()

        assert cli.main([*words, "--port", port]) == 0
        # The emulated board has no boot loader to enter, so it stops there.
        with pytest.raises(rp2040.EmulatorError, match="boot loader"):
            board.run("pass")
    assert (volume / "firmware.uf2").read_bytes() == image.read_bytes()

    with rp2040.Rp2040(volume / "firmware.uf2", flash=flash) as board:
        suite, _, _, public_key = identity_record(board)
        assert identity.device_id(suite, public_key).hex() == entry["device_id"]

    assert cli.main([*words, "--erase-files", "--abandon-identity"]) == 0
    with rp2040.Rp2040(volume / "firmware.uf2", flash=flash) as board:
        assert json.loads(board.run("import os\nprint(len(os.listdir('/')))")) == 0


def without_packages(image: Path, folder: Path) -> Path:
    """The image with its frozen packages renamed, so that nothing imports them."""
    _, content = uf2.decode(image.read_bytes())
    for name in (b"countersign/", b"countersign_agent/"):
        assert name + b"__init__.py\0" in content
        content = content.replace(name, b"x" + name[1:])
    path = folder / "stock.uf2"
    path.write_bytes(uf2.encode(content))
    return path


def test_a_board_without_our_firmware_gets_the_agent_and_has_room_for_it(
    image: Path, tmp_path: Path
) -> None:
    stock = without_packages(image, tmp_path)
    with rp2040.Rp2040(stock, flash=tmp_path / "flash", unique_id=UNIQUE_IDS[0]) as board:
        wait_until_it_listens(board)
        with SerialTap(board.serial_port) as tap:
            (entry,) = provision(tmp_path, [tap.url])
        assert (entry["firmware"], entry["identity"]) == ("installed", "made")
        assert entry["machine"] == "Raspberry Pi Pico with RP2040"
    with rp2040.Rp2040(None, flash=tmp_path / "flash") as board:
        started = socket.create_connection(("127.0.0.1", board.serial_port), timeout=120)
        said = b""
        while b'"engine"' not in said:
            data = started.recv(4096)
            assert data, said
            said += data
        assert entry["device_id"].encode() in said
        started.close()
    print(f"RPI_PICO without frozen packages: agent installed, engine {entry['engine']}")
