"""One emulated Pico's recorded life: every operation that writes its flash, stage by stage.

The board is the real image in the emulator. `countersign provision` provisions it, and it enrols at
a whole gateway on its USB line. A change that adds another cause of writes to flash also adds a
stage to STAGES, from which the power-cut sweep takes its operations.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from countersign import messages, reasons
from countersign.carriers import framing
from countersign_cli.board_catalogue import uf2
from countersign_cli.provisioning.bundle import STORAGE_FOLDER
from countersign_gateway.statements.keys import SigningKey, create_key_file
from countersign_workshop.emulation import rp2040
from countersign_workshop.emulation.flash_timeline import FLASH_BYTES, Timeline
from support.gateway.running_site import SITE, RunningSite, running_site
from support.gateway.serial_lines import section

PATIENCE_S = 300.0
USE_UP_COUNTERS = f"""\
from countersign_agent.keys import counters
from countersign_agent.hardware import device
store, _ = device.start(device.open_storage({STORAGE_FOLDER!r}))
for _ in range(2 * counters.BLOCK + 2):
    print("counter", store.counters.next())
"""
USE_BEFORE_RESERVING = f"""\
from countersign_agent.keys import counters
from countersign_agent.hardware import device
store, _ = device.start(device.open_storage({STORAGE_FOLDER!r}))
import time
for _ in range(2 * counters.BLOCK + 2):
    print("counter", store.counters._last + 1)
    time.sleep_ms(2)  # until that has left the board
    store.counters.next()
"""


class Life:
    """What the stages need: a flash file, a timeline, and a site with a gateway's key."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.folder = folder
        self.flash = folder / "flash"
        self.timeline = folder / "timeline"
        self.settings = folder / "settings.json"
        start, code = uf2.decode(image.read_bytes())
        blank = bytearray(b"\xff" * FLASH_BYTES)
        offset = start - uf2.FLASH_START
        blank[offset : offset + len(code)] = code
        self.code_bytes = offset + len(code)
        self.first_flash = bytes(blank)
        self.flash.write_bytes(self.first_flash)
        self.timeline.touch()
        create_key_file(folder / "gateway.key")
        key = SigningKey.from_file(folder / "gateway.key")
        self.settings.write_text(
            json.dumps(
                {
                    "site": SITE,
                    "gateway_public_key": key.public_key.hex(),
                    "transport": "serial",
                    "serial_port": "usb",
                    "check_in_interval_ms": 100,
                }
            )
        )

    def power_on(self) -> rp2040.Rp2040:
        return rp2040.Rp2040(None, flash=self.flash, timeline=self.timeline)

    def join(self, board: rp2040.Rp2040, verified: int) -> None:
        """Put the gateway on the board's line until it has verified this many check-ins."""
        board.wait_until_connected()
        lines = section(f"socket://127.0.0.1:{board.serial_port}")
        with running_site(self.folder, None, lines=lines) as site:
            wait_for_check_ins(site, verified)


def wait_for_check_ins(site: RunningSite, verified: int) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while len(site.events("evidence_verified")) < verified:
        assert time.monotonic() < deadline_s, site.log.getvalue()[-2000:]
        time.sleep(0.05)


def first_boot(life: Life) -> None:
    """The image finds no file system, makes one, and waits at its prompt."""
    with life.power_on() as board:
        board.repl()


def provisioning(life: Life) -> None:
    """The host gives settings and entropy, and the board makes its identity."""
    with life.power_on() as board:
        board.wait_until_connected()
        provision(life.settings, f"socket://127.0.0.1:{board.serial_port}")


def enrolment(life: Life) -> None:
    """The agent starts by itself, enrols, and checks in."""
    with life.power_on() as board:
        life.join(board, verified=2)


def later_boot(life: Life) -> None:
    with life.power_on() as board:
        life.join(board, verified=2)


def counter_updates(life: Life) -> None:
    """The board uses more counters than were reserved, twice over."""
    with life.power_on() as board:
        board.run(USE_UP_COUNTERS)


def use_before_reserving(life: Life) -> None:
    """Not a stage but a defect that a sweep must find: counters are used, then reserved."""
    with life.power_on() as board:
        board.run(USE_BEFORE_RESERVING)


STAGES = (first_boot, provisioning, enrolment, later_boot, counter_updates)


def provision(settings: Path, port: str, *more: str) -> None:
    """Run `countersign provision` for the board at that port. It must succeed."""
    finished = try_to_provision(settings, port, *more)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def try_to_provision(settings: Path, port: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the same command, and return its result even if it fails."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "countersign_cli.cli", "provision"),
            *("--port", port, "--name", "device", "--settings", str(settings), "--no-start"),
            *("--provisioner-key", str(settings.with_name("provisioner.key"))),
            *more,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@dataclass(frozen=True)
class Record:
    """A recorded life. stages: each operation's stage. code_bytes: the size of the image in
    flash."""

    first_flash: bytes
    code_bytes: int
    timeline: Timeline
    stages: list[str]


def record(life: Life, stages=STAGES) -> Record:
    names: list[str] = []
    for stage in stages:
        stage(life)
        count = len(Timeline(life.timeline).operations)
        names += [stage.__name__] * (count - len(names))
    return Record(life.first_flash, life.code_bytes, Timeline(life.timeline), names)


class Witness:
    """All that had left the board when its power went."""

    def __init__(self, said: bytes) -> None:
        self.device_ids = {
            match.decode() for match in re.findall(rb'"device_id": "([0-9a-f]{64})"', said)
        }
        self.counter = 0
        for match in re.findall(rb"counter (\d+)\r\n", said):
            self.counter = max(self.counter, int(match))
        for frame in framing.FrameReader().feed(said + b"\x00"):
            if frame.payload and frame.kind in framing.FROM_DEVICES:
                self.device_ids.add(frame.device_id.hex())
                try:
                    fields = messages.open_message(frame.payload).fields
                except reasons.Refused as refused:
                    raise AssertionError(f"the board sent nonsense: {refused}") from refused
                self.counter = max(self.counter, fields.get("counter", 0))
        self.is_enrolled = b'"event": "enrolled"' in said
