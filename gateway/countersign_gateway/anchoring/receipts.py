"""A receipt for every decision of a finalized batch: proof that the ledger has it.

All inclusion proofs of a batch come from one tree, built once: 2n hashes for n receipts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from countersign import merkle, messages
from countersign_gateway.model import Anchored, Batch, Reply
from countersign_gateway.registry.interface import Registry


class DamagedBatch(Exception):
    """The stored commitments no longer give the root that was anchored."""


class Receipts:
    """Builds Receipt messages. `sign(digest)` is the gateway's BIP-340 signature (64 bytes)."""

    def __init__(
        self, registry: Registry, gateway_id: bytes, sign: Callable[[bytes], bytes]
    ) -> None:
        self._registry = registry
        self._gateway_id = gateway_id
        self._sign = sign

    def replies(self, batch: Batch, anchored: Anchored) -> Iterator[Reply]:
        """One receipt for each decision of the batch, in order. DamagedBatch before the first."""
        tree = merkle.Tree(self._registry.commitments(batch.first_position, batch.size))
        if tree.root != batch.root:
            raise DamagedBatch(f"batch {batch.sequence}")
        for recorded in self._registry.messages(batch.first_position, batch.size):
            index = recorded.position - batch.first_position
            yield Reply(
                recorded.device_id,
                "receipt",
                messages.seal(
                    messages.RECEIPT,
                    {
                        "gateway_id": self._gateway_id,
                        "device_id": recorded.device_id,
                        "subject": hashlib.sha256(recorded.message).digest(),
                        "result_digest": hashlib.sha256(recorded.result).digest(),
                        "sequence": batch.sequence,
                        "leaf_index": index,
                        "tree_size": batch.size,
                        "batch_root": batch.root,
                        "inclusion_proof": tree.inclusion_proof(index),
                        "chain_id": anchored.chain_id,
                        "contract": anchored.contract,
                        "block_number": anchored.block_number,
                        "transaction_hash": anchored.transaction_hash,
                    },
                    self._sign,
                ),
            )
