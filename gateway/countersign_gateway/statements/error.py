"""Error: the reason why a message was refused. It changes nothing of the device's state."""

from __future__ import annotations

from countersign import messages
from countersign_gateway.statements.signer import Signer


def seal(signer: Signer, *, device_id: bytes, payload: bytes, reason: int) -> bytes:
    """payload: the whole refused message as received; the Error names its SHA-256."""
    return messages.seal(
        messages.ERROR,
        {
            "gateway_id": signer.gateway_id,
            "device_id": device_id,
            "subject": messages.digest(payload),
            "reason": reason,
        },
        signer.sign,
    )
