"""Signs a report with the provisioner's key, so that a gateway admits the boards in it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from countersign.proofs import schnorr
from countersign_gateway.control import list_signature


def sign(path: Path, secret: bytes) -> Path:
    """Write the signature beside the report. Returns its path; OSError if that fails."""
    signature = schnorr.sign(
        secret, list_signature.list_digest(path.read_bytes()), secrets.token_bytes(32)
    )
    beside = path.with_name(path.name + list_signature.SUFFIX)
    partial = beside.with_name(beside.name + ".tmp")
    partial.write_text(list_signature.written(schnorr.public_key(secret), signature), "ascii")
    os.replace(partial, beside)
    return beside
