"""secp256k1 in plain integers: the group behind the pure engine (SEC 1 v2, SEC 2 v2 §2.4.1).

NOT CONSTANT-TIME. Python integers take longer when they are longer, and allocation depends on
values. An attacker who can time this closely may learn about a secret scalar. This is the portable
fallback; only a native engine may be called constant-time.

The proofs use this through pure_engine.py, which takes and returns bytes as a native module does.
Field, group and tables share one file, past the usual length, because a board loads them as one
and none is of use without the rest.

The code is written for MicroPython, where every integer operation allocates and a reduction with
`%` costs more than two multiplications (on a Cortex-M0+, about 19,000 cycles). So:
- products are folded first, since p = 2**256 - C. One multiplication by a small constant leaves a
  congruent number that is slightly too long, and `%` finishes it where needed. X and Y that leave a
  function are reduced. Z, which a doubling uses once, may stay some hundred bits too long.
- k·G uses a signed comb of 64 points; s·G + t·Q splits both scalars in two halves with the
  curve's endomorphism (GLV) and adds all four in one pass (Straus, wNAF).
- tables hold packed points, because two integers in a tuple take more heap. The tables of G (5 kB
  and 3 kB, another 3 kB for keys that recur) are made at first use, which takes about as long as
  five signatures, and then kept.
Decision 0021 has the measurements and the alternatives that were tried.

Points are tuples (x, y) of integers in [0, P), or None where a function says so; the point at
infinity has no tuple. Inside, Jacobian (X, Y, Z) stands for (X / Z², Y / Z³), Z = 0 for infinity.
"""

# SEC 2 v2 §2.4.1: y² = x³ + B over the integers mod P, and G of prime order N. The code below
# relies only on P = 2**256 - C and N odd. So tests can run it, unchanged, over groups that are
# small enough to try every case.
P = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)

B = 7

_C = 0x1000003D1  # 2**256 - P
_MASK = (1 << 256) - 1
_LONG = 1 << 400  # a Z beyond this makes the next product slower than a reduction of Z

# The endomorphism (x, y) → (β·x, y) is multiplication by λ, with λ³ = 1 mod N and β³ = 1 mod P
# (Gallant, Lambert, Vanstone, CRYPTO 2001). (A1, B1) and (A2, A1) are short vectors of the
# lattice {(a, b): a + b·λ = 0 mod N}.
_BETA = 0x7AE96A2B657C07106E64479EAC3434E99CF0497512F58995C1396C28719501EE
_A1 = 0x3086D221A7D46BCDE86C90E49284EB15
_B1 = -0xE4437ED6010E88286F547FA90ABFE4C3
_A2 = 0x114CA50F7A8E2F3F657C1108D9D44CFD8
# Both halves are below 2**128 in magnitude, and a wNAF may carry one place further.
_POSITIONS = 130
_HALF = _POSITIONS // 2

_WINDOW_G = 7  # wNAF width for G: 32 odd multiples, kept
_WINDOW_Q = 5  # wNAF width for the other point: 8 odd multiples, made for each point

# Signed comb for k·G: 2 blocks × 6 teeth × 22 positions = 264 digits, each +1 or -1.
_BLOCKS = 2
_TEETH = 6
_SPACING = 22
_DIGITS = _BLOCKS * _TEETH * _SPACING

_comb = None
_tables_g = None


# Interface -----------------------------------------------------------------------------------


def scalar(data: bytes) -> object:
    """The integer of 32 big-endian bytes if it is below N, else None."""
    if len(data) != 32:
        return None
    value = int.from_bytes(data, "big")
    return value if value < N else None


def field_element(data: bytes) -> object:
    """The integer of 32 big-endian bytes if it is below P, else None."""
    if len(data) != 32:
        return None
    value = int.from_bytes(data, "big")
    return value if value < P else None


def lift_x(data: bytes) -> object:
    """The point with this x-coordinate (32 bytes) and even y, or None if there is none.

    BIP-340 lift_x. With cofactor 1 every point of the curve is in the group, so a result needs
    no further check.
    """
    x = field_element(data)
    if x is None:
        return None
    square = (x * x * x + B) % P
    y = _root_candidate(square)
    if y * y % P != square:
        return None
    return (x, P - y if y & 1 else y)


