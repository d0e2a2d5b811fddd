"""Receipt: proves to one device that the ledger holds one decision about it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from countersign import messages
from countersign_gateway.model import Anchored
from countersign_gateway.statements.signer import Signer


def seal(
    signer: Signer,
    *,
    device_id: bytes,
    message: bytes,
    result: bytes,
    anchored: Anchored,
    leaf_index: int,
    inclusion_proof: Sequence[bytes],
) -> bytes:
    """message, result: the bytes that the leaf commits to. leaf_index: its place in the batch."""
    return messages.seal(
        messages.RECEIPT,
        {
            "gateway_id": signer.gateway_id,
            "device_id": device_id,
            "subject": hashlib.sha256(message).digest(),
            "result_digest": hashlib.sha256(result).digest(),
            "sequence": anchored.sequence,
            "leaf_index": leaf_index,
            "tree_size": anchored.size,
            "batch_root": anchored.root,
            "inclusion_proof": inclusion_proof,
            "chain_id": anchored.chain_id,
            "contract": anchored.contract,
            "block_number": anchored.block_number,
            "transaction_hash": anchored.transaction_hash,
        },
        signer.sign,
    )
