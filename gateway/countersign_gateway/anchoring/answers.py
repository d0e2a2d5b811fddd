"""Reads the values of a node's answers. What has another shape is no answer: UpstreamDown."""

from __future__ import annotations

from typing import Any

from countersign_gateway.anchoring.ledger import UpstreamDown


def message(error: Any) -> str:
    """The text of a JSON-RPC error. The node wrote it, so it is shortened and on one line."""
    text = error.get("message") if isinstance(error, dict) else None
    return " ".join(str(text or "refused without a reason").split())[:200]


def number(value: Any) -> int:
    """A quantity: 0x and hexadecimal digits."""
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        raise UpstreamDown("the node answered something else than a number") from None


def data(value: Any) -> bytes:
    """Bytes: 0x and pairs of hexadecimal digits."""
    try:
        return bytes.fromhex(value.removeprefix("0x"))
    except (AttributeError, ValueError):
        raise UpstreamDown("the node answered something else than bytes") from None


def mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UpstreamDown("the node answered something else than an object")
    return value


def sequence(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise UpstreamDown("the node answered something else than a list")
    return value


def as_hex(value: bytes) -> str:
    return "0x" + value.hex()
