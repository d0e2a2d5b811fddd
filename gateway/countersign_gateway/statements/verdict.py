"""AttestationResult: the answer to a message that verified, allowed or denied.

One is made for every message, so cbor2 (C) encodes it instead of the shared codec. The tests
compare the bytes of both.
"""

from __future__ import annotations

import cbor2

from countersign import messages
from countersign_gateway.model import REVOCATION_EPOCH, Freshness
from countersign_gateway.statements.signer import Signer

_DEFINITION = messages.BY_TYPE[messages.ATTESTATION_RESULT]
_KEYS = tuple(key for key, _, _ in _DEFINITION.payload.fields)
# `seal` gives the values in this order, and does not check their ranges again.
_FIELDS = (
    "gateway_id",
    "device_id",
    "subject",
    "allow",
    "reason",
    "mode",
    "age_s",
    "policy_version",
    "revocation_epoch",
    "counter",
)
if tuple(name for _, name, _ in _DEFINITION.payload.fields) != _FIELDS:
    raise RuntimeError("AttestationResult has other fields than statements/verdict.py writes")


def seal(
    signer: Signer,
    *,
    device_id: bytes,
    subject: bytes,
    allow: bool,
    reason: int,
    freshness: Freshness,
    policy_version: int,
    counter: int,
) -> bytes:
    """subject: the SHA-256 of the message that is answered. counter: the one in that message."""
    values = (
        signer.gateway_id,
        device_id,
        subject,
        allow,
        reason,
        freshness.mode,
        freshness.age_s,
        policy_version,
        REVOCATION_EPOCH,
        counter,
    )
    payload = cbor2.dumps(dict(zip(_KEYS, values, strict=True)))
    signature = signer.sign(messages.signing_digest(_DEFINITION, payload))
    sealed: bytes = cbor2.dumps([_DEFINITION.protected, {}, payload, signature])
    return sealed
