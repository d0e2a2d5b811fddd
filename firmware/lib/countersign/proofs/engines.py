"""Chooses the arithmetic of the proofs: the native module if it is there and right, else Python.

`active` is an engine (see pure_engine.py). At import this module looks for `countersign_native` and
takes it only if it passes the self-test. The self-test also asks for refusals, because a verifier
that accepts too much is as broken as one that accepts nothing. A failure never raises: `fault()`
says what it was, and the pure engine does the same work, slower.
"""

from countersign.proofs import curve, pure_engine

active = pure_engine
# Whether the engine's prepare() returns more than the point. If not, a point that the engine made
# itself need not go through prepare(): every call checks the point that it is given.
prepares = True
_fault = "not chosen yet"

# Known answers, computed with libsecp256k1: K·G, D·G and (K·D)·G with K + E·D = S mod n.
_K = bytes(range(0x01, 0x21))
_D = bytes(range(0x65, 0x85))
_E = bytes(range(0xC0, 0xE0))
_S = bytes.fromhex("d4f054a8ee1d0d4bd3539ec78c4d387428df31e3fc99c94e9699c71215103d10")
_E_D = bytes.fromhex("d3ee51a4e9170643ca4993bb7f3f296417cd1ecfe783b2367d7fabf5f7f21df0")
_E_D_MINUS_K = bytes.fromhex("d2ec4ea0e410ff3bc13f88af72311a5406bb0bbbd26d9b1e646590d9dad3fed0")
_K_G = bytes.fromhex(
    "84bf7562262bbd6940085748f3be6afa52ae317155181ece31b66351ccffa4b0"
    "8cc43d63b2859d469fee15f31c9edb5324266e6fd0407e87382d60fc4511acd8"
)
_D_G = bytes.fromhex(
    "b3c82426768c46023c5e7ce95036c4965e70691481ea80bc80d1f3f837200987"
    "1fecc6f4b8c073217402d18ed31957b45d301af344eb21ad9fed5a8728f30a06"
)
_K_D_G = bytes.fromhex(
    "8050cce70bb00b7634cc037f2b92995909e3e5e4296b919cb6ff8ff267faf6b6"
    "8a6bdb81de4c42feb2f543168581fb628dd860c71c37e670567462d18a57d6c9"
)


def _number(value):
    return value.to_bytes(32, "big")


def _negated(encoded, modulus):
    return _number(modulus - int.from_bytes(encoded, "big"))


_ZERO = bytes(32)
_ONE = _number(1)
_N = _number(curve.N)
_N_MINUS_1 = _number(curve.N - 1)
_N_MINUS_2 = _number(curve.N - 2)
# For x + 0·x and x + (n - 2)·x. Both exist beforehand, so either choice takes the same time.
_EVEN_FACTORS = (_ZERO, _N_MINUS_2)
_G = _number(curve.G[0]) + _number(curve.G[1])
_MINUS_G = _G[:32] + _negated(_G[32:], curve.P)
_TWO = curve.add(curve.G, curve.G)
_TWO_G = _number(_TWO[0]) + _number(_TWO[1])
_OFF_CURVE = _G[:63] + b"\x00"
_MINUS_E = _negated(_E, curve.N)
_R = _K_G[:32]

_PREPARED = object()  # stands for the prepared D·G

