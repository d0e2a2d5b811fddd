"""`countersign device`: the command line of the acts, and the provisioner's signature."""

from __future__ import annotations

import csv
import json
import stat
import time
from pathlib import Path

import pytest

from countersign_cli import cli
from countersign_gateway.control.acts import ACTS
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.running_site import PATIENCE_S, SITE, running_site, settings


def test_from_a_signed_report_to_a_revoked_device(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "provisioner.key"
    assert cli.main(["device", "key", str(key)]) == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    public_key = capsys.readouterr().out.split()[3]
    assert cli.main(["device", "key", str(key)]) == 0
    assert public_key in capsys.readouterr().out

    policy = f'enrolment = "listed"\nprovisioners = ["{public_key}"]'
    (tmp_path / "gateway.toml").write_text(settings(None, policy=policy))
    config = ["--config", str(tmp_path / "gateway.toml")]
    assert cli.main(["device", "list", *config]) == 1
    shown = capsys.readouterr()
    assert shown.err.startswith("countersign device: no gateway is running for ")
    assert shown.err.count("\n") == 1

    with running_site(tmp_path, None, policy=policy) as running:
        simulated = SimulatedDevice.named("one", running.gateway.key.gateway_id)
        report = tmp_path / "boards.report.csv"
        with report.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["name", "result", "device_id", "public_key", "site"])
            ids = (simulated.device_id.hex(), simulated.public_key.hex())
            writer.writerow(["bed-7", "done", *ids, SITE])

        assert cli.main(["device", "admit", str(report), *config]) == 1
        assert "the list is not signed" in capsys.readouterr().err
        assert cli.main(["device", "sign", str(report), "--key", str(key)]) == 0
        assert cli.main(["device", "admit", str(report), *config]) == 0
        assert "admitted from the list: 1" in capsys.readouterr().out
        deadline_s = time.monotonic() + PATIENCE_S
        while not running.connects(simulated):
            assert time.monotonic() < deadline_s
        device = running.connect(simulated)
        assert device.enrol() == "ACCEPTED"

        assert cli.main(["device", "list", *config]) == 0
        listed = capsys.readouterr().out
        assert listed.splitlines()[0].split() == ["name", "state", "class", "counter", "device_id"]
        assert "bed-7  enrolled  standard" in listed
        assert cli.main(["device", "show", "bed-7", "--json", *config]) == 0
        assert json.loads(capsys.readouterr().out)["device"]["public_key"] == ids[1]
        assert cli.main(["device", "rename", "bed-7", "bed-8", *config]) == 0
        assert cli.main(["device", "revoke", "bed-8", *config]) == 0
        assert cli.main(["device", "reinstate", "bed-8", "--counter", "7", *config]) == 1
        assert "bed-8 is revoked" in capsys.readouterr().err
        device.close()


@pytest.mark.parametrize("act", sorted(ACTS))
def test_every_act_has_a_page(act: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["device", act, "--help"])
    assert ended.value.code == 0
    assert ACTS[act].meaning in " ".join(capsys.readouterr().out.split())


def test_an_open_key_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "provisioner.key"
    cli.main(["device", "key", str(key)])
    key.chmod(0o644)
    assert cli.main(["device", "sign", str(tmp_path / "x"), "--key", str(key)]) == 2
    assert "open to other users" in capsys.readouterr().err


def test_a_list_that_is_not_there_is_said_in_a_sentence(tmp_path, capsys):
    assert cli.main(["device", "admit", str(tmp_path / "nothere.csv")]) != 0
    said = capsys.readouterr().err
    assert "nothere.csv cannot be opened: No such file" in said
    assert "Errno" not in said
