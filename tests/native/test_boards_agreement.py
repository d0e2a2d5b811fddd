"""The native engine on emulated boards: answers as on the workstation (`make test-native`).

Each is the board's own image, or for Cortex-M3 and RV32 the processor's, with the module on its
file system: proofs, their faults, exchanges and ring proofs. Expected answers are the oracles'.
COUNTERSIGN_BOARD_PROOFS is how many signatures are verified on each (200), half as many are made.
"""

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from random import Random

import answers
import emulated_pico
import engine_calls
import other_proofs
import proofs
import pytest
from parts import HERE, or_skip

from countersign import engines
from countersign_tools import firmware_build, native
from countersign_tools.bench_proof import boards

COUNT = int(os.environ.get("COUNTERSIGN_BOARD_PROOFS", "200"))
# What a board can hold of questions and answers beside what works on them.
BATCH = 8

BOARDS = {
    "RPI_PICO": ("armv6m", boards.Rp2040Board),
    "QEMU_MPS2": ("armv7m", functools.partial(boards.QemuBoard, "QEMU_MPS2", "armv7m")),
    "QEMU_RV32": ("rv32imc", functools.partial(boards.QemuBoard, "QEMU_RV32", "rv32imc")),
}


@pytest.fixture(scope="module")
def results():
    """What became of each board: how many questions, or what was raised. They run side by side."""
    for name, (architecture, _) in BOARDS.items():
        emulated_pico.built_or_skip(lambda board=name: firmware_build.build(board).file)
        or_skip(lambda machine=architecture: native.build(machine))
    engines.use(None)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return {name: pool.submit(agree, name, opener) for name, (_, opener) in BOARDS.items()}


@pytest.mark.parametrize("name", BOARDS)
def test_agreement(name, results):
    print(f"{name}: agreed on {results[name].result()} questions")


def agree(name, opener):
    random = Random(name)
    asked = [
        *proofs.malformed_verifications(random),
        *proofs.refused_signings(),
        *proofs.signings(random, COUNT // 2),
        *proofs.verifications(random, COUNT),
        *random.sample(list(engine_calls.refused_calls()), 60),
        *random.sample(list(engine_calls.calls(random, 20)), 60),
    ]
    exchanges = list(other_proofs.exchanges(random, 12))
    rings = [other_proofs.ring_question(random, size) for size in (2, 3)]
    with opener("native") as board:
        board.prepare((HERE / "answers.py").read_text(encoding="utf-8").split("\ndef main(")[0])
        assert board.run("print(engines.name())").strip() == "native"
        proofs.compare(asked, ask(board, asked))
        other_proofs.compare_exchanges(exchanges, ask(board, exchanges))
        made = ask(board, rings)
        # No oracle makes the prover's choice of nonces; the pure engine does, to the byte.
        assert made == [answers.answer(question.text) for question in rings]
        checks = [
            check
            for question, proof in zip(rings, made, strict=True)
            for check in other_proofs.ring_checks(random, question, bytes.fromhex(proof))
        ]
        proofs.compare(checks, ask(board, checks))
    return len(asked + exchanges + rings + checks)


def ask(board, questions):
    answered = []
    for at in range(0, len(questions), BATCH):
        batch = [question.text for question in questions[at : at + BATCH]]
        lines = board.run("".join(f"print(answer({text!r}))\n" for text in batch)).splitlines()
        assert len(lines) == len(batch), lines
        answered += lines
    return answered
