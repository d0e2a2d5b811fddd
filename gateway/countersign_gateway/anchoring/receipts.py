"""Makes a receipt for every decision of a finalized batch: it proves that the ledger holds it.

All inclusion proofs of a batch come from one tree, which takes 2n hashes for n receipts.
"""

from __future__ import annotations

from collections.abc import Iterator

from countersign import merkle
from countersign_gateway.model import Anchored, Batch, Reply
from countersign_gateway.registry.interface import Batches
from countersign_gateway.statements import receipt
from countersign_gateway.statements.signer import Signer


class DamagedBatch(Exception):
    """The root of the stored commitments differs from the anchored root."""


class Receipts:
    """Builds Receipt messages."""

    def __init__(self, registry: Batches, signer: Signer) -> None:
        self._registry = registry
        self._signer = signer

    def replies(self, batch: Batch, anchored: Anchored) -> Iterator[Reply]:
        """One receipt for each decision of the batch, in order. DamagedBatch before the first."""
        tree = merkle.Tree(self._registry.commitments(batch.first_position, batch.size))
        if tree.root != batch.root:
            raise DamagedBatch(f"batch {batch.sequence}")
        for stored in self._registry.messages(batch.first_position, batch.size):
            leaf_index = stored.position - batch.first_position
            sealed = receipt.seal(
                self._signer,
                device_id=stored.device_id,
                message=stored.message,
                result=stored.result,
                anchored=anchored,
                leaf_index=leaf_index,
                inclusion_proof=tree.inclusion_proof(leaf_index),
            )
            yield Reply(stored.device_id, "receipt", sealed)
