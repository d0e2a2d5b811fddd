"""A fast reader of messages that keeps every rule of the strict decoder.

A scan decides whether bytes are a device's message in its one encoding, before any general decoder
sees them (plain_shape.py). cbor2 (C) then makes the values of a payload that the scan has accepted:
it meets nothing but the heads that the message's definition names, so no tag, no shared reference
and no claimed length reaches it. Whatever the scan does not accept is for the shared strict
decoder: it alone refuses, and it gives the reason.

Each part of a message is scanned once and decoded once, and both are linear in its length. Nothing
is ever encoded again for a comparison: a small message can stand for a huge value.
"""

from __future__ import annotations

from typing import Any

import cbor2

from countersign import cbor, messages, reasons
from countersign_gateway.verification import plain_shape


def open_message(data: bytes) -> messages.Message:
    """As `countersign.messages.open_message`: the same messages, the same refusals, faster."""
    return messages.open_message(data, _decode)


def plain_message(data: bytes) -> messages.Message | None:
    """A device's well-formed message; None for anything else, of which nothing but the scan is
    done: this is for a process that has no use for the reason."""
    parts = plain_shape.envelope(data) if len(data) <= messages.MAX_MESSAGE_BYTES else None
    if parts is None or not plain_shape.is_payload(parts[2]):
        return None
    try:
        return open_message(data)
    except reasons.Refused:
        return None


def named_device(data: bytes) -> bytes | None:
    """The device that a device's well-formed message names; None for anything else."""
    message = plain_message(data)
    return None if message is None else message.fields["device_id"]


def _decode(data: bytes, max_items: int) -> Any:
    """The value of an envelope or of a payload. reasons.Refused as the strict decoder refuses."""
    if len(data) <= messages.MAX_MESSAGE_BYTES:
        parts = plain_shape.envelope(data)
        if parts is not None:
            return parts
        if plain_shape.is_payload(data):
            return cbor2.loads(data)
    return cbor.decode(data, max_items=max_items)
