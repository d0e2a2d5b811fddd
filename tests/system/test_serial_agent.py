"""The real agent on MicroPython, on a serial line of the gateway."""

from __future__ import annotations

import json
import random
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from countersign import reasons
from countersign_workshop.child_processes.process import Child
from countersign_workshop.parts import micropython
from support.gateway.running_site import PATIENCE_S, SITE, RunningSite, running_site
from support.gateway.serial_lines import Cable, section

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"


class Board:
    """The agent on a real MicroPython, on a line."""

    def __init__(
        self, folder: Path, site: RunningSite, port: str, runtime: str | None = None
    ) -> None:
        try:
            self._command = micropython.argv(runtime)
        except micropython.RuntimeMissing as missing:
            pytest.skip(str(missing))
        folder.mkdir(mode=0o700)
        self.events: list[dict] = []
        self.noise: list[str] = []
        self._config = folder / "config.json"
        self.command = [*self._command, "-m", "countersign_agent", str(self._config)]
        self._config.write_text(
            json.dumps(
                {
                    "site": SITE,
                    "gateway_public_key": site.gateway.key.public_key.hex(),
                    "transport": "serial",
                    "serial_port": port,
                    "storage_folder": str(folder / "flash"),
                    "check_in_interval_ms": 100,
                    "result_timeout_ms": 3000,
                    "reconnect_least_ms": 50,
                    "reconnect_most_ms": 500,
                }
            )
        )

    def switch_on(self) -> Child:
        return Child(
            "device",
            self.command,
            on_line=self._take,
            environment=micropython.environment([FIRMWARE / "lib", FIRMWARE / "agent"]),
        )

    def wait_for(self, name: str, count: int = 1, **wanted: object) -> list[dict]:
        deadline_s = time.monotonic() + 2 * PATIENCE_S
        while True:
            found = [e for e in list(self.events) if e["event"] == name]
            found = [e for e in found if wanted.items() <= e.items()]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline_s, (name, count, self.events[-5:], self.noise)
            time.sleep(0.02)

    def _take(self, line: str) -> None:
        if line.startswith('{"event"'):
            self.events.append(json.loads(line))
        else:
            self.noise.append(line)


@pytest.mark.parametrize("runtime", micropython.runtimes())
def test_the_real_agent_enrols_and_checks_in_over_a_pty(runtime, tmp_path):
    with Cable() as cable:
        lines = section(cable.gateway_path, 115200)
        with running_site(tmp_path, None, beacon_interval_s=0.5, lines=lines) as site:
            board = Board(tmp_path / "device", site, cable.device_path, runtime)
            process = board.switch_on()
            try:
                board.wait_for("enrolled")
                board.wait_for("verdict", 5, message="evidence", allow=True)
            finally:
                process.kill()
            assert not board.noise
            # A beacon of half a second may be replaced twice before a slow processor has signed.
            assert set(site.gateway.tally.refused) <= {reasons.NAMES[reasons.STALE_BEACON]}


def test_the_real_agent_shares_standard_output_between_log_and_line(tmp_path):
    with Cable() as cable, ExitStack() as stack:
        lines = section(cable.gateway_path, 115200)
        with running_site(tmp_path, None, beacon_interval_s=0.5, lines=lines) as site:
            board = Board(tmp_path / "device", site, "usb")
            with open(cable.device_path, "r+b", buffering=0) as usb:
                process = subprocess.Popen(
                    board.command,
                    env=micropython.environment([FIRMWARE / "lib", FIRMWARE / "agent"]),
                    stdin=usb,
                    stdout=usb,
                    stderr=usb,
                )
            stack.callback(process.wait)
            stack.callback(process.kill)
            deadline_s = time.monotonic() + PATIENCE_S
            while site.gateway.tally.verified < 5:
                assert process.poll() is None, "the agent stopped"
                assert time.monotonic() < deadline_s, site.log.getvalue()
                time.sleep(0.02)
            # mpremote sends this first, and it interrupts nothing.
            cable.type_in(b"\r\x03")
            cable.type_in(b"\x00\r\x03")
            verified = site.gateway.tally.verified
            deadline_s = time.monotonic() + PATIENCE_S
            while site.gateway.tally.verified < verified + 5:
                assert process.poll() is None, "the agent stopped"
                assert time.monotonic() < deadline_s, site.log.getvalue()
                time.sleep(0.02)
        assert b'"event": "evidence_sent"' in cable.seen_from_device


def test_the_real_agent_survives_pulls_damage_and_power_cuts(tmp_path):
    chance = random.Random(7)
    with Cable() as cable:
        lines = section(cable.gateway_path, 115200)
        with running_site(tmp_path, None, lines=lines) as site:
            board = Board(tmp_path / "device", site, cable.device_path)
            process = board.switch_on()
            board.wait_for("verdict", 2, message="evidence", allow=True)
            for turn in range(8):
                time.sleep(chance.uniform(0, 0.3))
                cable.lost_bytes = 0
                cable.pulled = True
                deadline_s = time.monotonic() + PATIENCE_S
                while cable.lost_bytes == 0:
                    assert time.monotonic() < deadline_s, "nothing was under way"
                    time.sleep(0.002)
                if turn % 3 == 2:
                    process.kill()
                    process = board.switch_on()
                cable.pulled = False
            cable.damage = 0.1
            seen = len(board.wait_for("verdict", allow=True))
            board.wait_for("verdict", seen + 6, allow=True)
            process.kill()
        verdicts = [e["counter"] for e in board.events if e["event"] == "verdict" and e["allow"]]
        accepted = [e["counter"] for e in site.events("evidence_verified")]
        enrolled = [e["counter"] for e in site.events("enrolled")]
        assert accepted == sorted(set(accepted)), "accepted twice"
        assert set(verdicts) <= set(accepted + enrolled), "a verdict of nothing durable"
        assert set(site.gateway.tally.refused) <= {reasons.NAMES[reasons.REPLAYED]}
