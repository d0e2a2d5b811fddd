"""Questions to an engine's own functions, with edge values, invalid values, and the answers.

Points are multiples of G whose factors are known here. So each answer is k·G for some known k, by
libsecp256k1.
"""

import itertools
from random import Random

from support.differential.oracles import N, P, multiple_of_generator
from support.native.parts import EDGES, LAMBDA, big
from support.native.proofs import NOT_SCALARS, STRANGE_TYPES, Question, any_scalar, is_x, word

VALUES = (0, 1, 2, 3, N - 1, N - 2, LAMBDA, N - LAMBDA, 2**255, 2**128)
FACTORS = (1, 2, 3, N - 1, LAMBDA, N - LAMBDA - 1, 2**255)


def encoded(k):
    """k·G as 64 bytes."""
    return b"".join(map(big, multiple_of_generator(k)))


def shown(k):
    return encoded(k % N).hex() if k % N else "None"


def asked(function, answer, *words):
    return Question(function, " ".join(["engine", f"s:{function}", *words]), answer)


def calls(random: Random, count: int):
    """Calls with valid arguments: all pairs of edges, then `count` of each function."""
    for k in (*VALUES[1:], *(any_scalar(random) for _ in range(count))):
        yield asked("generate", shown(k), word(big(k)))
    for value in (*EDGES, *(random.randrange(2**256) for _ in range(count))):
        answer = "None"
        if is_x(value):
            y = pow(value**3 + 7, (P + 1) // 4, P)
            answer = (big(value) + big(y if y % 2 == 0 else P - y)).hex()
        yield asked("lift_x", answer, word(big(value)))
    some = [(any_scalar(random), any_scalar(random), any_scalar(random)) for _ in range(count)]
    for k, e, d in (*itertools.product(VALUES[1:], EDGES[-8:], VALUES[1:4]), *some):
        yield asked("respond", big((k + e * d) % N).hex(), word(big(k)), word(big(e)), word(big(d)))
    for s, t, q in (*itertools.product(VALUES, VALUES, FACTORS), *some):
        # Wrong formulas typically fail if a sum vanishes or needs a doubling.
        s = random.choice((s, s, -t * q % N, t * q % N))
        point, kind = encoded(q), random.choice("bamup")
        yield asked("multiply_add", shown(s + t * q), word(big(s)), word(big(t)), word(point, kind))
        if t:
            yield asked("linear", shown(t * q), word(big(t)), word(point, kind.replace("p", "b")))
    for a, b in itertools.product(FACTORS, FACTORS):
        one, other = encoded(a), encoded(b)
        yield asked("add", shown(a + b), word(one), word(other))
        for s, t in ((1, 1), (b, -a % N), (b, a), (0, 5), (LAMBDA, N - 1), some[0][:2]):
            kinds = random.choice(("bb", "bp", "pb", "pp", "au"))
            words = word(big(s)), word(one, kinds[0]), word(big(t)), word(other, kinds[1])
            yield asked("combine", shown(s * a + t * b), *words)
    for k, e, d in some:
        yield from equations(random, k, e, d)


def equations(random, k, e, d):
    """Questions whether s·G - e·Q is a point with x = r and even y."""
    r, y = multiple_of_generator(k)
    s = (k + e * d) % N
    kind = random.choice("bamup")
    for holds, given_r, given_s, given_e in (
        (y % 2 == 0, r, s, e),
        (y % 2 == 1, r, (N - k + e * d) % N, e),
        (y % 2 == 0, r, s, e + N if e + N < 2**256 else e),
        (False, r, e * d % N, e),
        (False, 0, e * d % N, e),
        (False, r, s ^ 1, e),
        (False, r ^ 1, s, e),
        (False, random.choice((P, P + 1, 2**256 - 1)), s, e),
        (False, r, random.choice(NOT_SCALARS), e),
    ):
        words = word(encoded(d), kind), word(big(given_r)), word(big(given_s)), word(big(given_e))
        yield asked("verify_equation", str(holds), *words)


def refused_calls():
    """Calls with one argument wrong, for each argument of each function and each kind of fault."""
    g = encoded(1)
    secret = ["scalar", [big(value) for value in (0, *NOT_SCALARS)]]
    public = ["scalar", [big(value) for value in NOT_SCALARS]]
    free = ["scalar", []]
    off_curve = [bytes(64), g[:32] + big(0), big(P) + g[32:], g[:32] + big(P), b"\xff" * 64]
    off_curve += [g[:63] + bytes([g[63] ^ 1]), g[32:] + g[:32]]
    point = ["point", off_curve]
    functions = {
        "generate": [secret],
        "respond": [secret, free, secret],
        "linear": [secret, point],
        "lift_x": [free],
        "prepare": [point],
        "multiply_add": [public, public, point],
        "verify_equation": [point, free, free, free],
        "add": [point, point],
        "combine": [public, point, public, point],
    }
    for function, parameters in functions.items():
        good = [word(big(5) if kind == "scalar" else g) for kind, _ in parameters]
        for at, (kind, wrong) in enumerate(parameters):
            size = 32 if kind == "scalar" else 64
            sizes = [0, 1, size - 1, size + 1, size // 2, 2 * size, 4096]
            bad = [(word(value), "ValueError") for value in wrong]
            bad += [(word((g * 64)[:length]), "ValueError") for length in sizes if length != size]
            bad += [(strange, "TypeError") for strange in STRANGE_TYPES]
            for given, answer in bad:
                yield asked(function, answer, *good[:at], given, *good[at + 1 :])
        yield asked(function, "TypeError", *good[:-1])
        yield asked(function, "TypeError", *good, good[-1])


def mostly_wrong_calls():
    """All combinations of right and wrong arguments. They have no answers: engines must agree."""
    g = encoded(1)
    scalar = [word(big(5)), word(big(0)), word(big(N)), word(b"a"), "n:"]
    point = [word(g), word(bytes(64)), word(b"a"), "n:"]
    for function, parameters in {
        "respond": [scalar, scalar, scalar],
        "linear": [scalar, point],
        "multiply_add": [scalar, scalar, point],
        "verify_equation": [point, scalar, scalar, scalar],
        "add": [point, point],
        "combine": [scalar, point, scalar, point],
    }.items():
        for words in itertools.product(*parameters):
            yield asked(function, "", *words)
