"""Rebuilds the receipts root of a block from its receipts (Ethereum Yellow Paper, appendix D).

A block's header holds the root of a Merkle Patricia trie: under the RLP of each transaction's index
stands the encoded receipt of that transaction, with its status, its bloom and its logs. A root that
comes out right shows that no receipt was changed, left out or added (decision 0036).
"""

from __future__ import annotations

from typing import Any

import rlp
from web3 import Web3

from countersign_gateway.anchoring import answers

_Nibbles = tuple[int, ...]


def receipts_root(receipts: list[dict[str, Any]]) -> bytes:
    """The root over a block's receipts as JSON-RPC gives them, in the order of the block.

    UpstreamDown for a receipt without its fields.
    """
    items = {
        _nibbles(rlp.encode(index)): encoded_receipt(receipt)
        for index, receipt in enumerate(receipts)
    }
    if not items:
        return _keccak(rlp.encode(b""))
    return _keccak(rlp.encode(_node(items, 0)))


def encoded_receipt(receipt: dict[str, Any]) -> bytes:
    """A receipt as the trie holds it: RLP, after its type if it is typed (EIP-2718)."""
    # Before Byzantium a receipt held a state root in place of its status.
    outcome = receipt.get("status")
    status = (
        _integer(answers.number(outcome))
        if outcome is not None
        else answers.data(receipt.get("root"))
    )
    logs = [
        [
            answers.data(entry.get("address")),
            [answers.data(topic) for topic in answers.sequence(entry.get("topics"))],
            answers.data(entry.get("data")),
        ]
        for entry in map(answers.mapping, answers.sequence(receipt.get("logs")))
    ]
    body: bytes = rlp.encode(
        [
            status,
            _integer(answers.number(receipt.get("cumulativeGasUsed"))),
            answers.data(receipt.get("logsBloom")),
            logs,
        ]
    )
    kind = answers.number(receipt.get("type", "0x0"))
    return body if kind == 0 else _integer(kind) + body


def _node(items: dict[_Nibbles, bytes], depth: int) -> list[Any]:
    """The trie node over these items, whose paths are the same up to `depth`."""
    if len(items) == 1:
        ((path, value),) = items.items()
        return [_compact(path[depth:], leaf=True), value]
    shared = _shared(list(items), depth)
    if shared > depth:
        first = next(iter(items))
        return [_compact(first[depth:shared], leaf=False), _reference(_node(items, shared))]
    # No path of an index is the start of another, so a branch holds no value of its own.
    branch: list[Any] = []
    for nibble in range(16):
        below = {path: value for path, value in items.items() if path[depth] == nibble}
        branch.append(_reference(_node(below, depth + 1)) if below else b"")
    return [*branch, b""]


def _shared(paths: list[_Nibbles], depth: int) -> int:
    """How far all paths are the same. `depth` at least."""
    end = depth
    while all(len(path) > end and path[end] == paths[0][end] for path in paths):
        end += 1
    return end


def _reference(node: list[Any]) -> Any:
    """A node inside its parent: itself if its RLP is short, its hash otherwise."""
    encoded = rlp.encode(node)
    return node if len(encoded) < 32 else _keccak(encoded)


def _compact(path: _Nibbles, leaf: bool) -> bytes:
    """Nibbles as bytes, with a flag for leaf and odd length (hex prefix encoding)."""
    flag = 2 if leaf else 0
    padded = (flag + 1, *path) if len(path) % 2 else (flag, 0, *path)
    return bytes(padded[i] << 4 | padded[i + 1] for i in range(0, len(padded), 2))


def _nibbles(key: bytes) -> _Nibbles:
    return tuple(nibble for byte in key for nibble in (byte >> 4, byte & 15))


def _integer(value: int) -> bytes:
    """RLP's integer: big-endian without leading zeros, empty for 0."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _keccak(value: bytes) -> bytes:
    return bytes(Web3.keccak(value))
