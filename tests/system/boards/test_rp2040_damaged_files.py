"""The real image on damaged flash: it answers, says what to do, and destroys nothing."""

import json
import random
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from countersign_cli.provisioning.bundle import STORAGE_FOLDER
from countersign_workshop.emulation import rp2040
from countersign_workshop.emulation.flash_timeline import FLASH_BYTES
from countersign_workshop.parts import micropython
from support.boards import board_life, emulated_pico
from support.boards.board_life import Life, Record

pytestmark = pytest.mark.board

PATIENCE_S = 120.0
# The board's files are in the last 1408 KiB of its flash (ports/rp2/mpconfigport.h).
FILES_BYTES = 1408 * 1024
FILES_START = FLASH_BYTES - FILES_BYTES
BLOCK_BYTES = 4096
# This is the identifier of an emulated board that was given none.
UNIQUE_ID = "00" * 8

UNREADABLE = b"countersign: the board's files cannot be read and were left as they are."
WHO = f"""\
from countersign_agent.hardware import device
store, _ = device.start(device.open_storage({STORAGE_FOLDER!r}))
print(store.identity.device_id.hex(), store.counters.next())
"""


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return Life(emulated_pico.image_or_skip(), tmp_path_factory.mktemp("life"))


@pytest.fixture(scope="module")
def record(life: Life) -> Record:
    """The record of a board that was provisioned and has used counters of several blocks."""
    return board_life.record(
        life, (board_life.first_boot, board_life.provisioning, board_life.counter_updates)
    )


def without_superblocks(flash: bytearray, how: str) -> None:
    first_two = slice(FILES_START, FILES_START + 2 * BLOCK_BYTES)
    if how == "erased":
        flash[first_two] = b"\xff" * (2 * BLOCK_BYTES)
    else:
        flash[first_two] = random.Random(1).randbytes(2 * BLOCK_BYTES)


@pytest.mark.parametrize("how", ["erased", "random"])
def test_without_superblocks_nothing_is_formatted_until_that_is_meant(
    how: str, life: Life, record: Record, tmp_path: Path
) -> None:
    content = bytearray(life.flash.read_bytes())
    without_superblocks(content, how)
    flash = tmp_path / "flash"
    flash.write_bytes(content)
    with rp2040.Rp2040(None, flash=flash) as board:
        said_by_itself(board, UNREADABLE)
        assert board.run("print('prompt')") == "prompt\n"
        assert board.run("import os\nprint(os.listdir('/'))") == "[]\n"
        board.release()
        port = f"socket://127.0.0.1:{board.serial_port}"
        for words in ((), ("--erase-files",), ("--new-identity", "--abandon", UNIQUE_ID)):
            said = refused(life, port, *words)
            assert "the board's files cannot be read and were left as they are" in said
            assert f"--erase-files --abandon {UNIQUE_ID}" in said
        assert flash.read_bytes() == bytes(content), "it was not left as it was"

        board_life.provision(life.settings, port, "--erase-files", "--abandon", UNIQUE_ID)
        device_id, counter = board.run(WHO).split()
        assert device_id not in witness_of(record).device_ids
        assert int(counter) > 0
        # The same command does nothing to files that can be read.
        board.release()
        board_life.provision(life.settings, port, "--erase-files", "--abandon", UNIQUE_ID)
        assert board.run(WHO).split()[0] == device_id


