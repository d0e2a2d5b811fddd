"""The code for the Cortex-M0+, on the RP2040's emulated core: results, constant time, wiping.

Wiping means that a call leaves the same words on the stack below its frame, whatever the secrets.

The core counts cycles as the hardware does from RAM. It does not model misses of the flash cache.
"""

from countersign.proofs import curve
from support.native.parts import (
    LAMBDA,
    N,
    P,
    big,
    from_little,
    little,
    numbers,
    point_bytes,
    point_words,
    scalars,
)

OPERATIONS = {
    "field_multiply": lambda a, b: a * b,
    "field_square": lambda a, b: a * a,
    "field_add": lambda a, b: a + b,
    "field_subtract": lambda a, b: a - b,
    "field_halve": lambda a, b: a * pow(2, -1, P),
}
# The deepest stack that a call may need, out of 3 kB in all.
STACK_BYTES = 3000


def test_field_assembly(core):
    spread = {}
    for a, b in zip(numbers(400, 20), reversed(list(numbers(400, 21))), strict=True):
        for name, expected in OPERATIONS.items():
            result = core.call(name, bytes(32), little(a), little(b), out=[0])
            value = from_little(result["out"][0])
            assert value % P == expected(a, b) % P, (name, hex(a), hex(b))
            spread.setdefault(name, set()).add(result["cycles"])
    print({name: sorted(cycles) for name, cycles in spread.items()})
    assert all(len(cycles) == 1 for cycles in spread.values())


def test_results_may_overlap_operands(core):
    for a in numbers(60, 22):
        for name, expected in OPERATIONS.items():
            # This passes the first argument's address again.
            result = core.call(name, little(a), 0x20020000, 0x20020000, out=[0])
            assert from_little(result["out"][0]) % P == expected(a, a) % P, (name, hex(a))


def test_inverse(core):
    cycles = set()
    for a in numbers(60, 23):
        result = core.call("field_invert", bytes(32), little(a), out=[0])
        assert from_little(result["out"][0]) == pow(a, P - 2, P)
        cycles.add(result["cycles"])
    assert len(cycles) == 1


def test_generate_takes_one_time_for_all_scalars(core):
    cycles, remains = set(), set()
    for k in _few_of_each(scalars(350, 24)):
        result = core.call("prover_generate", bytes(64), big(k), out=[0])
        assert result["out"][0] == point_bytes(curve.multiply_generator(k)), k
        assert result["stack"] < STACK_BYTES
        cycles.add(result["cycles"])
        remains.add(tuple(result["remains"]))
    for k in (0, N, 2**256 - 1):
        result = core.call("prover_generate", bytes(64), big(k), out=[0])
        assert (result["result"], result["out"][0]) == (0, bytes(64))
        cycles.add(result["cycles"])
        remains.add(tuple(result["remains"]))
    print(f"prover_generate: {sorted(cycles)} cycles, {result['stack']} bytes of stack")
    assert (len(cycles), len(remains)) == (1, 1)


def test_commit_takes_one_time_for_all_digests(core):
    cycles, remains = set(), set()
    for digest in (*_few_of_each(scalars(350, 27)), 0, N, N + 1, 2**256 - 1):
        result = core.call("prover_commit", bytes(32), big(digest), out=[0, 1])
        if digest % N:
            x, y = curve.multiply_generator(digest % N)
            assert result["out"] == [big(x), big(-digest % N if y % 2 else digest % N)]
        assert result["stack"] < STACK_BYTES
        cycles.add(result["cycles"])
        remains.add(tuple(result["remains"]))
    print(f"prover_commit: {sorted(cycles)} cycles, {result['stack']} bytes of stack")
    assert (len(cycles), len(remains)) == (1, 1)


def test_add_takes_one_time_for_all_points(core):
    cycles, remains = set(), set()
    for a, b in [(1, 1), (1, 2), (5, N - 5), (N - 1, 1), (2**200, 3), (977**20 % N, 2**255)]:
        points = [point_words(curve.multiply_generator(k)) for k in (a, b)]
        result = core.call("prover_add", bytes(64), *points, out=[0])
        expected = point_bytes(curve.multiply_generator((a + b) % N)) if (a + b) % N else bytes(64)
        assert (result["result"], result["out"][0]) == (int((a + b) % N != 0), expected)
        assert result["stack"] < STACK_BYTES
        cycles.add(result["cycles"])
        remains.add(tuple(result["remains"]))
    print(f"prover_add: {sorted(cycles)} cycles, {result['stack']} bytes of stack")
    assert (len(cycles), len(remains)) == (1, 1)


