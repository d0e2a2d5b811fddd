"""The interface of a statement's signer: an identity, and a function that signs for it."""

from __future__ import annotations

from typing import Protocol


class Signer(Protocol):
    """keys.SigningKey, or a substitute in tests. Safe from any thread."""

    @property
    def gateway_id(self) -> bytes:
        """The 32 bytes by which every statement names its signer."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """A 64-byte BIP-340 signature over exactly 32 bytes."""
        ...
