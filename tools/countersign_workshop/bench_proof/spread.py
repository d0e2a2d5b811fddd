"""Whether the prover takes the same time for every secret, counted on the real image over many
secrets.

The count is the exact cycles of a whole `schnorr.Prover.sign` called from Python, and of each call
into the engine that it makes. Every call starts from the same state of the whole machine: trials.py
restores the heap before each. Without that, a signature varies by some thousand cycles even for one
and the same secret. It makes a few dozen objects, and MicroPython searches for free memory from the
start of its heap, past everything that is there. `heap` records how large that variation is.
"""

from __future__ import annotations

import ast
import random
from dataclasses import dataclass

from countersign.proofs import schnorr
from countersign.proofs.curve import N
from countersign_workshop.bench_proof import trials
from countersign_workshop.bench_proof.boards import MeasurementFailed, Rp2040Board

_SEED = 2040
_MESSAGE = bytes(range(32))
_ENTROPY = bytes(range(100, 132))
_SETUP = f"message, entropy, native = {_MESSAGE!r}, {_ENTROPY!r}, engines.active\n"

WORK = {
    "prove": "prover.sign(message, entropy)",
    "generate": "native.generate(prover._d)",
    "commit": "native.commit(bytearray(prover._d))",
    "respond": "native.respond(prover._d, entropy, prover._d)",
}


@dataclass(frozen=True)
class Spread:
    """spreads: for each piece of WORK, its most cycles less its least, over `secrets` key pairs.
    heap: the same difference for `prove` with one secret, while the heap fills."""

    spreads: dict[str, int]
    secrets: int
    heap: int

    def largest(self) -> int:
        """The largest spread, of `prove` or of one of its parts."""
        return max(self.spreads.values())


def edge_secrets() -> list[int]:
    """Scalars that a multiplication might treat differently from others, each in [1, n)."""
    found = [1, 2, 3, N - 1, N - 2, N - 3, N // 2, N // 2 + 1, 2**255, 2**256 - 2**129 - 1]
    found += [1 << bit for bit in range(256)]
    found += [N - (1 << bit) for bit in range(0, 256, 5)]
    found += [(1 << bit) - 1 for bit in range(2, 257, 3)]
    # Every nibble or every byte is the same, or the first or last words are empty or full.
    found += [int(f"{nibble:x}" * 64, 16) for nibble in range(1, 16)]
    found += [int(f"{byte:02x}" * 32, 16) for byte in (0x01, 0x0F, 0x10, 0x80, 0xF0, 0x7F, 0xFE)]
    found += [(2**64 - 1) << shift for shift in range(0, 193, 32)]
    source = random.Random(_SEED)  # noqa: S311 - nobody's keys
    for weight in (2, 3, 4, 8):
        found += [sum(1 << bit for bit in source.sample(range(256), weight)) for _ in range(20)]
        found += [
            2**256 - 1 - sum(1 << bit for bit in source.sample(range(256), weight))
            for _ in range(20)
        ]
    return list(dict.fromkeys(secret for secret in found if 1 <= secret < N))


def secrets(count: int) -> list[int]:
    """The edge values, then random ones, at least `count` in all."""
    found = edge_secrets()
    source = random.Random(_SEED + 1)  # noqa: S311 - nobody's keys
    found += [source.randrange(1, N) for _ in range(count - len(found))]
    return found


def measure(count: int) -> Spread:
    """Run all of it on an emulated RP2040; about three minutes for a thousand secrets.

    Every signature that is timed is compared with the pure engine's.
    """
    values = secrets(count)
    spreads = {}
    with Rp2040Board("native", trials.files(values)) as board:
        for name, work in WORK.items():
            found = trials.run(board, work, _SETUP)
            spreads[name] = found.spread()
            if name == "prove" and found.results != [_signature(value)[-8:] for value in values]:
                raise MeasurementFailed("a signature is wrong")
        heap = ast.literal_eval(board.run(_HEAP).splitlines()[-1])
    return Spread(spreads, len(values), heap)


def _signature(secret: int) -> bytes:
    return schnorr.sign(secret.to_bytes(32, "big"), _MESSAGE, _ENTROPY)


# A list that grows by one number at a time sometimes moves, and then changes what the next call
# finds.
_HEAP = """\
inputs = kept = None
def filled():
    seen = []
    for _ in range(48):
        seen.append(count(work))
    return max(seen[8:]) - min(seen[8:])
def work():
    return prover.sign(message, entropy)
print(filled())
"""