# (function, arguments, answer). For _IN_PLACE the answer is a pair: the return value, and the first
# argument afterwards. An exception as the answer means that the call must raise it.
_SELF_TEST = (
    ("generate", (_ONE,), _G),
    ("generate", (_N_MINUS_1,), _MINUS_G),
    ("generate", (_K,), _K_G),
    ("generate", (_ZERO,), ValueError),
    ("generate", (_N,), ValueError),
    ("generate", (b"\xff" * 32,), ValueError),
    ("commit", (_K,), (_R, _K)),
    ("commit", (_negated(_K, curve.N),), (_R, _K)),
    ("commit", (_number(curve.N + 1),), (_G[:32], _ONE)),
    ("commit", (_N_MINUS_1,), (_G[:32], _ONE)),
    ("commit", (_ZERO,), ValueError),
    ("commit", (_N,), ValueError),
    ("xor", (_K, _D), (None, bytes([a ^ b for a, b in zip(_K, _D)]))),
    ("respond", (_K, _E, _D), _S),
    ("respond", (_N_MINUS_1, _N_MINUS_1, _N_MINUS_1), _ZERO),
    ("respond", (_D, _N_MINUS_2, _D), _negated(_D, curve.N)),
    ("respond", (_K, _ZERO, _D), _K),
    ("respond", (_K, _N, _D), _K),
    ("respond", (_ZERO, _E, _D), ValueError),
    ("respond", (_K, _E, _N), ValueError),
    ("respond", (_K, _E, 7), TypeError),
    ("linear", (_K, _D_G), _K_D_G),
    ("linear", (_N_MINUS_1, _G), _MINUS_G),
    ("linear", (_ZERO, _G), ValueError),
    ("linear", (_K, _OFF_CURVE), ValueError),
    ("lift_x", (_G[:32],), _G),
    ("lift_x", (_D_G[:32],), _D_G),
    ("lift_x", (_number(5),), None),
    ("lift_x", (_G,), ValueError),
    ("lift_x", (_number(curve.P),), None),
    ("lift_x", (_number(curve.P + 1),), None),
    ("multiply_add", (_S, _MINUS_E, _D_G), _K_G),
    ("multiply_add", (_S, _MINUS_E, _PREPARED), _K_G),
    ("multiply_add", (_ZERO, _K, _D_G), _K_D_G),
    ("multiply_add", (_ONE, _ONE, _MINUS_G), None),
    ("multiply_add", (_E_D, _MINUS_E, _PREPARED), None),
    ("multiply_add", (_N, _ONE, _D_G), ValueError),
    ("multiply_add", (_ONE, _N, _D_G), ValueError),
    ("multiply_add", (_ONE, _ONE, _OFF_CURVE), ValueError),
    ("verify_equation", (_D_G, _R, _S, _E), True),
    ("verify_equation", (_PREPARED, _R, _S, _E), True),
    ("verify_equation", (_D_G, _R, _E, _S), False),
    ("verify_equation", (_PREPARED, _D_G[:32], _S, _E), False),
    ("verify_equation", (_D_G, _R, _E_D_MINUS_K, _E), False),  # -K·G: odd y
    ("verify_equation", (_D_G, _R, _E_D, _E), False),  # infinity
    ("verify_equation", (_D_G, _ZERO, _E_D, _E), False),
    ("verify_equation", (_D_G, _R, b"\xff" * 32, _E), False),
    ("verify_equation", (_OFF_CURVE, _R, _S, _E), ValueError),
    ("add", (_G, _G), _TWO_G),
    ("add", (_TWO_G, _MINUS_G), _G),
    ("add", (_G, _MINUS_G), None),
    ("combine", (_S, _G, _MINUS_E, _D_G), _K_G),
    ("combine", (_MINUS_E, _PREPARED, _S, _G), _K_G),
    ("combine", (_ONE, _G, _ONE, _MINUS_G), None),
    ("combine", (_ZERO, _D_G, _ONE, _G), _G),
    ("combine", (_N, _G, _ONE, _D_G), ValueError),
)

# An engine need not offer these functions; see the end of this file.
_OPTIONAL = ("commit", "xor", "add", "combine")
_IN_PLACE = ("commit", "xor")


def name() -> str:
    """ "native" or "pure"."""
    return "pure" if active is pure_engine else "native"


def fault() -> object:
    """Why the native engine is not in use, in words for a log, or None if it is in use."""
    return _fault


def choose() -> None:
    """Use the native module if it imports and passes the self-test. This runs at import."""
    global _fault
    try:
        import countersign_native
    except Exception as error:  # noqa: BLE001 - no file, another architecture, no memory: all say no
        use(None)
        _fault = "no native module: " + type(error).__name__
        return
    use(countersign_native)


