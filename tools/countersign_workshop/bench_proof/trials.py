"""Exact cycles of one piece of work on the emulated RP2040, for many secrets and otherwise equal.

Before each trial the emulator restores all RAM and the processor's registers to their state before
the first trial (emulation/rp2040_machine/rewind.mjs). That covers the heap with its garbage, every
name that was looked up, and the stack. The script then writes the trial's secret key and public key
over those of one `schnorr.Prover`, in place, and runs the work with interrupts off. Two trials
therefore differ only in the key pair, and in what the work computes from it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from countersign.proofs import curve
from countersign_workshop.bench_proof.boards import Board, MeasurementFailed

_FILE = "trials"


@dataclass(frozen=True)
class Trials:
    """cycles and results of each trial, in the order of the secrets."""

    cycles: list[int]
    results: list[bytes]

    def spread(self) -> int:
        return max(self.cycles) - min(self.cycles)


def key_pair(secret: int) -> tuple[bytes, bytes]:
    """(the secret that a Prover keeps: the one with even y; its public key), 32 bytes each."""
    x, y = curve.multiply_generator(secret)
    even = curve.N - secret if y & 1 else secret
    return even.to_bytes(32, "big"), x.to_bytes(32, "big")


def files(secrets: Sequence[int]) -> dict[str, bytes]:
    """The files that must be on the board's file system."""
    return {_FILE: b"".join(b"".join(key_pair(secret)) for secret in secrets)}


def run(board: Board, work: str, setup: str = "", tail: int = 8) -> Trials:
    """Evaluate the expression `work`, which uses `prover`, for each key pair of `files`.

    setup: a script that runs once before. tail: how many of the last bytes of the result of `work`
    to return; a multiple of 4, the same in all runs on one board.
    """
    board.run(_LOAD.replace("TAIL", str(tail)))
    script = _SCRIPT.replace("WORK", work).replace("SETUP", setup).replace("TAIL", str(tail))
    lines = board.run(script).splitlines()
    cycles = ast.literal_eval(lines[-2])
    taken = bytes.fromhex(lines[-1])
    if len(taken) != tail * len(cycles):
        raise MeasurementFailed("not all trials came back")
    return Trials(cycles, [taken[at : at + tail] for at in range(0, len(taken), tail)])


# The buffers are allocated once, before anything else is on the heap, because a thousand trials
# take a third of it.
_LOAD = f"""\
import gc, os
if 'inputs' not in globals():
    inputs = bytearray(os.stat('{_FILE}')[6])
    size = 8 + TAIL
    kept = bytearray(4 + len(inputs) // 64 * size)
    with open('{_FILE}', 'rb') as file:
        if file.readinto(inputs) != len(inputs):
            raise RuntimeError('the trials are cut short')
if size != 8 + TAIL:
    raise RuntimeError('one board has room for one TAIL')
kept[:4] = bytes(4)
"""

# The kept area holds the number of the trial. Then it holds, for each trial, the counter before,
# the counter after, and the end of the result. Nothing is imported or allocated between two trials.
_SCRIPT = """\
import binascii, gc, machine, micropython, uctypes
from countersign.proofs import engines, schnorr
@micropython.asm_thumb
def copy_words(r0, r1, r2):
    label(NEXT)
    ldr(r3, [r1, 0])
    str(r3, [r0, 0])
    add(r0, 4)
    add(r1, 4)
    sub(r2, 1)
    bne(NEXT)
    mov(r0, 0)
@micropython.asm_thumb
def store(r0, r1):
    str(r1, [r0, 0])
    mov(r0, 0)
REWIND = 0x40074000
prover = schnorr.Prover(bytes(31) + b'\\x05')
SETUP
def work():
    return WORK
def trials():
    source, area = uctypes.addressof(inputs), uctypes.addressof(kept)
    secret, public = uctypes.addressof(prover._d), uctypes.addressof(prover.public_key)
    count = len(inputs) // 64
    # The first times also look up names.
    for _ in range(2):
        work()
    store(REWIND, area)
    store(REWIND + 4, len(kept))
    gc.collect()
    state = machine.disable_irq()
    try:
        store(REWIND + 8, 1)
        number = kept[0] | kept[1] << 8
        copy_words(secret, source + 64 * number, 8)
        copy_words(public, source + 64 * number + 32, 8)
        at = 4 + size * number
        slot = area + at
        copy_words(slot, 0x40070000, 1)
        result = work()
        copy_words(slot + 4, 0x40070000, 1)
        kept[at + 8 : at + size] = result[-TAIL:]
        number += 1
        kept[0], kept[1] = number & 255, number >> 8
        if number < count:
            store(REWIND + 12, 1)
    finally:
        machine.enable_irq(state)
    if number != count:
        raise RuntimeError('lost count')
trials()
word = lambda at: int.from_bytes(kept[at : at + 4], 'little')
print('[', end='')
for at in range(4, len(kept), size):
    print((word(at + 4) - word(at)) & 0xffffffff, end=',')
print(']')
for at in range(4, len(kept), size):
    print(str(binascii.hexlify(kept[at + 8 : at + size]), 'ascii'), end='')
print()
"""
