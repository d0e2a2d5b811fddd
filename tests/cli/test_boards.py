"""boards/ agrees with its schema, with the tests and with the figures that it names."""

import argparse
import json
import shutil
from pathlib import Path

import pytest

from countersign_cli import cli
from countersign_cli.board_catalogue import board_kinds, board_records
from countersign_cli.commands import boards
from countersign_cli.provisioning import bundle
from countersign_workshop.checkout import ROOT
from countersign_workshop.parts import board_sources


def test_what_is_committed_is_true():
    assert boards.check() == []


# An emulated RP2040 has a clock of its own, so its record must not leave this time open.
UNKNOWN_AT_A_SITE = {
    "heap_free_bytes": 195_904,
    "boot_to_verified_ms": None,
    "erases_per_1000": 1.95,
    "checkins_per_s": 6.05,
    "command": "make bench-boards",
    "conditions": "Emulated.",
}


@pytest.fixture
def change(tmp_path):
    """Changes a copy of boards/ and returns the faults: change(board, {"key": value or None})."""
    copy = Path(shutil.copytree(board_records.FOLDER, tmp_path / "boards"))

    def change_one(board, values, file="board.json", text=None):
        path = copy / board / file
        if text is not None:
            path.write_text(text)
        record = json.loads((copy / board / "board.json").read_text())
        for dotted, value in values.items():
            *parents, last = dotted.split(".")
            place = record
            for parent in parents:
                place = place[parent]
            if value is None:
                del place[last]
            else:
                place[last] = value
        (copy / board / "board.json").write_text(json.dumps(record))
        return board_records.faults(copy, ROOT)

    return change_one


@pytest.mark.parametrize(
    ("board", "values", "fault"),
    [
        ("RPI_PICO", {"entropy": None}, "'entropy' is a required property"),
        ("RPI_PICO", {"architecture": "armv6"}, "$.architecture: 'armv6' is not one of"),
        ("RPI_PICO", {"flash_bytes": "2 MB"}, "$.flash_bytes:"),
        ("RPI_PICO", {"features": ["Wifi"]}, "$.features[0]: 'Wifi' is not one of"),
        ("RPI_PICO", {"proved": True}, "'proved' was unexpected"),
        ("RPI_PICO", {"tested.how": "simulated"}, "$.tested.how:"),
        ("RPI_PICO", {"tested.by": []}, "$.tested.by:"),
        ("RPI_PICO", {"budget": {"image_bytes": 1}}, "'heap_free_bytes' is a required property"),
        (
            "RPI_PICO_W",
            {"budget": {"image_bytes": 1, "heap_free_bytes": 1}},
            "False schema does not",
        ),
        ("ESP32_GENERIC", {"tested.how": "not run"}, "$.tested.by:"),
        (
            "ESP32_GENERIC_C3",
            {"tested.how": "not run", "tested.by": []},
            "$.native_module: 'on request'",
        ),
        ("ESP32_GENERIC_C3", {"tested.how": "emulated image"}, "$.tested.how: 'emulated image'"),
        ("ESP32_GENERIC", {"deploy_options": None}, "'deploy_options' is a required property"),
        ("QEMU_MPS2", {"proof.clock_hz": 25_000_000}, "$.proof.clock_hz:"),
        ("QEMU_MPS2", {"at_a_site.checkins_per_s": 10}, "10 is not of type 'null'"),
        ("RPI_PICO", {"at_a_site": UNKNOWN_AT_A_SITE}, "None is not of type 'integer'"),
        ("RPI_PICO", {"id": "RPI_PICO2"}, "id is RPI_PICO2"),
        ("RPI_PICO", {"proof.prove": 1}, "prove is 1, and "),
        ("QEMU_RV32", {"proof.verify_known_key": 1}, "verify_known_key is 1, and "),
        ("RPI_PICO", {"tested.by": ["tests/system/test_no.py"]}, "there is no test tests/"),
        ("RPI_PICO", {"tested.by": ["tests/cli/test_boards.py::test_what"]}, "there is no test"),
    ],
)
def test_a_false_record_is_found(change, board, values, fault):
    found = change(board, values)
    assert len(found) == 1, found
    assert found[0].startswith(f"{board}/board.json: ")
    assert fault in found[0]


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("pins.csv", "UART_TX,4\n", "not a line NAME,GPIO<number>: UART_TX,4"),
        ("deploy.md", "Tested on an emulated\nESP32.", "there is no emulator of it"),
        ("deploy.md", "The ESP32-C3 was emulated.", "there is no emulator of it"),
    ],
)
def test_a_false_file_is_found(change, file, text, fault):
    found = change("ESP32_GENERIC", {}, file, text)
    assert len(found) == 1, found
    assert fault in found[0]


