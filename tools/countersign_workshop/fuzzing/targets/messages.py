"""Whole messages into both readers: the strict one of the library and the gateway's fast one.

They must agree in what they accept, in every field, and in the reason of every refusal. What they
accept encodes to the same bytes again, and the gateway's scan alone accepts all that a device may
send: no general decoder and no slow one is needed for it.
"""

from __future__ import annotations

import random
from typing import Any

from countersign import cbor, messages, reasons
from countersign_gateway.verification import codec
from countersign_workshop.fuzzing import hostile_cbor, lax_cbor, mutation
from countersign_workshop.fuzzing.target import Broken, corpus


class Messages:
    name = "messages"

    def __init__(self) -> None:
        self._seeds = corpus("messages")
        self._parts: list[list[Any]] = [_list(cbor.decode(seed)) for seed in self._seeds]

    def make(self, rng: random.Random) -> bytes:
        if rng.random() < 0.08:
            return hostile_cbor.message(rng)
        if rng.random() < 0.25:
            return mutation.mutated(rng, rng.choice(self._seeds), rng.choice(self._seeds))
        protected, unprotected, payload, signature = rng.choice(self._parts)
        liberty = rng.choice((0.0, 0.0, 0.03))
        fields = mutation.changed_item(rng, cbor.decode(payload))
        envelope: Any = [protected, unprotected, lax_cbor.encode(rng, fields, liberty), signature]
        kind = rng.randrange(8)
        if kind == 0:
            envelope[0] = rng.choice(self._parts)[0]
        elif kind == 1:
            envelope = mutation.changed_item(rng, envelope)
        return lax_cbor.encode(rng, envelope, liberty / 2)

    def check(self, data: bytes) -> None:
        strict, fast = _read(messages.open_message, data), _read(codec.open_message, data)
        if strict != fast:
            raise Broken("the strict reader and the fast one disagree")
        if isinstance(strict, int):
            if strict not in reasons.OF_ANY:
                raise Broken(f"refused for {strict}, which no message may be refused for")
            return
        name, fields, payload, signature = strict
        definition = next(one for one in messages.DEFINITIONS if one.name == name)
        from_device = definition.sender == messages.DEVICE
        if codec.named_device(data) != (fields["device_id"] if from_device else None):
            raise Broken("the scan and the strict reader disagree")
        if cbor.encode(definition.payload.to_wire(fields)) != payload:
            raise Broken("the payload is not the encoding of its fields")
        if cbor.encode([definition.protected, {}, payload, signature]) != data:
            raise Broken("the message is not the encoding of its parts")


def _read(read: Any, data: bytes) -> Any:
    """The reason of a refusal, or all parts of the message."""
    try:
        message = read(data)
    except reasons.Refused as refused:
        return refused.reason
    return message.name, message.fields, message.payload, message.signature


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a message is an array")
    return value
