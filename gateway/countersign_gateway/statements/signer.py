"""What a statement needs of its maker: an identity, and the means to sign for it."""

from __future__ import annotations

from typing import Protocol


class Signer(Protocol):
    """keys.SigningKey, or what stands in for it. Safe from any thread."""

    @property
    def gateway_id(self) -> bytes:
        """The 32 bytes that every statement names as its maker."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """A 64-byte BIP-340 signature over exactly 32 bytes."""
        ...
