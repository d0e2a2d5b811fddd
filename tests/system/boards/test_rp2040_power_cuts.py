"""Power cuts at every flash operation of an emulated Pico's life.

`make test` takes every fifth operation, `make test-boards` all. Each operation of board_life.STAGES
is cut once, torn in one of the four ways by turns. COUNTERSIGN_TORN=all tears each in all four
ways. The checks afterwards run on the real image: it boots, it has the same identity, no counter
comes again, and it continues.
"""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from countersign_cli.board_port.raw_repl import ReplError, ScriptFailed
from countersign_cli.provisioning.bundle import CONFIG_PATH, STORAGE_FOLDER
from countersign_workshop.emulation import rp2040
from countersign_workshop.emulation.flash_timeline import TORN_MODES, Timeline
from support.boards import board_life, emulated_pico
from support.boards.board_life import Life, Record, Witness
from support.gateway.running_site import running_site
from support.gateway.serial_lines import section

pytestmark = pytest.mark.board

AT_A_TIME = 2
# The first step is five, so that each of the four ways of tearing has its turn. The other is one.
STEPS = (5, pytest.param(1, marks=pytest.mark.slow))

# The device starts twice. Each line says what is then known of it.
LOOK = f"""\
import os
from countersign_agent.hardware import device
for _ in range(2):
    store, _ = device.start(device.open_storage({STORAGE_FOLDER!r}))
    gateway = store.enrolled_gateway()
    print(store.identity.device_id.hex(), store.counters.next(), gateway is not None)
"""
IS_PROVISIONED = f"""\
import os
print({CONFIG_PATH[1:]!r} in os.listdir('/'))
"""


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return Life(emulated_pico.image_or_skip(), tmp_path_factory.mktemp("life"))


@pytest.fixture(scope="module")
def record(life: Life) -> Record:
    return board_life.record(life)


@pytest.mark.parametrize("step", STEPS)
def test_cuts_are_survived(life: Life, record: Record, step: int, tmp_path: Path) -> None:
    cuts = range(0, len(record.stages) + 1, step)
    broken = sweep(life, record, cuts, tmp_path)
    done = Counter(record.stages[cut] for cut in cuts if cut < len(record.stages))
    print(f"RPI_PICO (emulated): power cut at {done.total()} of {len(record.stages)} operations:")
    for stage, count in done.items():
        print(f"  {stage}: {count}")
    assert not broken, "\n".join(broken)
    assert set(done) == {stage.__name__ for stage in board_life.STAGES}, "a stage wrote nothing"


@pytest.mark.parametrize("step", STEPS)
def test_cut_while_at_a_gateway_it_joins_again(
    life: Life, record: Record, step: int, tmp_path: Path
) -> None:
    """The gateway has lost its memory. The board enrols anew at it and is verified."""
    cuts = [number for number, stage in enumerate(record.stages) if stage == "enrolment"][::step]
    for cut in cuts:
        folder = tmp_path / str(cut)
        folder.mkdir()
        shutil.copy(life.folder / "gateway.key", folder)
        flash = cut_flash(record, cut, TORN_MODES[cut % len(TORN_MODES)], folder)
        with rp2040.Rp2040(None, flash=flash) as board:
            board.wait_until_connected()
            lines = section(f"socket://127.0.0.1:{board.serial_port}")
            with running_site(folder, None, lines=lines) as site:
                board_life.wait_for_check_ins(site, 1)
    print(f"RPI_PICO (emulated): joined again after {len(cuts)} cuts of its enrolment")


def test_the_sweep_sees_a_counter_that_comes_again(life: Life, tmp_path: Path) -> None:
    """The control: a board that uses counters before it reserves them must be found broken."""
    other = Life(emulated_pico.image_or_skip(), tmp_path)
    record = board_life.record(
        other, (board_life.first_boot, board_life.provisioning, board_life.use_before_reserving)
    )
    cuts = [n for n, stage in enumerate(record.stages) if stage == "use_before_reserving"]
    scratch = tmp_path / "cuts"
    scratch.mkdir()
    # The last reservation is enough: two records, three operations each.
    assert sweep(other, record, cuts[-6:], scratch)


def sweep(life: Life, record: Record, cuts: Sequence[int], folder: Path) -> list[str]:
    """The promises that cuts at these operations broke, a line for each."""
    every_way = os.environ.get("COUNTERSIGN_TORN") == "all"
    work = [
        (cut, torn)
        for cut in cuts
        for torn in (TORN_MODES if every_way else (TORN_MODES[cut % len(TORN_MODES)],))
    ]

    def one(item: tuple[int, str]) -> str:
        cut, torn = item
        stage = record.stages[cut] if cut < len(record.stages) else "the end"
        own = folder / f"{cut}-{torn}"
        own.mkdir()
        try:
            examine(life, record, cut, torn, own)
        except (AssertionError, ReplError, ScriptFailed, rp2040.EmulatorError) as fault:
            return f"cut {cut} ({stage}, torn: {torn}): {fault}"
        except subprocess.TimeoutExpired:
            return f"cut {cut} ({stage}, torn: {torn}): provisioning came to no end"
        finally:
            shutil.rmtree(own)
        return ""

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return [line for line in pool.map(one, work) if line]


def examine(life: Life, record: Record, cut: int, torn: str, folder: Path) -> None:
    """Start the board after a cut. AssertionError if a promise is broken."""
    flash = cut_flash(record, cut, torn, folder, agent_starts=False)
    seen = Witness(record.timeline.said_before(cut))
    afterwards = folder / "timeline"
    with rp2040.Rp2040(None, flash=flash, timeline=afterwards) as board:
        if board.run(IS_PROVISIONED).strip() != "True" and cut >= first_of(record, "provisioning"):
            board.release()
            board_life.provision(life.settings, f"socket://127.0.0.1:{board.serial_port}")
        looks = [line.split() for line in board.run(LOOK).splitlines()]
    assert len(looks) == 2, looks
    after = Timeline(afterwards)
    said = after.said_before(len(after.operations))
    assert b'"event": "started"' not in said, "the agent was not kept from starting"
    assert len({look[0] for look in looks} | seen.device_ids) == 1, "a second identity"
    counters = [seen.counter, *(int(look[1]) for look in looks)]
    assert counters == sorted(set(counters)), f"a counter came again: {counters}"
    assert not seen.is_enrolled or looks[0][2] == "True", "it forgot that it is enrolled"


def first_of(record: Record, stage: str) -> int:
    return record.stages.index(stage)


def cut_flash(record: Record, cut: int, torn: str, folder: Path, agent_starts: bool = True) -> Path:
    """A file with the flash after a cut.

    The agent's start takes a block of counters. Without that start, the first counter that the test
    sees is the first that the board would ever use.
    """
    content = record.timeline.flash_at(record.first_flash, cut, torn)
    if not agent_starts:
        # The agent gets the path of a configuration that is never there, and leaves for the prompt.
        # The end of the path stays, because the compiler also uses it as the file's name.
        end = record.code_bytes
        wanted = CONFIG_PATH.encode()
        assert content.count(wanted, 0, end) == 1
        content[:end] = content[:end].replace(wanted, b"_" + wanted[1:])
    flash = folder / "flash"
    flash.write_bytes(content)
    return flash
