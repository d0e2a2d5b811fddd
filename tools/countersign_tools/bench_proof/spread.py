"""Is the prover's time the same for every secret? Counted on the real image, over many of them.

The exact cycles of `generate` (secret nonce), `respond` (secret nonce and key) and of a whole
Schnorr signature of the library, each called from Python with arguments in the same memory. A whole
signature makes and drops objects, and finding room for them takes a time that depends on the past
of the heap: so it is counted once more with one and the same secret, to be held against.
"""

from __future__ import annotations

import ast
import random
from dataclasses import dataclass

from countersign.curve import N
from countersign_tools.bench_proof.boards import Rp2040Board

_FILE = "secrets"
_SEED = 2040


@dataclass(frozen=True)
class Spread:
    """spreads: most cycles less least of each function. secrets: how many were tried."""

    spreads: dict[str, int]
    secrets: int

    def largest(self) -> int:
        """Of the engine's calls, which are all that is done with the secrets' arithmetic."""
        return max(self.spreads["generate"], self.spreads["respond"])


def edge_secrets() -> list[int]:
    """Scalars that a multiplication might treat unlike others, each in [1, n)."""
    found = [1, 2, 3, N - 1, N - 2, N - 3, N // 2, N // 2 + 1, 2**255, 2**256 - 2**129 - 1]
    found += [1 << bit for bit in range(256)]
    found += [N - (1 << bit) for bit in range(0, 256, 5)]
    found += [(1 << bit) - 1 for bit in range(2, 257, 3)]
    # Every nibble or every byte the same, and the first or last words empty or full.
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
    """The edge values, then any, to at least `count`."""
    found = edge_secrets()
    source = random.Random(_SEED + 1)  # noqa: S311 - nobody's keys
    found += [source.randrange(1, N) for _ in range(count - len(found))]
    return found


def measure(count: int) -> Spread:
    """Run all of it on an emulated RP2040; about two minutes for a thousand secrets."""
    values = secrets(count)
    data = b"".join(value.to_bytes(32, "big") for value in values)
    with Rp2040Board("native", {_FILE: data}) as board:
        spreads = ast.literal_eval(board.run(_SCRIPT).splitlines()[-1])
    return Spread(spreads, len(values))


_SCRIPT = f"""\
import countersign_native
from countersign import schnorr
one, two, entropy = bytearray(32), bytearray(32), bytes(32)
def signed():
    prover.sign(one, entropy)
prover = schnorr.Prover(bytes(31) + b'\\x05')
def spread(work, keep=False):
    least, most = 1 << 29, 0
    one[31] = two[31] = 9
    with open('{_FILE}', 'rb') as file:
        # The first calls also look up names and find the places that later ones find again.
        for _ in range(8):
            count(work)
        while file.readinto(one) == 32:
            if keep:
                one[:] = entropy
            cycles = count(work)
            least, most = min(least, cycles), max(most, cycles)
            if not keep:
                two[:] = one
    return most - least
# The key is replaced in its place: a new Prover would lie elsewhere in the heap, and finding room
# beside it would take another time.
prover._d = two
print({{
    'generate': spread(lambda: countersign_native.generate(one)),
    'respond': spread(lambda: countersign_native.respond(one, two, two)),
    'prove': spread(signed),
    'prove_with_one_secret': spread(signed, True),
}})
"""
