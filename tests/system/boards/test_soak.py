"""Emulated boards check in many times: free memory stays, and the flash is hardly worn.

`make soak` is the long run. These tests are its beginning, on the image that is flashed.
"""

import pytest

from countersign_agent.keys import counters
from countersign_workshop.bench_boards import figures
from countersign_workshop.bench_boards.life import BACK_TO_BACK, Life
from countersign_workshop.bench_boards.soak import soak
from support.boards import emulated_pico

pytestmark = [pytest.mark.board, pytest.mark.slow]


@pytest.mark.parametrize("kind", ["RPI_PICO", "QEMU_MPS2"])
def test_two_hundred_check_ins_take_nothing_that_is_not_given_back(kind: str) -> None:
    emulated_pico.kind_or_skip(kind)
    result = soak(kind, 200)
    print(f"{kind}: {result['heap']}, flash {result['flash']}, emulated")
    assert result["faults"] == []
    assert result["check_ins"] == 200


def test_a_picos_record_has_its_own_time_and_every_erase(tmp_path) -> None:
    """The figures come from this record, which holds what is known of a first start."""
    emulated_pico.kind_or_skip("RPI_PICO")
    with Life("RPI_PICO", tmp_path).at_a_site() as life:
        first = life.power_on(1)
        again = life.power_on(3, start=BACK_TO_BACK)
    assert first.erases  # the board made its file system
    assert len(again.check_ins) >= 3
    assert again.check_ins[0].counter > first.check_ins[0].counter
    assert again.check_ins[1].at_ms - again.check_ins[0].at_ms > 20  # a proof alone takes 11 ms
    assert not again.troubles


def test_a_machine_without_time_and_flash_states_none_of_their_figures() -> None:
    """Each board's figures have the same names. A figure that its emulator cannot know is null."""
    emulated_pico.kind_or_skip("QEMU_RV32")
    measured = figures.measure("QEMU_RV32", 1, 1, print)
    assert measured["image_bytes"] > 0 and measured["heap_free_bytes"] > 0
    assert measured["checkins_measured"] == counters.BLOCK
    assert measured["checkins_per_host_s"] > 0 and measured["started_to_verified_host_ms"] > 0
    for name in ("boot_to_verified_ms", "erases_per_1000", "checkins_per_s"):
        assert measured[name] is None
    assert measured["troubles"] == {}
