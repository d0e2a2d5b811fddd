"""A fast reader of messages that keeps every rule of the strict decoder.

cbor2 (C) decodes the bytes and encodes the value again. If the bytes differ, the message was not in
the one encoding that is allowed. This fast path only accepts. The shared strict codec reads every
message that the fast path does not accept: it alone refuses, and it gives the reason.
"""

from __future__ import annotations

from typing import Any

import cbor2

from countersign import messages, reasons
from countersign.messages import enrolment


class _NotPlain(Exception):
    """The fast path does not accept the message; the strict codec decides."""


def open_message(data: bytes) -> messages.Message:
    """As `countersign.messages.open_message`: the same messages, the same refusals, faster."""
    try:
        return messages.open_message(data, _decode)
    except (_NotPlain, reasons.Refused):
        return messages.open_message(data)


def _decode(data: bytes, max_bytes: int, max_depth: int) -> Any:
    """The value in `data` if it is plainly canonical, _NotPlain otherwise.

    `max_depth` needs no check here: every shape that a message accepts is far flatter.
    """
    if len(data) > max_bytes:
        raise _NotPlain
    try:
        value = cbor2.loads(data)
        # Equal bytes mean: shortest heads, definite lengths, no duplicate keys, no trailing bytes.
        if cbor2.dumps(value) != data:
            raise _NotPlain
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError):
        raise _NotPlain from None
    if type(value) is dict:
        _check_order(value)
    return value


def _check_order(value: dict[Any, Any]) -> None:
    """_NotPlain unless a payload and the maps in it have the right keys in the right order.

    cbor2 keeps the order that it read, so encoding again does not reveal a wrong order. The types
    of keys are checked because 3.0 and True equal 3 and 1 as dict keys: a lookup would find them.
    """
    keys = tuple(value)
    if keys not in _KEY_ORDERS:
        raise _NotPlain
    for key in keys:
        if type(key) is not int:
            raise _NotPlain
        item = value[key]
        if type(item) is dict and len(item) > 0:
            if tuple(map(type, item)) == _INTEGERS and tuple(item) == _REGISTRATION:
                continue
            previous = b""
            for name in item:
                if type(name) is not str:
                    raise _NotPlain
                # Names are shorter than 24 bytes, so their heads sort as their lengths do.
                encoded = name.encode()
                if (len(encoded), encoded) <= (len(previous), previous):
                    raise _NotPlain
                previous = encoded


# The keys of the one map within a payload that has numbers for keys, and their types.
_REGISTRATION = tuple(key for key, _, _ in enrolment.REGISTRATION.fields)
_INTEGERS = (int,) * len(_REGISTRATION)

# The keys of each payload, in the only order that is allowed.
_KEY_ORDERS = frozenset(
    tuple(key for key, _, _ in definition.payload.fields) for definition in messages.DEFINITIONS
)
