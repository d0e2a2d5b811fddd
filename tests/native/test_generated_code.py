"""No branch and no address depends on a secret. The tests look at the machine code, not at the C.

On the emulated Cortex-M0+ they follow every instruction's address and every address of data while a
prover runs. The sequence must be the same for all secrets. For the other architectures they read
the disassembly. It may hold only the known conditional branches, and no instruction whose time
depends on its operands, as far as the processors' manuals say.
"""

import re
import subprocess

import pytest

from countersign.proofs import curve
from countersign_workshop.images import native
from support.native.parts import LAMBDA, N, big, or_skip, point_words, scalars

SECRETS = [1, 2, 3, N - 1, N - 2, LAMBDA, N - LAMBDA, 2**255, *list(scalars(400, 30))[300:]]


def test_generate_goes_one_way(core):
    traces = set()
    for k in SECRETS[:30]:
        traces.add(core.call("prover_generate", bytes(64), big(k), trace=True)["trace"])
    assert len(traces) == 1


def test_commit_goes_one_way(core):
    traces = set()
    for digest in (*SECRETS[:30], N + 1, 2**256 - 1, 0, N):
        traces.add(core.call("prover_commit", bytes(32), big(digest), trace=True)["trace"])
    assert len(traces) == 1


def test_add_goes_one_way(core):
    """This includes equal points, opposite points, and infinity as their sum."""
    some = [curve.multiply_generator(k) for k in (1, 2, N - 1, N - 2, *SECRETS[8:14])]
    traces = set()
    for one in some:
        for other in some:
            points = point_words(one), point_words(other)
            traces.add(core.call("prover_add", bytes(64), *points, trace=True)["trace"])
    assert len(traces) == 1


def test_respond_goes_one_way(core):
    traces = set()
    for k, e, d in zip(SECRETS, SECRETS[5:], reversed(SECRETS), strict=False):
        call = core.call("prover_respond", bytes(32), big(k), big(e), big(d), trace=True)
        traces.add(call["trace"])
    assert len(traces) == 1


def test_linear_goes_one_way(core):
    point = point_words(curve.multiply_generator(977))
    traces = set()
    for k in SECRETS[:10]:
        traces.add(core.call("prover_linear", bytes(64), big(k), point, trace=True)["trace"])
    assert len(traces) == 1


def test_a_trace_sees_a_difference(core):
    """The control: a verifier's trace does depend on its values."""
    traces = {
        core.call("verifier_lift_x", bytes(64), big(x), trace=True)["trace"] for x in (1, 2, 5)
    }
    assert len(traces) > 1


# The conditional branches of each function: loops with a fixed number of turns, and in the provers
# choices by the position alone. A person reviews each new branch and then raises the number.
SECRET_UNITS = ("words", "field", "inverse", "scalar", "group", "prover", "field_thumb")
NOT_SECRET = re.compile(r"_variable|^point_table")
BRANCH = {
    "arm": re.compile(
        r"\tb(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)(\.[nw])?\t|\tcb(n?)z\t|\tit"
    ),
    "riscv": re.compile(r"\t(c\.)?b(eq|ne|lt|ge|ltu|geu|gt|le|gtu|leu|eqz|nez|lez|gez|ltz|gtz)\t"),
    "x64": re.compile(r"\tj(?!mp)[a-z]+ "),
    "xtensa": re.compile(r"\t(b(?!reak)\w+|loop\w+)(\.n)?\t"),
}
FAMILY = {"armv6m": "arm", "armv7m": "arm", "rv32imc": "riscv", "x64": "x64"}
FAMILY |= {"xtensawin": "xtensa"}
# On x64, RV32 and Xtensa the code uses the processor's products as they are (README.md). A division
# never appears.
FORBIDDEN = {
    "arm": re.compile(r"\t(umull|smull|umlal|smlal|umaal|udiv|sdiv)\t|__aeabi_|__\w+[sd]i3"),
    "riscv": re.compile(r"\t(div|divu|rem|remu)\t|__\w+[sd]i3"),
    "x64": re.compile(r"\ti?div[a-z]* "),
    "xtensa": re.compile(r"\t(quou|quos|remu|rems)\t|__\w+[sd]i3"),
}


