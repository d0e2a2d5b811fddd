"""The service units: who runs what, how exposed each is, and what it may reach."""

from __future__ import annotations

import configparser
import shutil
import subprocess

import pytest

from countersign_workshop.checkout import ROOT

UNITS = ROOT / "gateway/units"
SERVICES = ("gateway", "broker", "ledger")
MOST_EXPOSED = 1.5


def unit(name: str) -> dict[str, str]:
    """The settings of a service; of one that stands there more than once, the last."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNITS / f"countersign-{name}.service", encoding="utf-8")
    return dict(parser["Service"])


def test_each_has_a_user_of_its_own() -> None:
    users = [unit(name).get("User", unit(name).get("DynamicUser")) for name in SERVICES]
    assert users == ["countersign", "mosquitto", "yes"]


def test_who_holds_the_keys_speaks_to_loopback_alone() -> None:
    gateway = unit("gateway")
    assert (gateway["IPAddressDeny"], gateway["IPAddressAllow"]) == ("any", "localhost")
    assert gateway["StateDirectoryMode"] == "0700"
    for name in ("broker", "ledger"):
        assert "/var/lib/countersign" in unit(name)["InaccessiblePaths"]


@pytest.mark.parametrize("name", SERVICES)
def test_exposure(name: str) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze on this machine")
    finished = subprocess.run(
        [
            program,
            "security",
            "--offline=true",
            f"--threshold={int(MOST_EXPOSED * 10)}",
            str(UNITS / f"countersign-{name}.service"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "offline" in finished.stderr and "unrecognized" in finished.stderr:
        pytest.skip("this systemd-analyze knows no --offline")
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr
