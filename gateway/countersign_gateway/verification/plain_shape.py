"""Scans bytes for the shapes that a device's messages may have, before any decoder reads them.

Every such message has a fixed shape: known keys in a known order, strings of known lengths. So its
definition gives a regular expression over the bytes, which matches its one encoding and nothing
else: shortest heads, definite lengths, sorted keys, printable names, no tag. (Only the order of the
readings' names and their number are not regular; `is_payload` looks at them itself.)

The scan is linear: the next byte always decides between alternatives, and the one repetition gives
nothing back. It takes and keeps no memory but its result.

Ranges of values are the fields' own affair (countersign.fields); the scan accepts any number.
"""

from __future__ import annotations

import re
from typing import Any

from countersign import cbor, messages
from countersign.fields import Bytes, Field, Nullable, Record, Uint
from countersign.messages.attestation import (
    MAX_READING_NAME_BYTES,
    MAX_READINGS,
    MAX_VERSION_BYTES,
    Audience,
    Readings,
    SoftwareVersion,
    Ueid,
)
from countersign.suites import SIGNATURE_SIZES

_DEFINITIONS = tuple(one for one in messages.DEFINITIONS if one.sender == messages.DEVICE)
_PRINTABLE = rb"[\x20-\x7e]"


def envelope(data: bytes) -> list[Any] | None:
    """[protected, {}, payload, signature] if `data` is a device's message in its one encoding,
    whatever its payload holds; None otherwise."""
    start = _ENVELOPE.match(data)
    if start is None:
        return None
    at = start.end()
    end = at + int.from_bytes(start[start.lastindex or 0], "big")
    signature = _SIGNATURE.fullmatch(data, end)
    if signature is None:
        return None
    return [_PROTECTED[start[1]], {}, data[at:end], signature[signature.lastindex or 0]]


def is_payload(data: bytes) -> bool:
    """Whether `data` has the shape of the payload of one of a device's messages."""
    found = _PAYLOAD.fullmatch(data)
    if found is None:
        return False
    readings = found[1]
    return readings is None or _in_order(readings)


def _in_order(readings: bytes) -> bool:
    """Whether a map of the readings' shape has as many pairs as its head says, and its names
    ascend strictly by their encoded bytes: sorted, and each only once."""
    names = _PAIR.findall(readings, 1)
    return len(names) == readings[0] - 0xA0 and all(map(bytes.__lt__, names, names[1:]))


def _text(most: int) -> bytes:
    """A text of 1 to `most` printable characters."""
    lengths = [
        re.escape(_head(3, size)) + _PRINTABLE + b"{%d}" % size for size in range(1, most + 1)
    ]
    return b"(?:" + b"|".join(lengths) + b")"


def _number(major: int) -> bytes:
    """A number of a major type (0 or 1) in its shortest form."""
    first = major << 5
    forms = (
        b"[%b-%b]" % (re.escape(bytes([first])), re.escape(bytes([first + 23]))),
        re.escape(bytes([first + 24])) + rb"[\x18-\xff]",
        re.escape(bytes([first + 25])) + rb"(?!\x00).{2}",
        re.escape(bytes([first + 26])) + rb"(?!\x00\x00).{4}",
        re.escape(bytes([first + 27])) + rb"(?!\x00{4}).{8}",
    )
    return b"(?:" + b"|".join(forms) + b")"


def _head(major: int, argument: int) -> bytes:
    """The head of a string, an array or a map, by way of the one encoder."""
    sample = cbor.encode(argument)
    return bytes([sample[0] | major << 5]) + sample[1:]


def _string(size: int) -> bytes:
    return re.escape(_head(2, size)) + b".{%d}" % size


_NAME = _text(MAX_READING_NAME_BYTES)
_VALUE = b"(?:" + _number(0) + b"|" + _number(1) + b")"


def _shape(field: Field) -> bytes:
    """The expression for a field's items. TypeError for a field that nobody has thought about."""
    if isinstance(field, Nullable):
        return rb"(?:\xf6|" + _shape(field.field) + b")"
    if isinstance(field, Record):
        pairs = [re.escape(cbor.encode(key)) + _shape(inner) for key, _, inner in field.fields]
        return re.escape(_head(5, len(pairs))) + b"".join(pairs)
    if isinstance(field, Bytes):
        return _string(field.size)
    if isinstance(field, Uint):
        return _number(0)
    if isinstance(field, Ueid):
        return re.escape(_head(2, 33)) + rb"\x01.{32}"
    if isinstance(field, Audience):
        return re.escape(_head(3, 64)) + b"[0-9a-f]{64}"
    if isinstance(field, SoftwareVersion):
        return re.escape(_head(4, 1)) + _text(MAX_VERSION_BYTES)
    if isinstance(field, Readings):
        counts = b"[%b-%b]" % (re.escape(_head(5, 0)), re.escape(_head(5, MAX_READINGS)))
        return b"(" + counts + b"(?:" + _NAME + _VALUE + b")*+)"
    raise TypeError(f"no shape for {type(field).__name__}")


# The header of each message, by its encoding as a byte string.
_PROTECTED = {_head(2, len(one.protected)) + one.protected: one.protected for one in _DEFINITIONS}

# Up to the head of the payload: the header (group 1) and the payload's length (the other group).
_ENVELOPE = re.compile(
    re.escape(_head(4, 4))
    + b"("
    + b"|".join(map(re.escape, _PROTECTED))
    + b")"
    + re.escape(_head(5, 0))
    + rb"(?:\x58([\x18-\xff])|\x59((?!\x00).{2}))",
    re.DOTALL,
)
_SIGNATURE = re.compile(
    b"|".join(re.escape(_head(2, size)) + b"(.{%d})" % size for size in SIGNATURE_SIZES),
    re.DOTALL,
)
_PAIR = re.compile(b"(" + _NAME + b")" + _VALUE, re.DOTALL)
_PAYLOAD = re.compile(b"|".join(_shape(one.payload) for one in _DEFINITIONS), re.DOTALL)
