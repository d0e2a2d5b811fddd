"""A board that cannot be provisioned is refused in one sentence, before anything is changed."""

import dataclasses
from typing import Any

import pytest

from countersign_cli.board_catalogue import board_kinds
from countersign_cli.board_port.raw_repl import ScriptFailed
from countersign_cli.provisioning import bundle, rows, session, steps
from support.boards.provision_rows import settings

MPY = 6 | 4 << 10
GOOD = session.Look(
    machine="Raspberry Pi Pico with RP2040",
    micropython="1.25.0",
    mpy=MPY,
    hardware_id=bytes(range(8)),
    foreign_main=False,
    config=None,
    configured=None,
    agent_file=None,
    agent_version=None,
    native_file=None,
    fat=False,
    has_files=True,
    can_erase=False,
)
ROW = rows.single({"name": "bed-7", "port": "/dev/ttyACM0", "board": "RPI_PICO"}, settings())


def test_a_good_board_is_taken() -> None:
    steps.check(ROW, GOOD)
    frozen = dataclasses.replace(
        GOOD, agent_file="countersign_agent/__init__.py", agent_version=bundle.version()
    )
    steps.check(ROW, frozen)
    assert frozen.frozen
    assert not dataclasses.replace(GOOD, agent_file="/lib/countersign_agent/__init__.mpy").frozen


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"machine": "Raspberry Pi Pico 2 with RP2350"}, "bed-7 is to be a RPI_PICO, and at"),
        ({"machine": "Raspberry Pi Pico with RP2040 and more"}, "connect the right board"),
        ({"fat": True}, "files are on FAT, which can lose an identity"),
        ({"foreign_main": True}, "a main.py that is not ours"),
        ({"mpy": 5 | 4 << 10}, "takes .mpy version 5 and ours are 6: flash MicroPython 1.25"),
        (
            {"agent_file": "countersign_agent/__init__.py", "agent_version": "0.0.1"},
            "its firmware has agent 0.0.1 and this checkout",
        ),
    ],
)
def test_what_is_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(session.BoardFault) as refusal:
        steps.check(ROW, dataclasses.replace(GOOD, **changes))
    said = str(refusal.value)
    assert sentence in said.replace("the board's firmware", "its firmware")
    assert "\n" not in said


UNIQUE_ID = bytes(range(8)).hex()


@pytest.mark.parametrize(
    ("can_erase", "wishes", "sentence"),
    [
        (True, {}, "were left as they are: revoke the device at its gateway if it was enrolled"),
        (True, {"erase_files": True}, f"--erase-files --abandon {UNIQUE_ID}"),
        (True, {"abandon": frozenset({UNIQUE_ID})}, "run this with --erase-files"),
        (True, {"erase_files": True, "abandon": frozenset({"00"})}, "run this with --erase-files"),
        (
            False,
            {"erase_files": True, "abandon": frozenset({UNIQUE_ID})},
            "countersign flash --erase-files --abandon-identity",
        ),
    ],
)
def test_unreadable_files_are_kept_until_that_is_meant(
    can_erase: bool, wishes: dict[str, Any], sentence: str
) -> None:
    look = dataclasses.replace(GOOD, has_files=False, can_erase=can_erase)
    with pytest.raises(session.BoardFault) as refusal:
        steps.check_erasing(look, steps.Wishes(**wishes))
    said = str(refusal.value)
    assert sentence in said
    assert "\n" not in said


def test_unreadable_files_are_made_anew_when_that_is_meant() -> None:
    look = dataclasses.replace(GOOD, has_files=False, can_erase=True)
    steps.check_erasing(look, steps.Wishes(erase_files=True, abandon=frozenset({UNIQUE_ID})))


@pytest.mark.parametrize(
    ("last_line", "sentence"),
    [
        ("OSError: [Errno 28] ENOSPC", "the board's file system is full"),
        ("OSError: [Errno 5] EIO", "the board's file system is damaged"),
        ("OSError: -84", "the board's file system is damaged"),
        ("OSError: 84", "the board's file system is damaged"),
        ("MemoryError: memory allocation failed", "the board ran out of memory"),
        ("ValueError: what was written", "the board refuses a step (ValueError: what was written)"),
        ("OSError: [Errno 2] ENOENT", "the board refuses a step (OSError: [Errno 2] ENOENT)"),
    ],
)
def test_what_a_script_failed_with_is_explained(last_line: str, sentence: str) -> None:
    traceback = f'Traceback (most recent call last):\n  File "<stdin>", line 1\n{last_line}\n'
    said = session._explained(ScriptFailed(traceback, ""))
    assert said.startswith(sentence)
    assert "\n" not in said


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("EntropyError", "no usable randomness (why): no key may be made on it"),
        ("ConfigError", "the agent on the board refuses the configuration: why"),
        ("StorageError", "the board's storage fails (why)"),
        ("KeyStoreDamaged", "key store is damaged (why) and was left as it is"),
    ],
)
def test_what_a_device_refuses_is_explained(kind: str, sentence: str) -> None:
    refusal = session._refusal(kind, "why")
    assert sentence in str(refusal)
    assert isinstance(refusal, session.KeyStoreFault) == (kind == "KeyStoreDamaged")


def test_a_number_that_is_none_is_no_identifier() -> None:
    assert GOOD.unique_id == bytes(range(8)).hex()
    assert dataclasses.replace(GOOD, hardware_id=bytes(8)).unique_id == ""
    assert dataclasses.replace(GOOD, hardware_id=b"\xff" * 8).unique_id == ""


def test_every_board_is_told_from_the_others() -> None:
    for kind in board_kinds.KINDS.values():
        machine = kind.machine + ("[GCC 14.2.0] version" if kind.loader is None else "")
        taken = [
            other.name
            for other in board_kinds.KINDS.values()
            if board_kinds.matches(other, machine)
        ]
        assert taken == [kind.name]
