"""A stand-in for the native module, for machines that have none. It uses the textbook's projective
formulas (SEC 1 §2.2.1), bit by bit, and shares no code with curve.py.

It answers as the native engine does: prepare() returns points as bytes, and there is no `add` and
no `combine`. `Broken` is an engine with some functions replaced.
"""

VERSION = 1

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
MARK = b"prepared"


class Broken:
    """`engine`, with the named functions replaced. None removes a function."""

    def __init__(self, engine, **replaced):
        for name in (
            "generate", "respond", "linear", "lift_x", "prepare", "multiply_add", "verify_equation"
        ):  # fmt: skip
            function = replaced.pop(name, getattr(engine, name))
            if function is not None:
                setattr(self, name, function)
        for name, function in replaced.items():
            setattr(self, name, function)


def generate(k):
    return encoded(multiple(secret(k), G))


def respond(k, e, d):
    e = int.from_bytes(buffer(e, 32), "big")
    return number((secret(k) + e * secret(d)) % N)


def linear(k, point):
    point = decoded(point)
    return encoded(multiple(secret(k), point))


def lift_x(x):
    x = int.from_bytes(buffer(x, 32), "big")
    if x >= P:
        return None
    square = (x * x * x + 7) % P
    y = power(square, (P + 1) // 4)
    if (y * y - square) % P:
        return None
    return number(x) + number(P - y if y & 1 else y)


def prepare(point):
    return MARK + encoded(decoded(point))


def multiply_add(s, t, point):
    s, t = scalar(s), scalar(t)
    return encoded(plus(multiple(s, G), multiple(t, given(point))))


def verify_equation(point, r, s, e):
    r = buffer(r, 32)
    s = int.from_bytes(buffer(s, 32), "big")
    e = int.from_bytes(buffer(e, 32), "big") % N
    point = given(point)
    if s >= N:
        return False
    commitment = plus(multiple(s, G), multiple((N - e) % N, point))
    return commitment is not None and commitment[1] & 1 == 0 and number(commitment[0]) == r


# Input and output


def buffer(data, size):
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError("bytes wanted")
    if len(data) != size:
        raise ValueError("wrong length")
    return bytes(data)


def scalar(data):
    value = int.from_bytes(buffer(data, 32), "big")
    if value >= N:
        raise ValueError("scalar out of range")
    return value


def secret(data):
    value = scalar(data)
    if value == 0:
        raise ValueError("scalar out of range")
    return value


def decoded(data):
    data = buffer(data, 64)
    x = int.from_bytes(data[:32], "big")
    y = int.from_bytes(data[32:], "big")
    if x >= P or y >= P or (y * y - x * x * x - 7) % P:
        raise ValueError("not on the curve")
    return x, y


def given(point):
    if isinstance(point, bytes) and len(point) == 64 + len(MARK):
        point = point[len(MARK) :]
    return decoded(point)


def encoded(point):
    return None if point is None else number(point[0]) + number(point[1])


def number(value):
    return value.to_bytes(32, "big")


# Arithmetic


def power(base, exponent):
    result = 1
    while exponent:
        if exponent & 1:
            result = result * base % P
        base = base * base % P
        exponent >>= 1
    return result


def inverse(value):
    u, v, a, b = value % P, P, 1, 0
    while u > 1:
        quotient = v // u
        u, v, a, b = v - quotient * u, u, b - quotient * a, a
    return a % P


def plus(one, other):
    """one + other by the affine formula."""
    if one is None or other is None:
        return one or other
    if one[0] == other[0]:
        if (one[1] + other[1]) % P == 0:
            return None
        slope = 3 * one[0] * one[0] * inverse(2 * one[1]) % P
    else:
        slope = (other[1] - one[1]) * inverse(other[0] - one[0]) % P
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def multiple(k, point):
    """k·point: homogeneous coordinates, (X : Y : Z) for (X / Z, Y / Z), high bit first."""
    X, Y, Z = 0, 1, 0
    x, y = point
    for i in range(255, -1, -1):
        if Z:
            # SEC 1's tangent, without the division.
            w = 3 * X * X % P
            s = Y * Z % P
            b = X * Y * s % P
            h = (w * w - 8 * b) % P
            X, Y, Z = (
                2 * h * s % P,
                (w * (4 * b - h) - 8 * Y * Y * s * s) % P,
                8 * s * s * s % P,
            )
        if k >> i & 1:
            if not Z:
                X, Y, Z = x, y, 1
                continue
            u = (y * Z - Y) % P
            v = (x * Z - X) % P
            if not v:
                # The point itself or its negative is rare, so the slow formula serves.
                met = plus((X * inverse(Z) % P, Y * inverse(Z) % P), point)
                X, Y, Z = (0, 1, 0) if met is None else (met[0], met[1], 1)
                continue
            vv = v * v % P
            vvv = vv * v % P
            r = vv * X % P
            a = (u * u * Z - vvv - 2 * r) % P
            X, Y, Z = v * a % P, (u * (r - a) - vvv * Y) % P, vvv * Z % P
    if not Z:
        return None
    z = inverse(Z)
    return X * z % P, Y * z % P
