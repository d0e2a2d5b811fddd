"""Encodes CBOR with every liberty that the deterministic encoding forbids, each now and then."""

from __future__ import annotations

import random
from typing import Any


def encode(rng: random.Random, value: Any, liberty: float) -> bytes:
    """liberty: how likely each head, order or string is written in a way that is not allowed."""
    parts: list[bytes] = []
    _append(rng, parts, value, liberty)
    return b"".join(parts)


def _append(rng: random.Random, parts: list[bytes], value: Any, liberty: float) -> None:
    if liberty and rng.random() < liberty / 4:
        parts.append(rng.choice((b"\xc0", b"\xd8\x20", b"\xf7", b"\xf9\x3c\x00", b"\xff", b"\x1c")))
        return
    if value is None or value is True or value is False:
        parts.append(b"\xf6" if value is None else b"\xf5" if value else b"\xf4")
    elif isinstance(value, int):
        major, argument = (0, value) if value >= 0 else (1, -1 - value)
        parts.append(_head(rng, major, min(argument, 2**64 - 1), liberty))
    elif isinstance(value, bytes):
        _string(rng, parts, 2, value, liberty)
    elif isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        if liberty and rng.random() < liberty / 2:
            text += rng.choice((b"\xc0\x80", b"\xed\xa0\x80", b"\x80", b"\xf4\x90\x80\x80"))
        _string(rng, parts, 3, text, liberty)
    elif isinstance(value, list):
        indefinite = liberty and rng.random() < liberty / 2
        parts.append(b"\x9f" if indefinite else _head(rng, 4, len(value), liberty))
        for entry in value:
            _append(rng, parts, entry, liberty)
        if indefinite:
            parts.append(b"\xff")
    else:
        _map(rng, parts, value, liberty)


def _map(rng: random.Random, parts: list[bytes], value: dict[Any, Any], liberty: float) -> None:
    pairs = []
    for key, entry in value.items():
        encoded: list[bytes] = []
        _append(rng, encoded, key, liberty / 2)
        pairs.append((b"".join(encoded), entry))
    pairs.sort(key=lambda pair: pair[0])
    if liberty and pairs and rng.random() < liberty:
        if rng.random() < 0.5:
            rng.shuffle(pairs)
        else:
            pairs.append(rng.choice(pairs))
    indefinite = liberty and rng.random() < liberty / 2
    parts.append(b"\xbf" if indefinite else _head(rng, 5, len(pairs), liberty))
    for encoded_key, entry in pairs:
        parts.append(encoded_key)
        _append(rng, parts, entry, liberty)
    if indefinite:
        parts.append(b"\xff")


def _string(
    rng: random.Random, parts: list[bytes], major: int, data: bytes, liberty: float
) -> None:
    if liberty and rng.random() < liberty / 2:
        half = len(data) // 2
        parts.append(bytes([major << 5 | 31]))
        for piece in (data[:half], data[half:]):
            parts.append(_head(rng, major, len(piece), 0.0))
            parts.append(piece)
        parts.append(b"\xff")
        return
    parts.append(_head(rng, major, len(data), liberty))
    parts.append(data)


def _head(rng: random.Random, major: int, argument: int, liberty: float) -> bytes:
    wider = rng.randrange(4) if liberty and rng.random() < liberty else 0
    if liberty and rng.random() < liberty / 4:
        argument = rng.choice((argument + 1, argument * 2, 2**31, 2**32 - 1, 2**64 - 1))
    widths = [w for w in (0, 1, 2, 4, 8) if (24 if w == 0 else 1 << 8 * w) > argument] or [8]
    width = widths[min(wider, len(widths) - 1)]
    if width == 0:
        return bytes([major << 5 | argument])
    info = {1: 24, 2: 25, 4: 26, 8: 27}[width]
    return bytes([major << 5 | info]) + min(argument, 2**64 - 1).to_bytes(width, "big")