def test_an_erasure_that_was_cut_leaves_nothing_half(
    life: Life, record: Record, tmp_path: Path
) -> None:
    """The rest of the old files is neither mounted nor formatted."""
    content = bytearray(life.flash.read_bytes())
    without_superblocks(content, "random")
    flash = tmp_path / "flash"
    blocks = range(2, FILES_BYTES // BLOCK_BYTES)
    first_used = next(block for block in blocks if not is_blank(content, block))
    for erased in (1, 2, first_used):
        half = bytearray(content)
        half[FILES_START : FILES_START + erased * BLOCK_BYTES] = b"\xff" * (erased * BLOCK_BYTES)
        flash.write_bytes(half)
        with rp2040.Rp2040(None, flash=flash) as board:
            said_by_itself(board, UNREADABLE)
        assert flash.read_bytes() == bytes(half)


def test_a_first_format_that_was_cut_is_begun_anew(life: Life, tmp_path: Path) -> None:
    """Only the first two blocks hold something, so no key store was ever there."""
    content = bytearray(life.first_flash)
    without_superblocks(content, "random")
    flash = tmp_path / "flash"
    flash.write_bytes(content)
    with rp2040.Rp2040(None, flash=flash) as board:
        assert board.run("import os\nprint(os.listdir('/'))") == "[]\n"
        board.copy_in({"/kept": b"kept"})
    with rp2040.Rp2040(None, flash=flash) as board:
        assert board.run("import os\nprint(os.listdir('/'))") == "['kept']\n"


def test_no_damaged_block_gives_half_a_device(
    life: Life, record: Record, tmp_path: Path, is_thorough: bool
) -> None:
    """The flash's content runs on a workstation's MicroPython, with the image's modules and
    LittleFS.

    After damage to one block, the device goes on with higher counters or says why it does not.
    After damage to two or three at once, only the identity is promised: those blocks may be the
    newest states of both folders that know the counter.
    """
    cases = 2000 if is_thorough else 150
    witness = witness_of(record)
    results = damaged(life, tmp_path, 0, cases)
    assert [result["case"] for result in results] == list(range(cases))
    outcomes: Counter[str] = Counter()
    for result in results:
        if result["outcome"] == "started":
            assert {result["device_id"]} == witness.device_ids, result
        repeats = result.get("counter", witness.counter + 1) <= witness.counter
        if result["blocks"] == 1:
            assert not repeats, result
            assert result["outcome"] != "nobody", result
        outcomes[f"{result['outcome']}{', counter put back' if repeats else ''}"] += 1
    print(f"RPI_PICO's flash, damaged in {cases} ways: {dict(outcomes)}")
    assert {"unreadable", "refused", "started"} <= set(outcomes)


def test_the_image_on_damaged_blocks(
    life: Life, record: Record, tmp_path: Path, is_thorough: bool
) -> None:
    """A board with a damaged flash always answers, and reports the damage by itself."""
    results = damaged(life, tmp_path, 0, 36, keep=True)
    if not is_thorough:
        results = list({result["outcome"]: result for result in results}.values())
    content = life.flash.read_bytes()
    flash = tmp_path / "flash"
    for result in results:
        damaged_files = (tmp_path / str(result["case"])).read_bytes()
        flash.write_bytes(content[:FILES_START] + damaged_files)
        with rp2040.Rp2040(None, flash=flash) as board:
            said = said_by_itself(board, SAID_FIRST[result["outcome"]])
            assert result.get("device_id", "").encode() in said, result
            assert board.run("print('prompt')") == "prompt\n", result
        if result["outcome"] == "unreadable":
            assert flash.read_bytes()[FILES_START:] == damaged_files
        print(f"RPI_PICO (emulated), {result['damage']}: {result['outcome']}")


SAID_FIRST = {
    "unreadable": UNREADABLE,
    "refused": b'"event": "cannot_start"',
    "started": b'"event": "started"',
    "nobody": b"MicroPython v",
}


def test_files_of_the_state_one_by_one(life: Life, record: Record, tmp_path: Path) -> None:
    """On a sound file system each file is cut short, emptied and changed, then put back."""
    flash = tmp_path / "flash"
    flash.write_bytes(life.flash.read_bytes())
    witness = witness_of(record)
    with rp2040.Rp2040(None, flash=flash) as board:
        lines = board.run(CORRUPT_EACH).splitlines()
    seen = Counter()
    last = witness.counter
    for line in lines:
        name, _, outcome, *more = line.split()
        seen[name] += 1
        if outcome == "started":
            assert {more[0]} == witness.device_ids, line
            assert int(more[1]) > last, line
            last = int(more[1])
            assert name in ("seed", "provisioned_entropy"), line
        else:
            assert outcome == "KeyStoreDamaged", line
    assert set(seen) == {"identity", "counter", "witness/counter", "seed", "provisioned_entropy"}
    assert set(seen.values()) == {4}, seen


CORRUPT_EACH = f"""\
import os
from countersign_agent.hardware import device
from countersign_agent.keys.keystore import KeyStoreDamaged
folder = {STORAGE_FOLDER!r} + '/'
names = [name for name in os.listdir(folder) if name != 'witness'] + ['witness/counter']
def put(name, data):
    with open(folder + name, 'wb') as file:
        file.write(data)
for name in names:
    with open(folder + name, 'rb') as file:
        sound = file.read()
    turned = bytearray(sound)
    turned[len(sound) // 3] ^= 4
    ways = ('empty', b''), ('short', sound[:-1]), ('long', sound + b'0'), ('bit', turned)
    for how, data in ways:
        put(name, data)
        try:
            store, _ = device.start(device.open_storage({STORAGE_FOLDER!r}))
            print(name, how, 'started', store.identity.device_id.hex(), store.counters.next())
        except KeyStoreDamaged as error:
            print(name, how, 'KeyStoreDamaged', error)
        # What a start replaced, such as the seed, stays replaced.
        with open(folder + name, 'rb') as file:
            if file.read() == data:
                put(name, sound)
"""


def is_blank(flash: bytes, block: int) -> bool:
    start = FILES_START + block * BLOCK_BYTES
    return bytes(flash[start : start + BLOCK_BYTES]) == b"\xff" * BLOCK_BYTES


def witness_of(record: Record) -> board_life.Witness:
    """All that had left the board."""
    return board_life.Witness(record.timeline.said_before(len(record.stages)))


def damaged(
    life: Life, folder: Path, first: int, end: int, keep: bool = False
) -> list[dict[str, Any]]:
    """The results of damaged_flash.py. keep: also write its flashes into the folder."""
    try:
        command = micropython.argv("x64", 8_000_000)
    except micropython.RuntimeMissing as missing:
        pytest.skip(str(missing))
    files = folder / "files"
    files.write_bytes(life.flash.read_bytes()[FILES_START:])
    tests = emulated_pico.TESTS
    script = tests / "support/boards/damaged_flash.py"
    firmware = tests.parent / "firmware"
    more = [str(folder)] if keep else []
    finished = subprocess.run(
        [*command, str(script), str(files), str(first), str(end), *more],
        env=micropython.environment(
            [tests, firmware / "start/rp2", firmware / "lib", firmware / "agent"]
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert finished.returncode == 0, finished.stdout[-500:] + finished.stderr
    return [json.loads(line) for line in finished.stdout.splitlines()]


def said_by_itself(board: rp2040.Rp2040, sentence: bytes) -> bytes:
    """Wait for the text on the board's line without sending a byte. Returns all that was said."""
    board.wait_until_connected()
    with socket.create_connection(("127.0.0.1", board.serial_port)) as line:
        line.settimeout(1.0)
        heard = b""
        deadline_s = time.monotonic() + PATIENCE_S
        while b"\n" not in heard.partition(sentence)[2]:
            assert time.monotonic() < deadline_s, heard
            try:
                heard += line.recv(4096)
            except TimeoutError:
                continue
    return heard


def refused(life: Life, port: str, *more: str) -> str:
    """What `countersign provision` said when it refused the board."""
    finished = board_life.try_to_provision(life.settings, port, *more)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr
    return finished.stderr