def use(candidate: object) -> object:
    """Make `candidate` the active engine if it passes the self-test. Otherwise, or for None, make
    the pure engine active. Returns what fault() then returns."""
    global active, prepares, _fault
    _fault = "not wanted" if candidate is None else self_test(candidate)
    active = pure_engine if _fault else candidate
    prepares = active is pure_engine or active.prepare(_D_G) != _D_G
    return _fault


def self_test(engine: object) -> object:
    """None if every answer is right, else the first wrong one. Takes about ten multiplications."""
    try:
        prepared = engine.prepare(_D_G)
    except Exception as error:  # noqa: BLE001 - reported, and the engine is not used
        return "prepare: " + type(error).__name__
    for function, arguments, expected in _SELF_TEST:
        if function in _OPTIONAL and not hasattr(engine, function):
            continue
        arguments = [prepared if value is _PREPARED else value for value in arguments]
        if function in _IN_PLACE:
            arguments[0] = bytearray(arguments[0])
        try:
            answer = getattr(engine, function)(*arguments)
            if function in _IN_PLACE:
                answer = (answer, bytes(arguments[0]))
        except Exception as error:  # noqa: BLE001 - an answer like any other
            answer = type(error)
            if answer is not expected:
                return function + ": " + answer.__name__
        if type(answer) is not type(expected) or answer != expected:
            return function + ": wrong answer"
    return None


# Functions for every engine, composed where an engine does not offer them itself ---------------


def reduced(digest: bytes) -> bytes:
    """The scalar (32 bytes) of a digest: the digest mod n, as in BIP-340.

    Nearly every digest is below n already and needs no integers. That keeps a native engine's
    nonces out of Python's arithmetic.
    """
    # A comparison of bytes takes longer the more of them are equal, and a digest may be a nonce.
    # So this compares a small integer of three bytes, which decides all but one digest in 2**24.
    if int.from_bytes(digest[:3], "big") < curve.N >> 232:
        return digest
    return _number(int.from_bytes(digest, "big") % curve.N)


def negated(scalar: bytes) -> bytes:
    """-scalar mod n of a scalar in [1, n). It takes the time of the engine's `respond`."""
    return active.respond(scalar, _N_MINUS_2, scalar)


def even(scalar: bytes, point: bytes) -> bytes:
    """`scalar`, or its negative if `point` = scalar·G has an odd y: the convention for x-only keys
    and nonces (BIP-340). Both cases take the same work."""
    return active.respond(scalar, _EVEN_FACTORS[point[63] & 1], scalar)


def commit(digest: bytes) -> tuple:
    """(nonce, commitment) of a digest. nonce: k = ±digest mod n such that k·G has an even y, in a
    bytearray that the caller wipes. commitment: the x of k·G (32 bytes). ValueError for k = 0.
    """
    direct = getattr(active, "commit", None)
    if direct is not None:
        k = bytearray(digest)
        return k, direct(k)
    k = reduced(digest)
    point = active.generate(k)
    return bytearray(even(k, point)), point[:32]


def xor(into: bytearray, other: bytes) -> None:
    """into ^= other, 32 bytes each."""
    direct = getattr(active, "xor", None)
    if direct is not None:
        direct(into, other)
        return
    for i in range(32):
        into[i] ^= other[i]


def add(one: bytes, other: bytes) -> object:
    """Q1 + Q2, or None."""
    return getattr(active, "add", pure_engine.add)(one, other)


def combine(s: bytes, one: object, t: bytes, other: object) -> object:
    """s·Q1 + t·Q2 for public scalars, or None. Each Q is a point or prepared."""
    direct = getattr(active, "combine", None)
    if direct is not None:
        return direct(s, one, t, other)
    first = active.multiply_add(_ZERO, s, one)
    second = active.multiply_add(_ZERO, t, other)
    if first is None or second is None:
        return first or second
    return add(first, second)


choose()
