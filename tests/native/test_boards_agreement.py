"""The native engine on emulated boards: answers as on the workstation (`make test-native`).

Each is the board's own image, or for Cortex-M3 and RV32 the processor's: proofs, their faults,
exchanges and ring proofs, first by the engine in the image, then by the module from a file system.
Expected answers are the oracles'.
COUNTERSIGN_BOARD_PROOFS is how many signatures are verified on each (200), half as many are made.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from countersign.proofs import engines
from countersign_workshop.emulation import qemu, rp2040
from countersign_workshop.images import firmware_build, native
from support.boards import emulated_pico
from support.native import answers, engine_calls, other_proofs, proofs
from support.native.parts import HERE, or_skip

pytestmark = [pytest.mark.board, pytest.mark.slow]

COUNT = int(os.environ.get("COUNTERSIGN_BOARD_PROOFS", "200"))
# What a board can hold of questions and answers beside what works on them.
BATCH = 8

# The module's architecture, and every which question the module gets.
BOARDS = {"RPI_PICO": ("armv6m", 2), "QEMU_MPS2": ("armv7m", 1), "QEMU_RV32": ("rv32imc", 1)}
# The image has a module of the real name built in, which an import would find first.
LOADED = "module_from_file"


@pytest.fixture(scope="module")
def results():
    """What became of each board: how many questions, or what was raised. They run side by side."""
    modules = {}
    for name, (architecture, _) in BOARDS.items():
        emulated_pico.built_or_skip(lambda board=name: firmware_build.build(board).file)
        modules[name] = or_skip(lambda machine=architecture: native.build(machine)).read_bytes()
    engines.use(None)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return {name: pool.submit(agree, name, module) for name, module in modules.items()}


@pytest.mark.parametrize("name", BOARDS)
def test_agreement(name, results):
    built_in, loaded = results[name].result()
    print(f"{name}: agreed on {built_in} questions, and as a module on {loaded}")


def agree(name, module):
    """How many answers of the image's engine and of the module's were the expected ones."""
    _, step = BOARDS[name]
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
    with started(name) as board:
        board.run((HERE / "answers.py").read_text(encoding="utf-8").split("\ndef main(")[0])
        assert board.run("print(engines.name())").strip() == "native"
        built_in = compare(board, random, asked, exchanges, rings)
        board.copy_in({f"{LOADED}.mpy": module})
        use = f"import {LOADED}\nprint(engines.use({LOADED}), engines.active is {LOADED})"
        assert board.run(use).strip() == "None True"
        return built_in, compare(board, random, asked[::step], exchanges[::step], rings[:1])


def started(name):
    if name in qemu.MACHINES:
        return qemu.Qemu(name)
    return rp2040.Rp2040(firmware_build.built(name).file)


def compare(board, random, asked, exchanges, rings):
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
