"""Reading messages at speed without giving up one rule of the strict decoder.

cbor2 (C) decodes, and what it decoded is encoded again: if the bytes differ, the message was not
in the one encoding that is allowed. This path may only accept. Whatever it does not accept is
read once more by the shared strict codec, which alone names reasons, and which has the last word.
"""

from __future__ import annotations

from typing import Any

import cbor2

from countersign import messages, reasons


class _NotPlain(Exception):
    """The fast path will not vouch for this; the strict codec decides."""


def open_message(data: bytes) -> messages.Message:
    """As `countersign.messages.open_message`: the same messages, the same refusals, faster."""
    try:
        return messages.open_message(data, _decode)
    except (_NotPlain, reasons.Refused):
        return messages.open_message(data)


def _decode(data: bytes, max_bytes: int, max_depth: int) -> Any:
    """The value in `data` if it is plainly canonical, _NotPlain otherwise.

    `max_depth` needs no check of its own: no shape that a message accepts comes near it.
    """
    if len(data) > max_bytes:
        raise _NotPlain
    try:
        value = cbor2.loads(data)
        # Shortest heads, definite lengths, no duplicate keys, nothing after the end.
        if cbor2.dumps(value) != data:
            raise _NotPlain
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError):
        raise _NotPlain from None
    if type(value) is dict:
        _check_order(value)
    return value


def _check_order(value: dict[Any, Any]) -> None:
    """_NotPlain unless the keys of a payload, and of maps in it, are what and where they must be.

    cbor2 keeps the order it met, so encoding again does not show it. Types are looked at because
    3.0 and True are equal to 3 and 1 as dict keys: a lookup by key would find them.
    """
    keys = tuple(value)
    if keys not in _KEY_ORDERS:
        raise _NotPlain
    for key in keys:
        if type(key) is not int:
            raise _NotPlain
        item = value[key]
        if type(item) is dict and len(item) > 0:
            previous = b""
            for name in item:
                if type(name) is not str:
                    raise _NotPlain
                # Names are shorter than 24 bytes, so their heads sort as their lengths do.
                encoded = name.encode()
                if (len(encoded), encoded) <= (len(previous), previous):
                    raise _NotPlain
                previous = encoded


# The keys of each payload in the one order that is allowed.
_KEY_ORDERS = frozenset(
    tuple(key for key, _, _ in definition.payload.fields) for definition in messages.DEFINITIONS
)
