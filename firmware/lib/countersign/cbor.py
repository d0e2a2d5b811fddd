"""Deterministic CBOR (RFC 8949 §4.2.1), strict in both directions.

    item     CBOR                          limits
    int      major types 0 and 1           -2**64 ... 2**64 - 1
    bytes    major type 2
    str      major type 3                  valid UTF-8 (RFC 3629): no surrogates, no overlong forms
    list     major type 4
    dict     major type 5                  keys int or str, ascending by their encoded bytes
    False True None                        simple values 20, 21, 22

The codec supports nothing else: no floating point (its width differs between runtimes), no tags, no
`undefined`, no indefinite lengths. Each value has exactly one encoding. So a signature over the
bytes is also a signature over the value.

Neither existing library serves both sides: cbor2 does not run on a board, and micropython-lib's
cbor2 neither sorts keys nor refuses anything.
"""

from countersign import reasons
from countersign.suites import MAX_MESSAGE_BYTES

MAX_DEPTH = 8


# Encoding ------------------------------------------------------------------------------------


def encode(value: object, max_depth: int = MAX_DEPTH) -> bytes:
    """The one encoding of `value`.

    ValueError if it holds anything outside the table above, or nests deeper than `max_depth`
    lists and dicts (which also catches a value that contains itself).
    """
    parts = []
    _append(parts, value, max_depth)
    return b"".join(parts)


def _head(major, argument):
    """Initial byte and argument in the shortest form (RFC 8949 §4.2.1, first rule)."""
    if argument < 24:
        return bytes([major << 5 | argument])
    if argument < 0x100:
        return bytes([major << 5 | 24, argument])
    for info, size in ((25, 2), (26, 4), (27, 8)):
        if not argument >> 8 * size:
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise ValueError("integer exceeds 64 bits")


def _append(parts, value, depth_left):
    # bool comes first because on CPython, unlike MicroPython, a bool is an int.
    if value is None:
        parts.append(b"\xf6")
    elif isinstance(value, bool):
        parts.append(b"\xf5" if value else b"\xf4")
    elif isinstance(value, int):
        parts.append(_head(0, value) if value >= 0 else _head(1, -1 - value))
    elif isinstance(value, bytes):
        parts.append(_head(2, len(value)))
        parts.append(value)
    elif isinstance(value, str):
        text = value.encode()
        # MicroPython's strings can hold surrogates, which CPython refuses to encode.
        if not _is_utf8(text):
            raise ValueError("text is not valid UTF-8")
        parts.append(_head(3, len(text)))
        parts.append(text)
    elif isinstance(value, list):
        if not depth_left:
            raise ValueError("nests too deep")
        parts.append(_head(4, len(value)))
        for entry in value:
            _append(parts, entry, depth_left - 1)
    elif isinstance(value, dict):
        if not depth_left:
            raise ValueError("nests too deep")
        pairs = []
        for key, entry in value.items():
            if isinstance(key, bool) or not isinstance(key, (int, str)):
                raise ValueError("keys are integers or text")
            pairs.append((encode(key), entry))
        pairs.sort(key=lambda pair: pair[0])
        parts.append(_head(5, len(pairs)))
        for key, entry in pairs:
            parts.append(key)
            _append(parts, entry, depth_left - 1)
    else:
        raise ValueError("no such type in this protocol")


# Decoding ------------------------------------------------------------------------------------


