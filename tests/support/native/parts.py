"""Parts of the native engine's tests: the real compilers, the RP2040's emulated core, the runtimes.

A test skips, by name, if a part is missing. It fails if the code does not build.
"""

import json
import random
import subprocess
from pathlib import Path

import pytest

from countersign.proofs import curve
from countersign_workshop.images import native
from countersign_workshop.images.native import TARGETS
from countersign_workshop.parts import toolchain

HERE = Path(__file__).parent
P, N = curve.P, curve.N
# A point_table of group.h.
TABLE_BYTES = 8 * 64 + 32
LAMBDA = 0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72
UNIT_SCALARS = [sign * LAMBDA**power % N for sign in (1, -1) for power in range(3)]
# If two points are one but for a unit, the other point is one of these times G.
OF_GENERATOR_TABLE = (1, 1 + (2 << 64))

# Words at which carries begin and end.
EDGES = (
    *(0, 1, 2, 977, 2**32, 2**32 + 977, 2**64 - 1, 2**128 - 1, 2**128, 2**255),
    *(P - 2, P - 1, P, P + 1, 2**256 - 1, 2**256 - 2, 2**256 - 2**32, 2**256 - 2**128),
    *(N - 1, N, N + 1, LAMBDA, N - LAMBDA, N // 2, N // 2 + 1),
)
EDGE_WORDS = [0, 1, 2**32 - 1, 2**32 - 977, 2**32 - 2, 0xFFFF, 0x10000, 0x80000000, 0xFFFF0000]


def numbers(count, seed):
    """All edges, then numbers made of edge words, then random ones, each below 2**256."""
    source = random.Random(seed)
    yield from EDGES
    for i in range(count - len(EDGES)):
        if i % 2:
            yield sum(source.choice(EDGE_WORDS) << 32 * word for word in range(8))
        else:
            yield source.randrange(2**256)


def scalars(count, seed):
    """Scalars in [1, N): small, large, and special cases of the multiplications."""
    source = random.Random(seed)
    special = [1, 2, 3, N - 1, N - 2, N - 3, LAMBDA, N - LAMBDA, LAMBDA + 1, N // 2, N // 2 + 1]
    special += [sign * small % N for small in range(4, 34) for sign in (1, -1)]
    special += [2**bit for bit in range(2, 256)]
    special += [(N + 2**bit) % N or 1 for bit in range(240, 256)]
    for index in range(count):
        yield special[index] if index < len(special) else source.randrange(1, N)


def little(number):
    return number.to_bytes(32, "little")


def big(number):
    return number.to_bytes(32, "big")


def from_little(data):
    return int.from_bytes(data, "little")


def point_bytes(point):
    return big(point[0]) + big(point[1])


def point_words(point):
    return little(point[0]) + little(point[1])


def or_skip(make):
    """The result of make(). If a part was not fetched, the test skips with that part's message."""
    try:
        return make()
    except toolchain.PartMissing as missing:
        pytest.skip(str(missing))


class Core:
    """The arithmetic as compiled for the Cortex-M0+, called on the RP2040's emulated core."""

    def __init__(self, folder):
        target = TARGETS["armv6m"]
        objects = or_skip(lambda: native.compile_units(target, folder))
        self._node = or_skip(_node)
        prefix = target.compiler()
        self.program = folder / "arithmetic.elf"
        # No C library and no compiler's library: the module is linked without them.
        link = [f"{prefix}gcc", *target.flags[:2], "-nostdlib", "-Wl,-Ttext=0x20000000,-e,0"]
        subprocess.run([*link, *map(str, objects), "-o", self.program], check=True)
        image = folder / "arithmetic.bin"
        subprocess.run([f"{prefix}objcopy", "-O", "binary", self.program, image], check=True)
        listing = subprocess.run(
            [f"{prefix}nm", self.program], check=True, capture_output=True, text=True
        ).stdout
        self._symbols = {
            words[2]: int(words[0], 16) for words in map(str.split, listing.splitlines())
        }
        self._child = subprocess.Popen(
            [*self._node, str(image)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def call(self, name, *arguments, out=(), trace=False):
        """See call_on_m0.mjs; `out` of the result are bytes here."""
        passed = [a.hex() if isinstance(a, bytes) else a for a in arguments]
        request = {"at": self._symbols[name], "in": passed, "out": list(out)}
        request["trace"] = trace
        self._child.stdin.write(json.dumps(request) + "\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        assert answer, "the core stopped"
        result = json.loads(answer)
        result["out"] = [bytes.fromhex(text) for text in result["out"]]
        return result

    def close(self):
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.wait(10)


def _node():
    emulator = toolchain.rp2040js() / "node_modules/rp2040js"
    return [str(toolchain.node()), str(HERE / "call_on_m0.mjs"), str(emulator)]
