"""secp256k1: every shortcut of curve.py against the textbook formulas, and every edge case."""

import hashlib

from countersign.proofs import curve

N = curve.N
P = curve.P
G = curve.G


# The textbook (SEC 1 §2.2.1): affine, one slope at a time, infinity is None.


def inverse(value):
    # Every use checks the result by multiplication. Fermat's formula would take a board minutes.
    result = curve._inverse(value % P)
    assert result * value % P == 1
    return result


def add(one, other):
    if one is None:
        return other
    if other is None:
        return one
    if one[0] == other[0]:
        if (one[1] + other[1]) % P == 0:
            return None
        slope = 3 * one[0] * one[0] * inverse(2 * one[1]) % P
    else:
        slope = (other[1] - one[1]) * inverse(other[0] - one[0]) % P
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def multiply(k, point):
    total = None
    while k:
        if k & 1:
            total = add(total, point)
        point = add(point, point)
        k >>= 1
    return total


def negated(point):
    return point[0], P - point[1]


def numbers(label, count):
    """The same numbers in [1, N) on every runtime."""
    return [
        int.from_bytes(hashlib.sha256(label + bytes([i])).digest(), "big") % (N - 1) + 1
        for i in range(count)
    ]


def bytes_of(value):
    return value.to_bytes(32, "big")


def raises(call, *arguments):
    try:
        call(*arguments)
    except ValueError:
        return True
    return False


def test_constants():
    assert P == (1 << 256) - (1 << 32) - 977
    assert P % 4 == 3
    assert (G[1] * G[1] - G[0] * G[0] * G[0] - 7) % P == 0
    assert multiply(N, G) is None
    assert curve._BETA != 1 and pow(curve._BETA, 3, P) == 1


