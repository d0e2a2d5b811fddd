"""The native engine's sizes and cycles, held to a committed table: firmware/native/figures.json.

    python -m countersign_workshop.bench_proof.table check|write

`check` fails if a figure grew by more than 2 % of what is committed; `write` makes the table anew.
Both measure what was built last. Cycles are those of one call from Python on the real RPI_PICO
image, in a cycle-counting emulator without XIP cache misses: exact, so 2 % is no noise.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Mapping

from countersign_workshop.bench_proof.boards import Rp2040Board
from countersign_workshop.checkout import ROOT
from countersign_workshop.images import native

TABLE = ROOT / "firmware/native/figures.json"
GROWTH = 0.02

Figures = dict[str, dict[str, int]]

# The public and secret values are the same every time. They matter to the variable-time calls only.
_SCRIPT = """\
import countersign_native as n
from countersign.proofs.curve import N
minus_two = (N - 2).to_bytes(32, 'big')
k, e, d = bytes(range(1, 33)), bytes(range(0xc0, 0xe0)), bytes(range(0x65, 0x85))
nonce_commitment, key = n.generate(k), n.generate(d)
if nonce_commitment[63] & 1:
    k = n.respond(k, minus_two, k)
r = nonce_commitment[:32]
nonce = bytearray(k)
s, prepared = n.respond(k, e, d), n.prepare(key)
if not n.verify_equation(prepared, r, s, e):
    raise RuntimeError('the engine is wrong')
calls = {
    'generate': lambda: n.generate(k),
    'commit': lambda: n.commit(nonce),
    'xor': lambda: n.xor(nonce, k),
    'add': lambda: n.add(key, key),
    'respond': lambda: n.respond(k, e, d),
    'linear': lambda: n.linear(k, key),
    'lift_x': lambda: n.lift_x(key[:32]),
    'prepare': lambda: n.prepare(key),
    'multiply_add': lambda: n.multiply_add(s, e, key),
    'multiply_add_prepared': lambda: n.multiply_add(s, e, prepared),
    'verify_equation': lambda: n.verify_equation(key, r, s, e),
    'verify_equation_prepared': lambda: n.verify_equation(prepared, r, s, e),
}
# The first calls also look up names.
print({name: [count(call) for _ in range(4)][-1] for name, call in calls.items()})
"""


def measured() -> Figures:
    """The present sizes of all modules, and the cycles of the RP2040's module."""
    sizes = {name: native.module(name).stat().st_size for name in sorted(native.TARGETS)}
    with Rp2040Board("native") as board:
        cycles: dict[str, int] = ast.literal_eval(board.run(_SCRIPT).splitlines()[-1])
    return {"mpy_bytes": sizes, "rp2040_cycles": dict(sorted(cycles.items()))}


def committed() -> Figures:
    table: Figures = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


def grown(now: Mapping[str, Mapping[str, int]], then: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The figures that exceed the table, or are missing on either side; a line for each."""
    found = []
    for kind in sorted(now.keys() | then.keys()):
        was, is_ = then.get(kind, {}), now.get(kind, {})
        for name in sorted(was.keys() ^ is_.keys()):
            found.append(
                f"{kind} {name}: only in {'the table' if name in was else 'what is built'}"
            )
        for name in sorted(was.keys() & is_.keys()):
            if is_[name] > was[name] * (1 + GROWTH):
                percent = 100 * (is_[name] / was[name] - 1)
                found.append(f"{kind} {name}: {was[name]} grew to {is_[name]}, by {percent:.1f} %")
    return found


def write(figures: Figures) -> None:
    TABLE.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Exit status 1 if a figure grew."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("action", choices=("check", "write"))
    action = parser.parse_args().action
    figures = measured()
    if action == "write":
        write(figures)
        print(json.dumps(figures, indent=2))
        return 0
    found = grown(figures, committed())
    for line in found:
        print(line)
    if found:
        print("if that is wanted: make native-figures, in the same commit")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
