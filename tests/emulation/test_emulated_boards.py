"""Emulated boards join a real gateway as devices would: by their serial ports, and as emulated.

The Raspberry Pi Pico's image is the one that is flashed, on an emulated RP2040; it and the machines
of QEMU run in `make test-boards`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import emulated_pico
import pytest
from running_site import SITE, RunningSite, running_site
from serial_lines import section

from countersign_tools import micropython
from countersign_tools.emulated_board import EmulatedBoard, for_gateway

SETTINGS = {"check_in_interval_ms": 500, "reconnect_least_ms": 50}


@contextmanager
def joined(
    kind: str, folder: Path, port: str = "usb", **changes: object
) -> Iterator[tuple[EmulatedBoard, RunningSite]]:
    """A board that is off, and a running gateway with a line to it."""
    site_folder = folder / "site"
    site_folder.mkdir(parents=True)
    board = EmulatedBoard(kind, folder / "board")
    url = board.serial_url if port == "usb" else board.uart_url
    lines = section(str(url), 115200)
    try:
        with running_site(site_folder, None, lines=lines, **changes) as site:
            public_key = site.gateway.key.public_key
            board.configure(for_gateway(SITE, public_key, "board", port, **SETTINGS))
            yield board, site
    finally:
        board.stop()


def kind_or_skip(kind: str) -> None:
    if kind.startswith("UNIX"):
        try:
            micropython.argv("armhf" if kind.endswith("ARMHF") else None)
        except micropython.RuntimeMissing as missing:
            pytest.skip(str(missing))
    else:
        emulated_pico.image_or_skip()


@pytest.mark.parametrize("kind", ["UNIX", "UNIX_ARMHF", "RPI_PICO"])
def test_a_board_enrols_checks_in_and_says_that_it_is_emulated(kind: str, tmp_path: Path) -> None:
    kind_or_skip(kind)
    with joined(kind, tmp_path) as (board, site):
        board.power_on()
        (started,) = board.wait_for("started")
        board.wait_for("enrolled")
        board.wait_for("verdict", 2, message="evidence", allow=True)
        assert started["environment"] == 2
        assert not site.gateway.tally.refused
        device = site.gateway.registry.device(bytes.fromhex(started["device_id"]))
        assert device is not None and device.environment == 2
        print(f"{kind}: enrolled over its serial port, engine {started['engine']}")


def test_the_same_board_comes_back_after_its_power_was_taken(tmp_path: Path) -> None:
    kind_or_skip("UNIX")
    with joined("UNIX", tmp_path) as (board, site):
        board.power_on()
        board.wait_for("verdict", message="evidence", allow=True)
        board.power_off()
        assert not board.running()
        board.power_on()
        first, second = board.wait_for("started", 2)
        board.wait_for("evidence_sent", 2)
        assert first["device_id"] == second["device_id"]
        assert second["boot_count"] == first["boot_count"] + 1
        assert site.gateway.registry.counts().devices == 1