@pytest.mark.parametrize("file", ["board.json", "deploy.md", "manifest.py", "pins.csv"])
def test_a_missing_file_is_found(tmp_path, file):
    copy = Path(shutil.copytree(board_records.FOLDER, tmp_path / "boards"))
    (copy / "RPI_PICO" / file).unlink()
    found = board_records.faults(copy, ROOT)
    assert len(found) == 1, found
    assert f"{file} is missing" in found[0]


def test_the_readme_table_is_held_to_the_records(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("No table.\n")
    assert boards.readme_faults(readme) == []
    good = f"Before.\n\n{boards.BEGIN}\n\n{boards.table()}\n\n{boards.END}\n\nAfter.\n"
    readme.write_text(good)
    assert boards.readme_faults(readme) == []
    for wrong in (
        good.replace("| weak |", "| strong |", 1),
        good.replace(boards.END, ""),
        good.replace(boards.BEGIN, ""),
        good + good,
        "The agent ran on an emulated ESP32.",
    ):
        readme.write_text(wrong)
        assert len(boards.readme_faults(readme)) == 1


def test_the_table_names_every_board_to_be_bought_and_no_other():
    table = boards.table()
    for name in board_records.names():
        wanted = board_records.is_to_be_bought(board_records.load(name))
        assert (f"(boards/{name}/deploy.md)" in table) == wanted
    assert "not measured" in table


def test_an_unknown_board_is_named(capsys):
    assert cli.main(["boards", "NONE"]) == 1
    assert "no such board: NONE" in capsys.readouterr().err


@pytest.mark.parametrize("board", board_records.names())
def test_the_manifest_is_read_by_upstreams_own_tool(board, monkeypatch):
    """The manifest freezes the whole library and the whole agent, wherever the checkout is."""
    try:
        sources = board_sources.micropython()
    except board_sources.SourcesMissing as missing:
        pytest.skip(str(missing))
    monkeypatch.syspath_prepend(str(sources / "tools"))
    import manifestfile

    port = sources / "ports" / board_records.load(board)["port"]
    manifest = manifestfile.ManifestFile(
        manifestfile.MODE_FREEZE,
        {
            "MPY_DIR": str(sources),
            "MPY_LIB_DIR": str(sources / "lib/micropython-lib"),
            "PORT_DIR": str(port),
            "BOARD_DIR": str(board_records.FOLDER / board),
        },
    )
    manifest.execute(str(board_records.FOLDER / board / "manifest.py"))
    frozen = {file.target_path for file in manifest.files()}
    library = {target for target, _ in _package_files() if target.startswith("countersign/")}
    agent = {target for target, _ in _package_files()} - library
    assert library <= frozen
    assert agent <= frozen


@pytest.mark.parametrize("board", board_records.names())
def test_flashing_and_provisioning_know_the_board_as_it_is(board):
    record = board_records.load(board)
    kind = board_kinds.KINDS.get(board)
    if kind is None:
        deploy = (board_records.FOLDER / board / "deploy.md").read_text()
        assert f"--board {board} --settings" not in deploy
    elif isinstance(kind.loader, board_kinds.EspBoard):
        assert kind.loader.offset == int(record["deploy_options"]["flash_offset"], 0)
        assert kind.loader.chip == record["mcu"]
    elif kind.loader is not None:
        assert kind.loader.flash_bytes == record["flash_bytes"]


def test_machine_code_that_was_never_executed_is_no_default():
    assert board_records.runs_native("armv6m")
    assert not board_records.runs_native("xtensawin")
    assert bundle.native_module(10 << 10 | 6) is None


@pytest.mark.parametrize("board", board_records.names())
def test_deploy_gives_commands_that_exist(board):
    """Each `countersign` line of deploy.md parses with that command's own arguments."""
    text = (board_records.FOLDER / board / "deploy.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("countersign ")]
    assert lines
    for line in lines:
        _, name, *words = line.split()
        parser = argparse.ArgumentParser(prog=line)
        cli.load(name).register(parser)
        parser.parse_args(words)
        if "--board" in words:
            assert words[words.index("--board") + 1] == board


def _package_files():
    return json.loads((ROOT / "firmware/package.json").read_text())["urls"]