def multiply_generator(k: int) -> tuple:
    """k·G for k in [1, N); ValueError otherwise."""
    if not 0 < k < N:
        raise ValueError("scalar out of range")
    global _comb
    if _comb is None:
        _comb = _make_comb()

    # Only odd numbers have all digits ±1. N is odd, so exactly one of k and N - k is odd. So every
    # k takes the same additions and doublings.
    negate = not k & 1
    if negate:
        k = N - k
    # Digit i is +1 if bit i of (k + 2**DIGITS - 1) / 2 is set, else -1.
    bits = ((k + (1 << _DIGITS) - 1) >> 1).to_bytes(_DIGITS // 8, "little")
    half = 1 << (_TEETH - 1)
    X, Y, Z = 1, 1, 0
    for position in range(_SPACING - 1, -1, -1):
        if Z:
            X, Y, Z = _double(X, Y, Z)
        i = position
        for block in _comb:
            index = 0
            for tooth in range(_TEETH):
                index |= (bits[i >> 3] >> (i & 7) & 1) << tooth
                i += _SPACING
            # The table has the sums with the last tooth positive. The others are their negatives.
            if index >= half:
                x, y = _unpacked(block[index - half])
            else:
                x, y = _unpacked(block[half - 1 - index])
                y = P - y
            X, Y, Z = _add(X, Y, Z, x, y)
    x, y = _affine(X, Y, Z)
    return (x, P - y) if negate else (x, y)


def is_on_curve(x: int, y: int) -> bool:
    """True if (x, y), both in [0, P), is a point of the curve."""
    return (y * y - x * x * x - B) % P == 0


def add(one: tuple, other: tuple) -> object:
    """one + other; None if that is the point at infinity."""
    X, Y, Z = _add(one[0], one[1], 1, other[0], other[1])
    return _affine(X, Y, Z) if Z else None


def multiply_add(s: int, t: int, point: tuple, tables: object = None) -> object:
    """s·G + t·point for s and t in [0, N); None if that is the point at infinity.

    `point` must be on the curve. `tables`: what make_tables returned for it, if the caller kept it.
    """
    global _tables_g
    if _tables_g is None:
        _tables_g = [_odd_multiples(G, _WINDOW_G)]
    if not tables:
        tables = make_tables(point)
    if len(tables) > len(_tables_g):
        _tables_g.append(_odd_multiples(_far_multiple(G), _WINDOW_G))
    return _sum_of_multiples((s, _tables_g, _WINDOW_G), (t, tables, _WINDOW_Q))


def combine(s: int, tables_1: list, t: int, tables_2: list) -> object:
    """s·Q1 + t·Q2 for s and t in [0, N), from the tables of Q1 and Q2; None for infinity."""
    return _sum_of_multiples((s, tables_1, _WINDOW_Q), (t, tables_2, _WINDOW_Q))


def make_tables(point: tuple) -> list:
    """The tables of `point` for multiply_add and combine: its odd multiples (0.7 kB)."""
    return [_odd_multiples(point, _WINDOW_Q)]


def lengthen(point: tuple, tables: list) -> None:
    """Add the odd multiples of 2**65·point (0.7 kB) once. This takes a third of a multiplication's
    time and saves each later one half of its doublings. G gets such a table too (2.7 kB)."""
    if len(tables) == 1:
        tables.append(_odd_multiples(_far_multiple(point), _WINDOW_Q))


def _sum_of_multiples(*products):
    """Sum of k·Q over (k, tables of Q, window): all digits of all k in one pass (Straus)."""
    halved = min([len(tables) for _, tables, _ in products]) == 2
    terms = []
    for k, tables, width in products:
        if not 0 <= k < N:
            raise ValueError("scalar out of range")
        for part, beta in zip(_split(k), (0, _BETA)):
            digits = _wnaf(part, width)
            if halved:
                terms.append((digits[_HALF:], tables[1], beta))
            terms.append((digits, tables[0], beta))
    X, Y, Z = 1, 1, 0
    for position in range((_HALF if halved else _POSITIONS) - 1, -1, -1):
        if Z:
            X, Y, Z = _double(X, Y, Z)
        for digits, table, beta in terms:
            digit = digits[position]
            if digit:
                x, y = _unpacked(table[abs(digit) >> 1])
                if beta:
                    x = _product(x, beta)
                X, Y, Z = _add(X, Y, Z, x, y if digit > 0 else P - y)
    return _affine(X, Y, Z) if Z else None


# Scalars -------------------------------------------------------------------------------------


def _split(k):
    """(k1, k2) with k1 + k2·λ = k mod N, both below 2**128 in magnitude, either may be negative."""
    c1 = (_A1 * k + N // 2) // N
    c2 = (-_B1 * k + N // 2) // N
    return k - c1 * _A1 - c2 * _A2, -c1 * _B1 - c2 * _A1


def _wnaf(k, width):
    """Digits of k, of either sign, lowest first: each 0 or odd and below 2**(width - 1) in
    magnitude, and of any `width` in a row at most one is not 0 (Solinas 2000)."""
    digits = [0] * _POSITIONS
    # This works on bytes, because a shift of all of k for every bit would take three times as long.
    bits = abs(k).to_bytes((_POSITIONS >> 3) + 3, "little")
    mask = (1 << width) - 1
    carry = 0
    position = 0
    while position < _POSITIONS:
        i = position >> 3
        ahead = (bits[i] | bits[i + 1] << 8) >> (position & 7)
        if ahead & 1 == carry:
            position += 1
            continue
        digit = (ahead & mask) + carry
        carry = digit >> (width - 1)
        digit -= carry << width
        digits[position] = digit if k > 0 else -digit
        position += width
    return digits


# Tables --------------------------------------------------------------------------------------


def _packed(x, y):
    # One integer a point takes less heap than two in a tuple, and splits faster than bytes do.
    return x << 256 | y


def _unpacked(entry):
    return entry >> 256, entry & _MASK


def _odd_multiples(point, width):
    """[1·Q, 3·Q, 5·Q, …] for wNAFs of this width, with one inversion."""
    # Both summands always have the same Z, so an addition does not need it (Meloni, WAIFI 2007).
    # (X, Y) is 2·Q, and (x, y) is the last multiple computed.
    x, y = point
    X, Y, Z = _double(x, y, 1)
    z2 = _product(Z, Z)
    x = _product(x, z2)
    y = _product(y, _product(z2, Z))
    row = [(x, y, 1)]
    for _ in range((1 << width - 2) - 1):
        H = X - x
        R = Y - y
        HH = _product(H, H)
        X = _product(X, HH) % P
        x = _product(x, HH)
        Y = _product(Y, X - x) % P
        x = (_product(R, R) - X - x) % P
        y = (_product(R, X - x) - Y) % P
        row.append((x, y, H))
        Z = _product(Z, H) % P
    # This goes from the last back to the first: each addition multiplied Z by its H.
    z = _inverse(Z)
    for i in range(len(row) - 1, -1, -1):
        x, y, H = row[i]
        z2 = _product(z, z)
        row[i] = _packed(_product(x, z2) % P, _product(y, _product(z2, z)) % P)
        z = _product(z, H) % P
    return row


def _far_multiple(point):
    """2**_HALF·Q."""
    X, Y, Z = point[0], point[1], 1
    for _ in range(_HALF):
        X, Y, Z = _double(X, Y, Z)
    return _affine(X, Y, Z)


def _make_comb():
    """For each block the 32 sums T5 ± T4 ± … ± T0, where Ti = 2**(SPACING·i)·G and bit i of
    the index tells whether Ti is added or subtracted."""
    X, Y, Z = G[0], G[1], 1
    powers = []  # Ti and 2·Ti alternating, over all blocks
    for i in range(_DIGITS - _SPACING + 2):
        if i % _SPACING < 2:
            powers.append((X, Y, Z))
        X, Y, Z = _double(X, Y, Z)
    powers = _all_affine(powers)

    blocks = []
    for _ in range(_BLOCKS):
        x, y = powers[2 * _TEETH - 2]
        X, Y, Z = x, y, 1
        for tooth in range(_TEETH - 1):
            x, y = powers[2 * tooth]
            X, Y, Z = _add(X, Y, Z, x, P - y)
        row = [(X, Y, Z)]
        for tooth in range(_TEETH - 1):
            # The same sums with the other sign for this tooth are larger by 2·Ti.
            x, y = powers[2 * tooth + 1]
            for index in range(len(row)):
                X, Y, Z = row[index]
                row.append(_add(X, Y, Z, x, y))
        blocks.append([_packed(x, y) for x, y in _all_affine(row)])
        powers = powers[2 * _TEETH :]
    return blocks


# Points --------------------------------------------------------------------------------------


def _double(X, Y, Z):
    """2·(X, Y, Z) for Z ≠ 0. No point has order 2, so the result is never infinity."""
    M = _MASK
    C = _C
    B = Y * Y
    B = (B >> 256) * C + (B & M)
    S = X * B
    S = ((S >> 256) * C + (S & M)) << 2
    A = X * X
    A = ((A >> 256) * C + (A & M)) * 3 % P
    X = A * A - (S << 1)
    X = ((X >> 256) * C + (X & M)) % P
    Z = (Y << 1) * Z
    Z = (Z >> 256) * C + (Z & M)
    Y = A * (S - X) - (B << 3) * B
    return X, ((Y >> 256) * C + (Y & M)) % P, Z % P if Z > _LONG else Z


def _add(X, Y, Z, x, y):
    """(X, Y, Z) + (x, y), the second affine. It is complete: equal and opposite points work too."""
    if not Z:
        return x % P, y, 1
    M = _MASK
    C = _C
    Z %= P
    ZZ = Z * Z
    ZZ = (ZZ >> 256) * C + (ZZ & M)
    H = x * ZZ - X
    H = ((H >> 256) * C + (H & M)) % P
    ZZ = ZZ * Z
    ZZ = (ZZ >> 256) * C + (ZZ & M)
    R = y * ZZ - Y
    R = ((R >> 256) * C + (R & M)) % P
    if not H:
        return (1, 1, 0) if R else _double(X, Y, Z)
    HH = H * H
    HH = (HH >> 256) * C + (HH & M)
    V = X * HH
    V = (V >> 256) * C + (V & M)
    HH = HH * H
    HH = (HH >> 256) * C + (HH & M)
    X = R * R - HH - (V << 1)
    X = ((X >> 256) * C + (X & M)) % P
    Y = R * (V - X) - Y * HH
    Z = Z * H
    return X, ((Y >> 256) * C + (Y & M)) % P, (Z >> 256) * C + (Z & M)


def _affine(X, Y, Z):
    """(x, y) of a Jacobian point, Z ≠ 0."""
    z = _inverse(Z % P)
    z2 = z * z % P
    return X * z2 % P, Y * z2 % P * z % P


def _all_affine(points):
    """_affine for a list of points, none at infinity, with one inversion in all (Montgomery)."""
    products = []
    product = 1
    for _, _, Z in points:
        products.append(product)
        product = product * Z % P
    inverse = _inverse(product)
    affine = [None] * len(points)
    for i in range(len(points) - 1, -1, -1):
        X, Y, Z = points[i]
        z = inverse * products[i] % P
        inverse = inverse * Z % P
        z2 = z * z % P
        affine[i] = (X * z2 % P, Y * z2 % P * z % P)
    return affine


# Field ---------------------------------------------------------------------------------------


def _product(a, b):
    """a·b, folded once. _double and _add repeat this inline, because a call takes longer."""
    a *= b
    return (a >> 256) * _C + (a & _MASK)


def _inverse(value):
    """1 / value mod P for value in [1, P), by the extended Euclidean algorithm.

    `pow(value, -1, P)` is silently 0 on MicroPython, and `pow(value, P - 2, P)` ten times slower.
    """
    u, v = value, P
    x, y = 1, 0
    while u != 1:
        q, r = divmod(v, u)
        v, u = u, r
        y, x = x, y - q * x
    return x % P


def _root_candidate(square):
    """square**((P+1)/4) mod P: a square root if there is one (P = 3 mod 4).

    The exponent in binary is 223 ones, a zero, 22 ones, 0000 11 00. An addition chain over the
    runs of ones needs 13 multiplications where `pow` would need 246.
    """
    x2 = _squared(square, 1) * square % P
    x3 = _squared(x2, 1) * square % P
    x6 = _squared(x3, 3) * x3 % P
    x9 = _squared(x6, 3) * x3 % P
    x11 = _squared(x9, 2) * x2 % P
    x22 = _squared(x11, 11) * x11 % P
    x44 = _squared(x22, 22) * x22 % P
    x88 = _squared(x44, 44) * x44 % P
    x176 = _squared(x88, 88) * x88 % P
    x220 = _squared(x176, 44) * x44 % P
    x223 = _squared(x220, 3) * x3 % P
    root = _squared(x223, 23) * x22 % P
    root = _squared(root, 6) * x2 % P
    return _squared(root, 2)


def _squared(value, times):
    """value**(2**times) mod P."""
    M = _MASK
    for _ in range(times):
        value *= value
        value = ((value >> 256) * _C + (value & M)) % P
    return value
