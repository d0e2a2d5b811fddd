"""Error: why a message was not believed, or not taken. It answers nothing and moves nothing."""

from __future__ import annotations

from countersign import messages
from countersign_gateway.statements.signer import Signer


def seal(signer: Signer, *, device_id: bytes, payload: bytes, reason: int) -> bytes:
    """payload: the whole message that is refused, as it came; the Error names its SHA-256."""
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
