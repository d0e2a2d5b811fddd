"""Any bytes into the CBOR decoder: a reason-coded refusal, or a value with exactly these bytes."""

from __future__ import annotations

import random
from typing import Any

from countersign import cbor, reasons
from countersign_workshop.fuzzing import hostile_cbor, lax_cbor, mutation
from countersign_workshop.fuzzing.target import Broken, corpus

ALLOWED = {
    reasons.MALFORMED,
    reasons.TRUNCATED,
    reasons.OVERSIZED,
    reasons.OVER_DEEP,
    reasons.NON_CANONICAL,
    reasons.TRAILING_BYTES,
}


class Codec:
    name = "codec"

    def __init__(self) -> None:
        self._seeds = corpus("messages")
        self._values: list[Any] = [cbor.decode(seed) for seed in self._seeds]

    def make(self, rng: random.Random) -> bytes:
        kind = rng.randrange(4)
        if rng.random() < 0.08:
            return hostile_cbor.message(rng)
        if kind == 0:
            return mutation.mutated(rng, rng.choice(self._seeds), rng.choice(self._seeds))
        value = mutation.item(rng) if kind == 1 else rng.choice(self._values)
        if kind == 2:
            value = mutation.changed_item(rng, value)
        return lax_cbor.encode(rng, value, rng.choice((0.0, 0.02, 0.2)))

    def check(self, data: bytes) -> None:
        try:
            value = cbor.decode(data)
        except reasons.Refused as refused:
            if refused.reason not in ALLOWED:
                raise Broken(f"refused for {refused.reason}, which is none of a codec's") from None
            return
        if cbor.encode(value) != data:
            raise Broken("accepted bytes that are not the encoding of their value")
