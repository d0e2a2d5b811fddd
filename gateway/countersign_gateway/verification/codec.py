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
        # cbor2 sorts keys by length first (RFC 7049), we bytewise (RFC 8949). For every key that
        # a message can have the two agree, see `evidence.MAX_READING_NAME_BYTES`.
        if cbor2.dumps(value, canonical=True) != data:
            raise _NotPlain
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError):
        raise _NotPlain from None
    if type(value) is dict:
        # 3.0 and True are equal to 3 and 1 as dict keys, so a lookup by key would find them.
        for key in value:
            if type(key) is not int:
                raise _NotPlain
    return value


def seal_result(values: dict[str, Any], sign: Any) -> bytes:
    """As `messages.seal(ATTESTATION_RESULT, …)`, byte for byte, for values made by this gateway.

    `values` must hold every field in the order of the definition. Field ranges are not checked
    again here; the tests hold this function against the shared one.
    """
    definition = _RESULT
    payload = cbor2.dumps(dict(zip(_RESULT_KEYS, values.values(), strict=True)))
    signature = sign(messages.signing_digest(definition, payload))
    sealed: bytes = cbor2.dumps([definition.protected, {}, payload, signature])
    return sealed


_RESULT = messages.BY_TYPE[messages.ATTESTATION_RESULT]
_RESULT_KEYS = tuple(key for key, _, _ in _RESULT.payload.fields)
