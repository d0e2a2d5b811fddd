"""The parts of `make bench-proof` that need no board."""

from countersign_workshop.bench_proof import measure
from countersign_workshop.images import native


def test_the_pure_engine_is_weighed() -> None:
    assert 5_000 < measure.mpy_bytes("pure", next(iter(native.TARGETS))) < 10_000
