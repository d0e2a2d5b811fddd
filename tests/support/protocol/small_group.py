"""The code of curve.py and of all proofs over groups of 13 or 199 points. These are small enough to
try every case, which is the method of libsecp256k1's tests_exhaustive.c.

The field is the real one. Over it the curves y² = x³ + 2 and y² = x³ + 4 have subgroups of these
orders. So the real arithmetic runs, and only constants differ: the curve's b, its generator and
order, and the short vectors of its lattice. The group of 13 also has smaller tables, in which no
entry is infinity; 199 has the real comb and the real windows.
Hashing to the curve is left out, because most points of the curve are not in the subgroup.
"""

from countersign.proofs import curve, engines, ring, schnorr


class SmallGroup:
    """`with SmallGroup(13) as group:` - group.points[k] is k·G, None for k = 0."""

    def __init__(self, order):
        self.order = order
        self._changes = dict(PARAMETERS[order])
        self._changes.update(N=order, _comb=None, _tables_g=None)
        self._before = {}
        self._site_point = ring.site_point
        self.points = []
        self._logarithms = {}

    def __enter__(self):
        self._factors = engines._N_MINUS_2, engines._EVEN_FACTORS
        try:
            self._change()
        except Exception:
            # The next test must find the real group.
            self.__exit__()
            raise
        return self

    def _change(self):
        for name, value in self._changes.items():
            self._before[name] = getattr(curve, name)
            setattr(curve, name, value)
        engines.use(None)
        engines._N_MINUS_2 = number(self.order - 2)
        engines._EVEN_FACTORS = (bytes(32), engines._N_MINUS_2)
        schnorr._last = (None, None, None)
        point = None
        for k in range(self.order):
            self.points.append(point)
            self._logarithms[point] = k
            point = textbook_add(point, curve.G)
        if point is not None:
            raise ValueError("not a group of this order")
        # H(site) is replaced, because only this function leaves the subgroup.
        ring.site_point = lambda site: self.encoded(self.site_logarithm)

    def __exit__(self, *ignored):
        for name, value in self._before.items():
            setattr(curve, name, value)
        ring.site_point = self._site_point
        engines._N_MINUS_2, engines._EVEN_FACTORS = self._factors
        schnorr._last = (None, None, None)
        engines.choose()

    site_logarithm = 5

    def encoded(self, k):
        """k·G as an engine's 64 bytes, or None."""
        point = self.points[k % self.order]
        return point and number(point[0]) + number(point[1])

    def logarithm(self, point):
        """k for the point k·G, from None or a tuple."""
        return self._logarithms[point]

    def even(self, k):
        """k, or its negative if k·G has an odd y."""
        return self.order - k if self.points[k][1] & 1 else k


def number(value):
    return value.to_bytes(32, "big")


def textbook_add(one, other):
    P = curve.P
    if one is None:
        return other
    if other is None:
        return one
    if one[0] == other[0]:
        if (one[1] + other[1]) % P == 0:
            return None
        slope = 3 * one[0] * one[0] * curve._inverse(2 * one[1] % P) % P
    else:
        slope = (other[1] - one[1]) * curve._inverse((other[0] - one[0]) % P) % P
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


PARAMETERS = {
    13: {
        "B": 2,
        "G": (
            0x3AD3E1EC92DC070A346A975330B12E1D929C645BE56584AA88E489AA3D68746B,
            0xAB34E4942373ED8CF787BB15BC0B9FC1F15065BC091001AA6C607F91C8520383,
        ),
        "_A1": 1,
        "_B1": -3,
        "_A2": 4,
        "_POSITIONS": 8,
        "_HALF": 4,
        "_WINDOW_G": 4,
        "_WINDOW_Q": 4,
        "_BLOCKS": 2,
        "_TEETH": 2,
        "_SPACING": 4,
        "_DIGITS": 16,
    },
    199: {
        "B": 4,
        "G": (
            0xFA7CC9A70737F2DBA749DD392B4FB0693B017A7DA808C2F1FB12940C9EA66C18,
            0x78AC123A5ED8AEF38732BC911F3A286848DF246C808DAE72CFE525727F0501ED,
        ),
        "_A1": 2,
        "_B1": -13,
        "_A2": 15,
        "_POSITIONS": 14,
        "_HALF": 7,
    },
}
