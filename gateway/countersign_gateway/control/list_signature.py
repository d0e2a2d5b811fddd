"""What a provisioner signs of a list of boards. Both sides of it import this file, and it nothing.

It binds each row to the site that the row names, and to no gateway: any gateway of that site takes
the list, also one that succeeds another. It has no number and no date. So an old list can be
admitted after a newer one, by whoever may admit at the gateway's own machine. It brings back
nothing that a person there took away: a denied device stays out until a person approves it or
admits it by its public key, a revoked one for ever, and one that enrolled keeps what it is. Rows
may end on a day (`valid_until`).

The signature covers every byte of the list: BIP-340 over its tagged hash, whose tag is `TAG`.
It stands beside the file in NAME.sig, as `public key` and `signature` in hexadecimal with a space
between them.
"""

from __future__ import annotations

import re

from countersign.tagged import tagged_sha256

SUFFIX = ".sig"
TAG = "countersign/AdmissionList/1"
MOST_LIST_BYTES = 1024 * 1024


def list_digest(content: bytes) -> bytes:
    """The 32 bytes that the provisioner's key signs."""
    digest: bytes = tagged_sha256(TAG, content)
    return digest


def written(public_key: bytes, signature: bytes) -> str:
    """The content of the file beside the list."""
    return f"{public_key.hex()} {signature.hex()}\n"


def read(text: str) -> tuple[bytes, bytes]:
    """(public key, signature). ValueError if the text is not as `written` writes it."""
    match = re.fullmatch(r"([0-9a-f]{64}) ([0-9a-f]{128})\s*", text)
    if match is None:
        raise ValueError("not a public key and a signature in hexadecimal")
    return bytes.fromhex(match[1]), bytes.fromhex(match[2])
