"""Beacon: a random value that dates evidence for devices without a clock, and the freshness."""

from __future__ import annotations

from countersign import messages
from countersign_gateway.model import REVOCATION_EPOCH, Freshness
from countersign_gateway.statements.signer import Signer


def seal(
    signer: Signer, *, beacon: bytes, sequence: int, policy_version: int, freshness: Freshness
) -> bytes:
    """beacon: the 32 random bytes. sequence: greater with every beacon of this gateway."""
    return messages.seal(
        messages.BEACON,
        {
            "gateway_id": signer.gateway_id,
            "beacon": beacon,
            "sequence": sequence,
            "policy_version": policy_version,
            "revocation_epoch": REVOCATION_EPOCH,
            "mode": freshness.mode,
            "age_s": freshness.age_s,
        },
        signer.sign,
    )