def test_inverse():
    for value in [1, 2, 3, P - 1, P - 2, (P + 1) // 2, 1 << 255] + numbers(b"inverse", 20):
        assert curve._inverse(value) * value % P == 1


def test_square_root():
    for value in [1, 2, 3, P - 1] + numbers(b"root", 5):
        assert curve._root_candidate(value) == pow(value, (P + 1) // 4, P)


def test_split_is_exact_and_short():
    # λ is the eigenvalue that belongs to β.
    lam = next_eigenvalue()
    edges = [0, 1, 2, N - 1, N - 2, N // 2, N // 2 + 1, lam, N - lam, lam + 1, 1 << 128, 1 << 127]
    edges += [(1 << 128) - 1, (1 << 255), curve._A1, -curve._B1, curve._A2]
    edges += [k * N // 7 for k in range(1, 7)]
    for k in edges + numbers(b"split", 60):
        k1, k2 = curve._split(k)
        assert (k1 + k2 * lam - k) % N == 0
        assert abs(k1) < 1 << 128 and abs(k2) < 1 << 128


def next_eigenvalue():
    # (A1, B1) is in the lattice: A1 + B1·λ = 0 mod N.
    lam = -curve._A1 * pow(curve._B1 % N, N - 2, N) % N
    assert lam != 1 and pow(lam, 3, N) == 1
    x, y = multiply(lam, G)
    assert (x, y) == (curve._BETA * G[0] % P, G[1])
    return lam


def test_wnaf():
    top = (1 << 128) - 1
    values = [0, 1, 2, 3, 15, 16, 17, 63, 64, 65, top, top - 1, 1 << 127, 0x5555 << 100]
    for width in (curve._WINDOW_Q, curve._WINDOW_G):
        for k in values + [number >> 129 for number in numbers(b"wnaf", 20)]:
            for signed in (k, -k):
                digits = curve._wnaf(signed, width)
                assert len(digits) == curve._POSITIONS
                assert sum([digit << i for i, digit in enumerate(digits)]) == signed
                places = [i for i, digit in enumerate(digits) if digit]
                for i in places:
                    assert digits[i] & 1 and abs(digits[i]) < 1 << (width - 1)
                for i, j in zip(places, places[1:]):
                    assert j - i >= width


def test_tables():
    for point in (G, negated(G), multiply(7, G)):
        table = curve._odd_multiples(point, curve._WINDOW_Q)
        for i in range(8):
            assert curve._unpacked(table[i]) == multiply(2 * i + 1, point)
    # Entry i of the comb is the last tooth, plus or minus each other tooth, as the bits of i say.
    for b, block in enumerate(curve._make_comb()):
        first = b * curve._TEETH
        for i in range(0, 1 << (curve._TEETH - 1), 5):
            k = 1 << (first + curve._TEETH - 1) * curve._SPACING
            for tooth in range(curve._TEETH - 1):
                power = 1 << (first + tooth) * curve._SPACING
                k += power if i >> tooth & 1 else -power
            assert curve._unpacked(block[i]) == multiply(k % N, G)


def test_jacobian_addition_is_complete():
    two = add(G, G)
    three = add(two, G)

    def affine(point):
        return curve._affine(*point) if point[2] else None

    # The same point with several Z is added to itself, its negative, another point and infinity.
    for z in (1, 2, P - 1, 1 << 200):
        z2 = z * z % P
        for point in (G, two, three):
            jacobian = (point[0] * z2 % P, point[1] * z2 * z % P, z)
            assert affine(jacobian) == point
            assert affine(curve._double(*jacobian)) == add(point, point)
            for other in (G, negated(G), two, negated(two), three, negated(three)):
                assert affine(curve._add(*(jacobian + other))) == add(point, other)
    for other in (G, negated(two)):
        assert affine(curve._add(1, 1, 0, other[0], other[1])) == other


def test_all_affine():
    points = []
    expected = []
    for i, z in enumerate([1, 5, P - 1] + numbers(b"z", 4)):
        x, y = multiply(i + 1, G)
        points.append((x * z * z % P, y * z * z * z % P, z))
        expected.append((x, y))
    assert curve._all_affine(points) == expected
    assert curve._all_affine([]) == []


def test_multiply_generator_at_the_edges():
    small = None
    for k in range(1, 40):
        small = add(small, G)
        assert curve.multiply_generator(k) == small, k
        assert curve.multiply_generator(N - k) == negated(small), k
    power = G
    for i in range(256):
        # This sets one digit of the comb after the other.
        if i % 11 == 0 or i > 250:
            assert curve.multiply_generator(1 << i) == power, i
        power = add(power, power)
    for k in (N // 2, N // 2 + 1, (1 << 255) - 1, 0x5555555555555555 << 128):
        assert curve.multiply_generator(k) == multiply(k, G)


def test_multiply_generator_anywhere():
    for k in numbers(b"generator", 6):
        assert curve.multiply_generator(k) == multiply(k, G)


def test_multiply_generator_is_a_homomorphism():
    # This check is cheap, so it takes many numbers: (a + b)·G = a·G + b·G.
    values = numbers(b"homomorphism", 30)
    for a, b in zip(values, values[1:]):
        total = add(curve.multiply_generator(a), curve.multiply_generator(b))
        assert curve.multiply_generator((a + b) % N) == total


def test_multiply_generator_out_of_range():
    for k in (0, -1, N, N + 1, 1 << 256):
        assert raises(curve.multiply_generator, k)


def test_multiply_add_at_the_edges():
    lam = next_eigenvalue()
    q = 12345
    for factor in (1, N - 1, 2, lam, N - lam, N - lam - 1, lam + 1, q):
        # These points coincide with entries of G's table and their negatives.
        point = curve.multiply_generator(factor)
        for s in (0, 1, 2, 3, 64, N - 1, factor, N - factor, lam):
            for t in (0, 1, 2, N - 1, lam):
                k = (s + t * factor) % N
                expected = curve.multiply_generator(k) if k else None
                assert curve.multiply_add(s, t, point) == expected, (factor, s, t)


def test_multiply_add_meets_infinity():
    for factor in numbers(b"infinity", 3):
        point = curve.multiply_generator(factor)
        for t in numbers(b"t", 3):
            s = -t * factor % N
            assert curve.multiply_add(s, t, point) is None
            assert curve.multiply_add((s + 1) % N, t, point) == G
            assert curve.multiply_add((s - 1) % N, t, point) == negated(G)


def test_multiply_add_anywhere():
    values = numbers(b"add", 12)
    for s, t, factor in zip(values, values[4:], values[8:]):
        point = curve.multiply_generator(factor)
        assert curve.multiply_add(s, t, point) == curve.multiply_generator((s + t * factor) % N)


def test_lengthened_tables_give_the_same():
    values = numbers(b"lengthened", 6)
    edges = [0, 1, N - 1, (1 << 65) - 1, 1 << 65, (1 << 65) + 1, 1 << 64]
    for factor in values[:2]:
        point = curve.multiply_generator(factor)
        tables = curve.make_tables(point)
        curve.lengthen(point, tables)
        curve.lengthen(point, tables)
        assert len(tables) == 2
        for i, entry in enumerate(tables[1]):
            multiple = factor * (2 * i + 1) << curve._HALF
            assert curve._unpacked(entry) == curve.multiply_generator(multiple % N)
        for s, t in zip(values[2:] + edges, edges + values[2:]):
            k = (s + t * factor) % N
            expected = curve.multiply_generator(k) if k else None
            assert curve.multiply_add(s, t, point, tables) == expected, (factor, s, t)
            # If only one of two points has long tables, the result is as if neither had.
            k = (t + s * factor) % N
            expected = curve.multiply_generator(k) if k else None
            assert curve.combine(s, tables, t, curve.make_tables(G)) == expected, (factor, s, t)


def test_multiply_add_out_of_range():
    for bad in (-1, N, N + 1, 1 << 256):
        assert raises(curve.multiply_add, bad, 1, G)
        assert raises(curve.multiply_add, 1, bad, G)


def test_scalar_and_field_element():
    for parse, limit in ((curve.scalar, N), (curve.field_element, P)):
        for value in (0, 1, limit - 1):
            assert parse(bytes_of(value)) == value
        for value in (limit, limit + 1, (1 << 256) - 1):
            assert parse(bytes_of(value)) is None
        for size in (0, 1, 31, 33, 64):
            assert parse(bytes(size)) is None


def test_lift_x():
    for k in [1, 2, 3, N - 1, 7] + numbers(b"lift", 5):
        x, y = curve.multiply_generator(k)
        assert curve.lift_x(bytes_of(x)) == (x, P - y if y & 1 else y)
    on = 0
    for x in range(60):
        square = (x * x * x + 7) % P
        residue = pow(square, (P - 1) // 2, P) == 1
        point = curve.lift_x(bytes_of(x))
        assert (point is not None) == residue, x
        if point is not None:
            on += 1
            assert point[0] == x and point[1] & 1 == 0
            assert (point[1] * point[1] - square) % P == 0
    assert 20 < on < 40
    # p + 1 is 1 in the field and belongs to a point, but it is no valid encoding.
    assert curve.lift_x(bytes_of(1)) is not None
    for value in (P, P + 1, (1 << 256) - 1):
        assert curve.lift_x(bytes_of(value)) is None
    encoded = bytes_of(G[0])
    for wrong in (b"", encoded[:31], encoded + b"\x00", b"\x00" + encoded, b"\x02" + encoded):
        assert curve.lift_x(wrong) is None


def test_lift_x_after_the_table_was_made():
    # The code remembers the last point, and must not return one with odd y as the lifted point.
    odd = negated(curve.lift_x(bytes_of(G[0])))
    curve.multiply_add(1, 1, odd)
    assert curve.lift_x(bytes_of(G[0]))[1] & 1 == 0
    curve.multiply_add(1, 1, negated(odd))
    assert curve.lift_x(bytes_of(G[0])) == negated(odd)
