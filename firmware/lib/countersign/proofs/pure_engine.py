"""The engine in plain Python. It also defines the contract of every engine.

An engine is a module with the functions of this one, down to `verify_equation`, under the same
names. Scalars and coordinates are 32 bytes, big-endian; points are 64 bytes, x ‖ y. Each may be
bytes, a bytearray or a memoryview. TypeError for a value without a buffer; ValueError for a wrong
length, a scalar out of range, or a point off the curve. If several are wrong, all engines raise for
the same one. None stands for the point at infinity, which has no encoding. `e` may be any 32 bytes,
because it is a hash: engines take it mod n.

`generate`, `respond` and `linear` take secrets, and a native engine runs them in constant time.
This one does NOT, as curve.py explains, and it cannot wipe the secrets. The other functions take
public values only.
"""

import gc

from countersign.proofs import curve

VERSION = 1


def _gathering(work):
    """`work`, with the threshold for garbage collections switched off while it runs.

    A verification allocates some 900 kB and keeps none of it. The agent collects every 16 kB,
    against fragmentation, and these collections took more than half of a verification's time. A
    full heap is still collected. CPython has no such setting.
    """
    if not hasattr(gc, "threshold"):
        return work

    def gathering(*arguments):
        before = gc.threshold()
        gc.threshold(-1)
        try:
            return work(*arguments)
        finally:
            gc.threshold(before)

    return gathering


@_gathering
def generate(k: bytes) -> bytes:
    """k·G for k in [1, n)."""
    return _encoded(curve.multiply_generator(_secret(k)))


def respond(k: bytes, e: bytes, d: bytes) -> bytes:
    """k + e·d mod n (32 bytes), k and d in [1, n)."""
    k, e, d = _buffer(k, 32), _buffer(e, 32), _buffer(d, 32)
    e = int.from_bytes(e, "big")
    return ((_secret(k) + e * _secret(d)) % curve.N).to_bytes(32, "big")


@_gathering
def linear(k: bytes, point: bytes) -> bytes:
    """k·Q for a secret k in [1, n) and a public Q."""
    tables = curve.make_tables(_point(point))
    return _encoded(curve.combine(_secret(k), tables, 0, tables))


@_gathering
def lift_x(x: bytes) -> object:
    """The point with this x-coordinate and even y; None if there is none, or x ≥ p."""
    return _encoded(curve.lift_x(_buffer(x, 32)))


@_gathering
def prepare(point: bytes) -> object:
    """An opaque form of a point, with which multiply_add and verify_equation are faster."""
    return _Prepared(_point(point))


@_gathering
def multiply_add(s: bytes, t: bytes, point: object) -> object:
    """s·G + t·Q for s and t in [0, n). Q is a point or prepared."""
    s, t = _scalar(s), _scalar(t)
    prepared = _prepared(point)
    return _encoded(curve.multiply_add(s, t, prepared.point, prepared.tables))


@_gathering
def verify_equation(point: object, r: bytes, s: bytes, e: bytes) -> bool:
    """True if s < n, and s·G - e·Q is a point with x = r and even y. Q: a point or prepared."""
    r = _buffer(r, 32)
    s = curve.scalar(_buffer(s, 32))
    minus_e = -int.from_bytes(_buffer(e, 32), "big") % curve.N
    prepared = _prepared(point)
    if s is None:
        return False
    if prepared.verified_with:
        curve.lengthen(prepared.point, prepared.tables)
    prepared.verified_with = True
    commitment = curve.multiply_add(s, minus_e, prepared.point, prepared.tables)
    if commitment is None or commitment[1] & 1:
        return False
    return commitment[0].to_bytes(32, "big") == r


# A native engine may also offer these, and `commit` and `xor`, which take secrets. Otherwise
# engines.py composes them.


def add(one: bytes, other: bytes) -> object:
    """Q1 + Q2."""
    return _encoded(curve.add(_point(one), _point(other)))


@_gathering
def combine(s: bytes, one: object, t: bytes, other: object) -> object:
    """s·Q1 + t·Q2 for s and t in [0, n). Each Q is a point or prepared."""
    s, t = _scalar(s), _scalar(t)
    return _encoded(curve.combine(s, _prepared(one).tables, t, _prepared(other).tables))


def _buffer(data, size):
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError("bytes wanted")
    if len(data) != size:
        raise ValueError("wrong length")
    return bytes(data)


def _scalar(data):
    value = curve.scalar(_buffer(data, 32))
    if value is None:
        raise ValueError("scalar out of range")
    return value


def _secret(data):
    value = _scalar(data)
    if not value:
        raise ValueError("scalar out of range")
    return value


def _point(data):
    data = _buffer(data, 64)
    x, y = curve.field_element(data[:32]), curve.field_element(data[32:])
    if x is None or y is None or not curve.is_on_curve(x, y):
        raise ValueError("not on the curve")
    return x, y


class _Prepared:
    # A point that is verified with a second time will likely recur, so its tables then get longer.
    def __init__(self, point):
        self.point = point
        self.tables = curve.make_tables(point)
        self.verified_with = False


def _prepared(point):
    return point if isinstance(point, _Prepared) else _Prepared(_point(point))


def _encoded(point):
    return point and point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
