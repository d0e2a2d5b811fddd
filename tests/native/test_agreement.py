"""The native module as MicroPython loads it, the pure engine, libsecp256k1 and python-ecdsa agree.

COUNTERSIGN_PROOFS is the number of signatures that each engine makes, and that it verifies, on this
machine's MicroPython (1,000; `make test-native` takes 10,000). The code for Cortex-M under qemu-arm
takes a fifth as many. COUNTERSIGN_LONG=1 takes fresh randomness.
"""

import csv
import functools
import os
import subprocess
from collections import Counter
from random import Random

import pytest

from countersign_workshop.checkout import ROOT
from countersign_workshop.images import native
from countersign_workshop.parts import micropython
from support.native import engine_calls, other_proofs, proofs
from support.native.parts import HERE, or_skip
from support.protocol.vector_files import open_official

PROOFS = int(os.environ.get("COUNTERSIGN_PROOFS", "1000"))
SEED = os.urandom(8).hex() if os.environ.get("COUNTERSIGN_LONG") == "1" else "agreement"

# The engines that answer: the runtime, the module's architecture (None for the pure engine), and n,
# if the engine takes every nth question.
PLACES = {
    "native x64": ("x64", "x64", 1),
    "pure x64": ("x64", None, 1),
    "native armv6m": ("armhf", "armv6m", 5),
    "native armv7m": ("armhf", "armv7m", 5),
}
each_place = pytest.mark.parametrize("place", PLACES)


@pytest.fixture(scope="module")
def questions():
    print(f"seed {SEED}")
    random = Random(SEED)
    asked = [
        *engine_calls.refused_calls(),
        *proofs.refused_signings(),
        *proofs.malformed_verifications(random),
        *engine_calls.calls(random, max(20, PROOFS // 40)),
        *proofs.signings(random, PROOFS),
        *proofs.verifications(random, PROOFS),
    ]
    # The order is random, so that every fifth question may be of any kind.
    random.shuffle(asked)
    return asked


@each_place
def test_signatures_verdicts_and_calls(place, questions):
    step = PLACES[place][2]
    chosen = questions[::step]
    proofs.compare(chosen, ask(place, chosen))
    actions = Counter(question.text.split(" ", 1)[0] for question in chosen)
    print(f"{place}: agreed on", ", ".join(f"{n} {action}" for action, n in actions.items()))


def test_the_questions_are_of_every_kind(questions):
    kinds = Counter(question.kind for question in questions)
    assert min(kinds[kind] for kind in proofs.BREAKAGES) >= PROOFS // 50, kinds
    faults = Counter(q.answer for q in questions if q.text.startswith("check"))
    assert set(faults) == {"0", "1", "2", "4", "6", "8", "9", "TypeError"}, faults


@each_place
def test_official_vectors(place):
    file = open_official("bip340.csv")
    if file is None:
        pytest.skip("no bip340.csv: set COUNTERSIGN_VECTORS to the folder of the official vectors")
    with file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 19
    asked = list(proofs.official(rows))
    proofs.compare(asked, ask(place, asked))


def test_engines_name_the_same_wrong_argument():
    asked = list(engine_calls.mostly_wrong_calls())
    expected = ask("pure x64", asked)
    assert {"TypeError", "ValueError"} < set(expected)
    for place in ("native x64", "native armv6m", "native armv7m"):
        given = ask(place, asked)
        assert [
            (q.text, e, g) for q, e, g in zip(asked, expected, given, strict=True) if e != g
        ] == []


@each_place
def test_exchanges(place):
    asked = list(other_proofs.exchanges(Random(SEED), max(24, PROOFS // 20)))
    other_proofs.compare_exchanges(asked, ask(place, asked))


def test_ring_proofs():
    random = Random(SEED)
    asked = [other_proofs.ring_question(random, size) for size in (2, 2, 3, 5, 8, 16)]
    made = {place: ask(place, asked) for place in PLACES}
    for place, given in made.items():
        assert given == made["pure x64"], place
    checks = [
        check
        for question, proof in zip(asked, made["pure x64"], strict=True)
        for check in other_proofs.ring_checks(random, question, bytes.fromhex(proof))
    ]
    verdicts = {place: ask(place, checks) for place in PLACES}
    for place, given in verdicts.items():
        proofs.compare(checks, given)
        assert given == verdicts["pure x64"], place


def ask(place, chosen):
    """The answers of a MicroPython with the module, or without it."""
    runtime, architecture, _ = PLACES[place]
    folders = [HERE, ROOT / "firmware/lib"]
    if architecture is not None:
        folders.insert(0, built(architecture))
    command = or_skip(lambda: micropython.argv(runtime, heap_bytes=2_000_000))
    finished = subprocess.run(
        [*command, str(HERE / "answers.py"), "native" if architecture else "pure"],
        env=micropython.environment(folders),
        input="".join(question.text + "\n" for question in chosen),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr + finished.stdout[-1000:]
    return finished.stdout.splitlines()


@functools.cache
def built(architecture):
    """The folder of a module, built from the current sources."""
    return or_skip(lambda: native.build(architecture)).parent
