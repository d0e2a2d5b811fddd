"""What runs on the Cortex-M0+, on the RP2040's emulated core: right, in constant time, wiped.

Wiped: what a call leaves on the stack below its frame is the same whatever the secrets were.

The core counts cycles as the hardware does from RAM; misses of the flash cache are not modelled.
"""

from parts import N, P, big, from_little, little, numbers, point_bytes, point_words, scalars

from countersign import curve

OPERATIONS = {
    "field_multiply": lambda a, b: a * b,
    "field_square": lambda a, b: a * a,
    "field_add": lambda a, b: a + b,
    "field_subtract": lambda a, b: a - b,
    "field_halve": lambda a, b: a * pow(2, -1, P),
}
# Deepest stack that a call may need, of the 3 kB that all of it may take.
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
            # The address of the first argument, passed again.
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
    d, k, e = 977**20 % N, 976**21 % N, 978**19 % N
    nonce_commitment = curve.multiply_generator(k)
    if nonce_commitment[1] % 2:
        k = N - k
    s = (k + e * d) % N
    made = core.call(
        "point_table_make", bytes(800), point_words(curve.multiply_generator(d)), out=[0]
    )
    table = made["out"][0]
    for wrong in (0, 1):
        arguments = (table, big(nonce_commitment[0]), big(s ^ wrong), big(e))
        result = core.call("verifier_equation", *arguments)
        assert result["result"] == 1 - wrong
        assert result["stack"] < STACK_BYTES
    print(f"table {made['cycles']}, equation {result['cycles']} cycles")


def _few_of_each(values):
    values = list(values)
    return values[::9]
