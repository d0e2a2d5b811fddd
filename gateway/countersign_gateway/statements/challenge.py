"""EnrolChallenge: the challenge that an applicant must answer to prove its key."""

from __future__ import annotations

from dataclasses import asdict

from countersign import messages
from countersign_gateway.model import RegistrationOffer
from countersign_gateway.statements.signer import Signer


def seal(
    signer: Signer,
    *,
    device_id: bytes,
    request_nonce: bytes,
    challenge: bytes,
    offer: RegistrationOffer | None,
) -> bytes:
    """request_nonce: that of the request. offer: the device's future entry on the ledger, for it to
    sign; None without a ledger."""
    return messages.seal(
        messages.ENROL_CHALLENGE,
        {
            "gateway_id": signer.gateway_id,
            "device_id": device_id,
            "request_nonce": request_nonce,
            "challenge": challenge,
            "registration": None if offer is None else asdict(offer),
        },
        signer.sign,
    )
