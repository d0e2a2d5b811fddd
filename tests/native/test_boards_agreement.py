"""The native engine on emulated boards: it answers as on the workstation (`make test-native`).

Each board runs its own image, or for Cortex-M3 and RV32 the processor's. The tests ask for proofs,
their faults, exchanges and ring proofs: first the engine in the image, then the module from a file
system. The oracles give the expected answers. COUNTERSIGN_BOARD_PROOFS is how many signatures each
board verifies (200); it makes half as many.
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
# How many questions and answers fit on a board beside the code that works on them.
BATCH = 8

# The module's architecture, and n, if the module gets every nth question.
BOARDS = {"RPI_PICO": ("armv6m", 2), "QEMU_MPS2": ("armv7m", 1), "QEMU_RV32": ("rv32imc", 1)}
# The module has another name here, because an import finds the built-in module first.
LOADED = "module_from_file"


@pytest.fixture(scope="module")
def results():
    """Each board's result: the number of its questions, or its exception. They run in parallel."""
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
    """The number of right answers of the image's engine and of the module."""
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
    # No oracle makes the prover's nonces, but the pure engine makes the same ones to the byte.
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
