"""Tests the native module's whole interface on MicroPython, against the pure curve.

The last line of its output is "right". The code is the same for all architectures.
"""

import countersign_native as native

from countersign.proofs import curve

N = curve.N
P = curve.P


def big(number):
    return number.to_bytes(32, "big")


def point_bytes(point):
    return big(point[0]) + big(point[1])


def times_g(k):
    return curve.multiply_generator(k % N)


def refused(error, function, *arguments):
    try:
        function(*arguments)
    except error:
        return True
    return False


def provers():
    for k in (1, 2, 3, N - 1, N - 2, 0x1234567890ABCDEF << 190):
        assert native.generate(big(k)) == point_bytes(times_g(k))
    q = 0xDEADBEEF << 200
    assert native.linear(big(N - 7), point_bytes(times_g(q))) == point_bytes(times_g(-7 * q))
    for digest in (1, N - 1, N + 1, 2**256 - 1, 0xDEADBEEF << 200):
        nonce = bytearray(big(digest))
        x, y = times_g(digest)
        assert native.commit(nonce) == big(x)
        assert nonce == big((-digest if y & 1 else digest) % N)
    masked = bytearray(range(32))
    assert native.xor(memoryview(masked), bytes(range(100, 132))) is None
    assert masked == bytes([i ^ (i + 100) for i in range(32)])
    k, e, d = 2**255 + 19, N + 5, N - 3
    assert native.respond(big(k), big(e), big(d)) == big((k + e * d) % N)


def verifiers():
    q = 0xDEADBEEF << 200
    point = times_g(q)
    k = 7
    x, y = times_g(k)
    if y & 1:
        k = N - k
    e = 12345 << 222
    s = (k + e * q) % N
    prepared = native.prepare(point_bytes(point))
    for given in (point_bytes(point), bytearray(point_bytes(point)), prepared):
        for peer in (given, memoryview(given)):
            assert native.verify_equation(peer, big(x), big(s), big(e)) is True
            assert native.verify_equation(peer, big(x), big(s ^ 1), big(e)) is False
            assert native.verify_equation(peer, big(x), big(N), big(e)) is False
            assert native.verify_equation(peer, big(P), big(s), big(e)) is False
            assert native.multiply_add(big(5), big(6), peer) == point_bytes(times_g(5 + 6 * q))
            assert native.multiply_add(big(q), big(N - 1), peer) is None
            assert native.multiply_add(big(0), big(0), peer) is None
    g = point_bytes(curve.G)
    assert native.add(g, g) == point_bytes(times_g(2))
    assert native.add(g, point_bytes(times_g(-1))) is None
    for peer in (prepared, point_bytes(point)):
        assert native.combine(big(5), g, big(6), peer) == point_bytes(times_g(5 + 6 * q))
        assert native.combine(big(6), peer, big(5), g) == point_bytes(times_g(5 + 6 * q))
        assert native.combine(big(1), peer, big(N - 1), peer) is None
    assert refused(ValueError, native.combine, big(N), g, big(1), g)
    assert refused(ValueError, native.combine, big(1), g, big(1), bytes(64))
    assert refused(ValueError, native.add, g, bytes(64))
    # The address here is not aligned to a word.
    assert native.verify_equation(memoryview(b"?" + prepared)[1:], big(x), big(s), big(e)) is True
    assert native.lift_x(big(point[0])) == point_bytes(curve.lift_x(big(point[0])))
    for bad in (5, P, P + 1, 2**256 - 1):
        assert native.lift_x(big(bad)) is None


def bad_input():
    g = point_bytes(curve.G)
    for value in (0, N, N + 1, 2**256 - 1):
        assert refused(ValueError, native.generate, big(value))
        assert refused(ValueError, native.linear, big(value), g)
        assert refused(ValueError, native.respond, big(value), big(1), big(1))
        assert refused(ValueError, native.respond, big(1), big(1), big(value))
    assert refused(ValueError, native.multiply_add, big(N), big(1), g)
    assert refused(ValueError, native.multiply_add, big(1), big(N), g)
    off_curve = [bytes(64), g[:32] + big(0), big(P) + g[32:], g[:32] + big(curve.G[1] + 1)]
    off_curve.extend((g[:63], g + b"0", b"", bytes(len(native.prepare(g)))))
    for bad in off_curve:
        assert refused(ValueError, native.prepare, bad)
        assert refused(ValueError, native.linear, big(1), bad)
        assert refused(ValueError, native.multiply_add, big(1), big(1), bad)
        assert refused(ValueError, native.verify_equation, bad, big(1), big(1), big(1))
    for bad in (0, N):
        assert refused(ValueError, native.commit, bytearray(big(bad)))
    # A buffer for output must be writable.
    assert refused(TypeError, native.commit, big(1))
    assert refused(TypeError, native.xor, big(1), big(1))
    for bad in (b"", bytes(31), bytes(33)):
        assert refused(ValueError, native.commit, bytearray(bad))
        assert refused(ValueError, native.xor, bytearray(bad), big(1))
        assert refused(ValueError, native.xor, bytearray(32), bad)
        assert refused(ValueError, native.generate, bad)
        assert refused(ValueError, native.lift_x, bad)
        assert refused(ValueError, native.verify_equation, g, bad, big(1), big(1))
        assert refused(ValueError, native.verify_equation, g, big(1), bad, big(1))
        assert refused(ValueError, native.verify_equation, g, big(1), big(1), bad)
    for bad in (None, 1, "a" * 32, "a" * 64, [1] * 32, object()):
        assert refused(TypeError, native.generate, bad)
        assert refused(TypeError, native.commit, bad)
        assert refused(TypeError, native.xor, bytearray(32), bad)
        assert refused(TypeError, native.respond, big(1), bad, big(1))
        assert refused(TypeError, native.prepare, bad)
        assert refused(TypeError, native.verify_equation, bad, big(1), big(1), big(1))
    assert refused(TypeError, native.generate)


provers()
verifiers()
bad_input()
print("right")
