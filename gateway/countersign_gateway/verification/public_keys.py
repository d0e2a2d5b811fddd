"""Keeps parsed public keys, because parsing costs a square root each time."""

from __future__ import annotations

from collections import OrderedDict

from coincurve import PublicKeyXOnly

MAX_KEYS = 16384


class PublicKeys:
    """A bounded table of parsed keys; drops the least recently used one. For one thread."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._keys: OrderedDict[bytes, PublicKeyXOnly] = OrderedDict()

    def verify(self, public_key: bytes, digest: bytes, signature: bytes) -> bool:
        """BIP-340 verification by libsecp256k1. False also if the key is not on the curve."""
        parsed = self._keys.get(public_key)
        if parsed is None:
            parsed = self._parse(public_key)
            if parsed is None:
                return False
        else:
            self._keys.move_to_end(public_key)
        return parsed.verify(signature, digest)

    def is_key(self, public_key: bytes) -> bool:
        """Whether these 32 bytes are the x coordinate of a point (BIP-340 lift_x)."""
        return public_key in self._keys or self._parse(public_key) is not None

    def __len__(self) -> int:
        return len(self._keys)

    def _parse(self, public_key: bytes) -> PublicKeyXOnly | None:
        try:
            parsed = PublicKeyXOnly(public_key)
        except ValueError:
            return None
        self._keys[public_key] = parsed
        if len(self._keys) > self._max_keys:
            self._keys.popitem(last=False)
        return parsed
