"""No conditional jump and no address depends on a secret: valgrind's memcheck checks every one.

The arithmetic as compiled for x64 runs in memcheck, with its secrets marked as undefined. Memcheck
follows each bit through registers and memory. It complains if a marked bit decides a jump or an
address (the method of Langley's ctgrind, 2010). It sees only the instructions that ran, from that
compiler. So it covers the C that all architectures share. test_generated_code.py covers the
assembly of Arm.
"""

import shutil
from pathlib import Path

import pytest

from countersign.proofs import curve
from support.native.on_processor import Hidden, Processor, build
from support.native.parts import LAMBDA, N, big, little, point_words

COMPLAINED = 99
HEADERS = Path("/usr/include")
SECRETS = [1, 2, N - 1, LAMBDA, 2**255, *(977**i % N for i in range(20, 24))]
Q = point_words(curve.multiply_generator(12345))


def hidden(number):
    return Hidden(big(number))


PROVERS = {
    "prover_generate": [(bytes(64), hidden(k)) for k in SECRETS],
    "prover_commit": [(bytes(32), hidden(k)) for k in [*SECRETS, 0, N + 1]],
    "prover_respond": [(bytes(32), hidden(k), hidden(k + 1), hidden(N - k)) for k in SECRETS],
    "prover_linear": [(bytes(64), hidden(k), Q) for k in SECRETS],
    "prover_add": [(bytes(64), Hidden(Q), Hidden(Q)), (bytes(64), Hidden(Q), Q)],
}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if shutil.which("valgrind") is None or not (HEADERS / "valgrind/memcheck.h").is_file():
        pytest.skip("valgrind is missing, a package of Debian's of that name: apt install valgrind")
    # This folder comes last, because it is only for valgrind's header.
    flags = ["-DUNDER_MEMCHECK", "-idirafter", str(HEADERS)]
    return build("x64", tmp_path_factory.mktemp("memcheck"), *flags)


@pytest.fixture
def memcheck(program, tmp_path):
    said = tmp_path / "said"
    under = ["valgrind", "--quiet", f"--error-exitcode={COMPLAINED}", f"--log-file={said}"]
    started = Processor("x64", program, under)
    started.said = said
    return started


@pytest.mark.parametrize("name", PROVERS)
def test_no_jump_and_no_address_by_a_secret(memcheck, name):
    for arguments in PROVERS[name]:
        memcheck.call(name, *arguments)
    memcheck.close()
    assert memcheck.said.read_text() == ""


def test_results_are_right_there_too(memcheck):
    returned, point = memcheck.call("prover_generate", bytes(64), hidden(12345))
    memcheck.close()
    assert (returned, point) == (1, b"".join(map(big, curve.multiply_generator(12345))))


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("verifier_combine", "Use of uninitialised value"),
        ("verifier_combine", "Conditional jump or move depends on uninitialised value"),
        ("verifier_lift_x", "Conditional jump or move depends on uninitialised value"),
    ],
)
def test_a_leak_is_seen(memcheck, name, complaint):
    """The controls: a verifier's values do decide its addresses and its jumps."""
    arguments = [hidden(1)]
    if name == "verifier_combine":
        arguments = [Hidden(little(2**200 + 77)), 0, little(5), Q]
    memcheck.call(name, bytes(64), *arguments)
    memcheck.close(COMPLAINED)
    assert complaint in memcheck.said.read_text()