def test_linear_takes_one_time_for_all_scalars(core):
    q = 0x1234567 << 200
    point = point_words(curve.multiply_generator(q))
    cycles, remains = set(), set()
    for k in [1, 2, N - 1, N - 2, N - 30, 2**255, 12345**17 % N]:
        result = core.call("prover_linear", bytes(64), big(k), point, out=[0])
        assert result["out"][0] == point_bytes(curve.multiply_generator(k * q % N)), k
        assert result["stack"] < STACK_BYTES
        cycles.add(result["cycles"])
        remains.add(tuple(result["remains"]))
    print(f"prover_linear: {sorted(cycles)} cycles, {result['stack']} bytes of stack")
    assert (len(cycles), len(remains)) == (1, 1)


def test_respond_takes_one_time_for_all_scalars(core):
    cycles, remains = set(), set()
    values = list(scalars(60, 25))
    for k, e, d in zip(values, numbers(60, 26), reversed(values), strict=True):
        result = core.call("prover_respond", bytes(32), big(k), big(e), big(d), out=[0])
        assert result["out"][0] == big((k + e * d) % N)
        cycles.add(result["cycles"])
        remains.add(tuple(result["remains"]))
    print(f"prover_respond: {sorted(cycles)} cycles, {result['stack']} bytes of stack")
    assert (len(cycles), len(remains)) == (1, 1)


def test_equation(core):
    cycles = []
    source = list(scalars(310, 27))[290:]
    for d, e in zip(source, reversed(source), strict=True):
        k = d * e * 977 % N
        _, y = curve.multiply_generator(k)
        if y % 2:
            k = N - k
        _check_equation(core, k, d, e, cycles)
    print(f"verifier_equation: {sum(cycles) // len(cycles)} cycles on average")


def test_equation_at_its_longest_and_strangest(core):
    d, cycles = 977**20 % N, []
    even = next(k for k in range(1, 9) if curve.multiply_generator(k * d % N)[1] % 2 == 0)
    k = next(k for k in range(1, 9) if curve.multiply_generator(k)[1] % 2 == 0)
    for e in (0, 1, N - 1, N, 2**256 - 1, 2**80, 2**127, LAMBDA, N // 2, 3 * pow(7, -1, N)):
        _check_equation(core, k, d, e % 2**256, cycles)
        _check_equation(core, even * d % N, d, e % 2**256, cycles)
    for power in range(3):
        unit = LAMBDA**power % N
        unit = unit if curve.multiply_generator(unit * d % N)[1] % 2 == 0 else N - unit
        _check_equation(core, unit * d % N, d, 5**100 % N, cycles)
    print(f"verifier_equation: {max(cycles)} cycles for e of full length or R = unit·P")


def _check_equation(core, k, d, e, cycles):
    key = point_words(curve.multiply_generator(d))
    r, s = big(curve.multiply_generator(k)[0]), (k + e * d) % N
    result = core.call("verifier_equation", key, r, big(s), big(e))
    assert result["result"] == 1, (k, d, e)
    assert result["stack"] < STACK_BYTES
    cycles.append(result["cycles"])
    for wrong in ((r, big((s + 1) % N), big(e)), (r, big(s), big(e ^ 4)), (big(5), big(s), big(e))):
        result = core.call("verifier_equation", key, *wrong)
        assert result["result"] == 0, (k, d, e)
        assert result["stack"] < STACK_BYTES


def test_words_multiply(core):
    """On Arm words_multiply has assembly of its own."""
    for a, b in zip(numbers(150, 28), reversed(list(numbers(150, 29))), strict=True):
        for a_count, b_count in ((8, 8), (8, 4), (1, 5), (6, 5)):
            a, b = a % 2 ** (32 * a_count), b % 2 ** (32 * b_count)
            result = core.call(
                "words_multiply", bytes(64), little(a), a_count, little(b), b_count, out=[0]
            )
            assert from_little(result["out"][0]) == a * b


def test_half_size(core):
    for e in scalars(600, 31):
        result = core.call("eisenstein_half_size", bytes(80), little(e), out=[0])
        data = result["out"][0]
        parts = [int.from_bytes(data[i : i + 20], "little", signed=True) for i in (0, 20, 40, 60)]
        u, v = parts[0] + parts[1] * LAMBDA, parts[2] + parts[3] * LAMBDA
        assert (u - v * e) % N == 0
        assert v % N


def _few_of_each(values):
    values = list(values)
    return values[::9]
