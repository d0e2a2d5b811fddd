"""The engine's sizes and cycles against the committed table, so nobody overlooks growth."""

import pytest

from countersign_workshop.bench_proof import table
from countersign_workshop.images import firmware_build, native
from countersign_workshop.parts import board_sources, cross, toolchain
from support.native.parts import or_skip

THEN = {"mpy_bytes": {"armv6m": 1000}, "rp2040_cycles": {"generate": 1_000_000}}


def test_nothing_grew():
    for architecture in native.TARGETS:
        or_skip(lambda name=architecture: native.build(name))
    try:
        toolchain.node()
        toolchain.rp2040js()
        firmware_build.build("RPI_PICO")
    except (
        toolchain.PartMissing,
        cross.CompilerMissing,
        board_sources.SourcesMissing,
    ) as missing:
        pytest.skip(f"{missing} (or make board-parts, which fetches it all)")
    now = table.measured()
    print(now)
    assert table.grown(now, table.committed()) == [], "wanted? make native-figures"


@pytest.mark.parametrize(("cycles", "lines"), [(1_020_000, 0), (1_020_001, 1), (1, 0)])
def test_growth_beyond_two_percent_is_told(cycles, lines):
    now = {**THEN, "rp2040_cycles": {"generate": cycles}}
    found = table.grown(now, THEN)
    assert len(found) == lines
    assert all("generate" in line and "1000000" in line for line in found)


def test_what_is_on_one_side_only_is_told():
    now = {"mpy_bytes": {"armv7m": 1}, "rp2040_cycles": THEN["rp2040_cycles"]}
    assert table.grown(now, THEN) == [
        "mpy_bytes armv6m: only in the table",
        "mpy_bytes armv7m: only in what is built",
    ]