def decode(
    data: bytes,
    max_bytes: int = MAX_MESSAGE_BYTES,
    max_depth: int = MAX_DEPTH,
    max_items: int = -1,
) -> object:
    """The one value that `data` encodes. Raises Refused unless `data` is exactly its encoding.

    OVERSIZED       longer than `max_bytes`, or more than `max_items` items, keys included
                    (-1: any number)
    TRUNCATED       ends too early, or a length or count exceeds the bytes that are left
    OVER_DEEP       an array or map inside `max_depth` others
    NON_CANONICAL   CBOR, but a longer head than needed, an indefinite length, or map keys that
                    are not strictly ascending (so no duplicates)
    TRAILING_BYTES  goes on after the value
    MALFORMED       not CBOR, invalid UTF-8, or of a kind outside the table above

    The first fault from the left decides. Work and memory are linear in len(data), whatever lengths
    the data claims. TypeError if `data` is not bytes, which is the caller's mistake, not a peer's.
    """
    if not isinstance(data, bytes):
        raise TypeError("data must be bytes")
    size = len(data)
    if size > max_bytes:
        raise reasons.Refused(reasons.OVERSIZED, str(size) + " bytes")

    # The open arrays and maps, outermost first. This loop keeps its own stack instead of recursion,
    # because a board's stack is a few kilobytes and no input may exhaust it.
    open_frames = []
    frame = None
    at = 0
    while True:
        start = at
        if at >= size:
            _refuse(reasons.TRUNCATED, at)
        if not max_items:
            _refuse(reasons.OVERSIZED, at)
        max_items -= 1
        initial = data[at]
        at += 1
        major = initial >> 5
        info = initial & 31

        if major == 7:
            if info == 20 or info == 21:
                value = info == 21
            elif info == 22:
                value = None
            else:
                _refuse(reasons.MALFORMED, start)
        else:
            argument, at = _argument(data, start, major, info)
            if major == 0:
                value = argument
            elif major == 1:
                value = -1 - argument
            elif major == 6:
                _refuse(reasons.MALFORMED, start)
            else:
                # Every entry takes at least one byte, and every pair two. So this refuses a false
                # count before anything is allocated for it.
                if argument * (2 if major == 5 else 1) > size - at:
                    _refuse(reasons.TRUNCATED, start)
                if major >= 4:
                    if len(open_frames) >= max_depth:
                        _refuse(reasons.OVER_DEEP, start)
                    if frame is not None and frame.takes_key():
                        _refuse(reasons.MALFORMED, start)
                    child = _Map(argument) if major == 5 else _Array(argument)
                    value = child.value
                    if argument:
                        open_frames.append(child)
                        frame = child
                        continue
                else:
                    value = data[at : at + argument]
                    at += argument
                    if major == 3:
                        if not _is_utf8(value):
                            _refuse(reasons.MALFORMED, start)
                        value = str(value, "utf-8")

        # `value` is complete. It goes to the enclosing array or map, which it may complete too.
        while frame is not None:
            frame.put(value, data, start, at)
            if frame.missing:
                break
            value = frame.value
            open_frames.pop()
            frame = open_frames[-1] if open_frames else None
        if frame is None:
            if at != size:
                _refuse(reasons.TRAILING_BYTES, at)
            return value


def _refuse(reason, at):
    raise reasons.Refused(reason, "at byte " + str(at))


def _argument(data, start, major, info):
    """Argument of the head at `start`, and the position after it."""
    at = start + 1
    if info < 24:
        return info, at
    if info > 27:
        # 31 on strings, arrays and maps is an indefinite length: valid but never deterministic.
        indefinite = info == 31 and 2 <= major <= 5
        _refuse(reasons.NON_CANONICAL if indefinite else reasons.MALFORMED, start)
    width = 1 << (info - 24)
    if at + width > len(data):
        _refuse(reasons.TRUNCATED, start)
    argument = int.from_bytes(data[at : at + width], "big")
    smallest = 24 if width == 1 else 1 << (4 * width)
    if argument < smallest:
        _refuse(reasons.NON_CANONICAL, start)
    return argument, at + width


class _Array:
    """An open array: `missing` entries are still to come."""

    def __init__(self, missing):
        self.value = []
        self.missing = missing

    def takes_key(self):
        return False

    def put(self, value, data, start, end):
        self.value.append(value)
        self.missing -= 1


class _Map:
    """An open map: `missing` pairs are still to come, the pair in progress included."""

    def __init__(self, missing):
        self.value = {}
        self.missing = missing
        self.key = None
        self.last_key_bytes = b""

    def takes_key(self):
        return self.key is None

    def put(self, value, data, start, end):
        if self.key is not None:
            self.value[self.key] = value
            self.key = None
            self.missing -= 1
            return
        if data[start] >> 5 not in (0, 1, 3):
            _refuse(reasons.MALFORMED, start)
        # Strictly ascending encoded bytes mean sorted keys without duplicates.
        key_bytes = data[start:end]
        if key_bytes <= self.last_key_bytes:
            _refuse(reasons.NON_CANONICAL, start)
        self.last_key_bytes = key_bytes
        self.key = value


def _is_utf8(text):
    """True if `text` is UTF-8 as RFC 3629 §4 defines it.

    MicroPython's own check lets overlong forms, surrogates and code points above U+10FFFF pass, but
    both runtimes must accept the same messages. So this code checks by itself.
    """
    missing = 0  # continuation bytes still to come
    low = 0x80  # bounds of the next one, which are narrower only right after some lead bytes
    high = 0xBF
    for byte in text:
        if missing:
            if not low <= byte <= high:
                return False
            low = 0x80
            high = 0xBF
            missing -= 1
        elif byte >= 0x80:
            if 0xC2 <= byte <= 0xDF:
                missing = 1
            elif 0xE0 <= byte <= 0xEF:
                missing = 2
                if byte == 0xE0:
                    low = 0xA0
                elif byte == 0xED:
                    high = 0x9F
            elif 0xF0 <= byte <= 0xF4:
                missing = 3
                if byte == 0xF0:
                    low = 0x90
                elif byte == 0xF4:
                    high = 0x8F
            else:
                return False
    return not missing
