"""The command table is complete, and the tools report what they find."""

import json

import pytest

from countersign_cli import cli
from countersign_cli.commands import boards
from countersign_cli.mendable import Mendable
from countersign_cli.provisioning import rows
from countersign_gateway.config import ConfigError
from countersign_workshop import checkout
from countersign_workshop.checks import every_test, machine
from countersign_workshop.parts import toolchain


@pytest.mark.parametrize("name", [name for name, _ in (*cli.COMMANDS, *cli.CHECKOUT_COMMANDS)])
def test_every_command_has_its_module(name):
    command = cli.load(name)
    assert callable(command.register)
    assert callable(command.run)


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["nonsense"])
    assert ended.value.code == 2
    assert "nonsense" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "status", "told"),
    [
        (Mendable("one", "two"), 1, "countersign boards: one\ncountersign boards: two\n"),
        (rows.RowsError("a row"), 2, "countersign boards: a row\n"),
        (ConfigError("a setting"), 1, "countersign boards: a setting\n"),
        (
            PermissionError(13, "Permission denied", "x"),
            1,
            "countersign boards: [Errno 13] Permission denied: 'x'\n",
        ),
        (
            ModuleNotFoundError("No module named 'web3.eth'", name="web3.eth"),
            1,
            "countersign boards: the package web3 is missing: make setup\n",
        ),
    ],
)
def test_what_a_person_can_mend_is_said_in_one_place(fault, status, told, monkeypatch, capsys):
    def run(_arguments):
        raise fault

    monkeypatch.setattr(boards, "run", run)
    assert cli.main(["boards"]) == status
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    "fault", [ValueError("x"), ModuleNotFoundError("x", name="countersign_gateway.nowhere")]
)
def test_a_fault_of_ours_is_not_hidden(fault, monkeypatch):
    def run(_arguments):
        raise fault

    monkeypatch.setattr(boards, "run", run)
    with pytest.raises(type(fault)):
        cli.main(["boards"])


@pytest.mark.parametrize("command", ["demo", "emulate"])
def test_a_board_that_is_not_emulated_is_refused_with_those_that_are(command, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--board", "RPI_PICO_W"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "'RPI_PICO_W'" in told
    assert "'RPI_PICO'" in told and "'QEMU_M0'" in told


def test_doctor_reports_every_part(capsys):
    status = cli.main(["doctor", "--json", "--for", "test"])
    findings = json.loads(capsys.readouterr().out)
    assert {part.name for part in toolchain.parts()} <= {finding["name"] for finding in findings}
    # Parts that only other targets need may be missing.
    needed = [finding for finding in findings if finding["needed_by"] in ("demo", "test")]
    assert status == (0 if all(finding["present"] for finding in needed) else 1)
    assert all(finding["present"] or finding["mend"] for finding in findings)


def test_doctor_says_what_mends_a_missing_part(monkeypatch, tmp_path):
    monkeypatch.setenv("COUNTERSIGN_CACHE", str(tmp_path))
    findings = {finding.name: finding for finding in machine.examine()}
    assert not findings["anvil"].present
    assert findings["anvil"].mend == "countersign fetch anvil"
    assert cli.main(["doctor"]) == 1


def test_a_missing_part_names_its_mend(monkeypatch, tmp_path):
    monkeypatch.setenv("COUNTERSIGN_CACHE", str(tmp_path))
    for part in toolchain.parts():
        with pytest.raises(toolchain.PartMissing, match="countersign fetch"):
            part.locate()


def test_a_runner_that_counts_nothing_has_failed():
    step = every_test.Step("silent", lambda: ["true"], every_test._read_closing_line)
    assert every_test._run(step).failed == 1


def test_a_runner_that_ends_badly_has_failed():
    line = "echo 'x: 3 passed, 0 failed, 0 skipped'; exit 3"
    step = every_test.Step("bad", lambda: ["bash", "-c", line], every_test._read_closing_line)
    counts = every_test._run(step)
    assert (counts.passed, counts.failed) == (3, 1)


def test_the_checkout_is_this_one():
    assert (checkout.ROOT / "pyproject.toml").is_file()


def test_the_gateways_help_is_for_those_who_run_it(capsys):
    with pytest.raises(SystemExit):
        cli.main(["gateway", "--help"])
    said = capsys.readouterr().out
    assert "countersign gateway status" in said
    assert "in a checkout" not in said