# words_*, wipe, affine_scan: whether there is a first turn, or an odd word (x64 works by twos).
# field_invert, field_square_times, start: the number of the turn, in loops. generate, linear: the
# position and the block.
_LOOPS = {"field_square_times": 1, "wipe": 1, "words_add": 1, "words_are_zero": 1}
_LOOPS |= {"start": 1, "words_multiply": 3, "words_select": 1, "words_subtract": 1, "linear": 3}
# These depend on whether there is another word of a number, whose length is public.
_LOOPS |= {"scalar_from_signed": 1}
FORWARD_BRANCHES = {
    "armv6m": {**_LOOPS, "field_invert": 5, "generate": 4, "words_multiply": 2},
    "armv7m": {**_LOOPS, "field_invert": 3, "generate": 4, "words_multiply": 2},
    "rv32imc": {**_LOOPS, "affine_scan": 1, "field_invert": 3, "generate": 4},
    # words_multiply: whether there is a first word, a first row, or an odd word (by twos).
    "x64": {
        **_LOOPS,
        "affine_scan": 1,
        "field_invert": 4,
        "generate": 4,
        "words_are_zero": 3,
        "words_multiply": 7,
    },
    # field_halve: the number of the word.
    "xtensawin": {**_LOOPS, "field_halve": 2, "field_invert": 4, "generate": 4},
}


@pytest.mark.parametrize("architecture", sorted(FAMILY))
def test_branches_are_loops(architecture, tmp_path):
    family = FAMILY[architecture]
    loose = []
    for function, lines in _functions(architecture, tmp_path):
        assert not FORBIDDEN[family].search("\n".join(lines)), function
        if NOT_SECRET.search(function):
            continue
        for line in lines:
            if not BRANCH[family].search(line):
                continue
            address = int(line.split(":")[0], 16)
            target = re.search(r"\b([0-9a-f]+) <", line)
            # A branch backwards ends a loop. A branch forwards is a choice.
            if target is None or int(target[1], 16) > address:
                loose.append(function)
    counted = {name: loose.count(name) for name in sorted(set(loose))}
    assert counted == FORWARD_BRANCHES[architecture], counted


def _functions(architecture, folder):
    """Each function of the units that take secrets, with the lines of its disassembly."""
    target = native.TARGETS[architecture]
    objects = or_skip(lambda: native.compile_units(target, folder))
    for path in objects:
        if path.stem not in SECRET_UNITS:
            continue
        if target.windowed:
            yield from _compiled(path.with_suffix(".s"))
            continue
        listing = subprocess.run(
            [f"{target.compiler()}objdump", "-dr", "--no-show-raw-insn", path],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for match in re.finditer(r"^[0-9a-f]+ <(\w+)>:\n((?:.+\n)+)", listing, re.MULTILINE):
            yield match[1], [line for line in match[2].splitlines() if ":" in line]


def _compiled(path):
    """The same from the compiler's assembly, for a processor that no disassembler here supports.
    The number of a line replaces an address."""
    lines = path.read_text(encoding="ascii").splitlines()
    labels = {line[:-1]: number for number, line in enumerate(lines) if line.endswith(":")}
    function, found = "", []
    for number, line in enumerate(lines):
        kind = re.match(r"\t\.type\t(\w+), @function", line)
        if kind:
            if found:
                yield function, found
            function, found = kind[1], []
        elif line.startswith("\t") and not line.startswith("\t."):
            target = re.sub(r"\.L\d+$", lambda label: f"{labels[label[0]]:x} <", line)
            found.append(f"{number:x}:{target}")
    yield function, found
