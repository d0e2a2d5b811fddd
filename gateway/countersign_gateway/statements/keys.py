"""Private keys of the gateway: their files, and the key that signs statements.

A key file holds one secp256k1 secret as 64 lower-case hexadecimal digits and a newline. Only its
owner may read it (mode 0600). No text, log or exception of this file shows any part of a secret.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Any

from coincurve import PublicKeyXOnly

from countersign import identity
from countersign.proofs import curve
from countersign_gateway.model import OperatorError
from countersign_gateway.statements import libsecp256k1

GROUP_ORDER = curve.N


class KeyFileError(OperatorError):
    """A key file is missing, open to others, or not a key. The text names the file, not the key."""


def create_key_file(path: Path) -> None:
    """Make a new secret key and store it in `path`. KeyFileError if `path` exists already."""
    while True:
        secret_key = secrets.token_bytes(32)
        if 0 < int.from_bytes(secret_key, "big") < GROUP_ORDER:
            break
    try:
        # O_EXCL sets the mode at creation, so others can never read the key, not even briefly.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyFileError(f"{path} exists already; a key is never overwritten") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(secret_key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_key_file(path: Path) -> bytes:
    """The 32 secret bytes in `path`; KeyFileError unless it is private and well-formed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be opened: {error.strerror}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileError(f"{path} is not a regular file")
        if status.st_mode & 0o077:
            raise KeyFileError(f"{path} can be read by others: run chmod 600 {path}")
        text = os.read(descriptor, 66)
    finally:
        os.close(descriptor)
    digits = text.removesuffix(b"\n")
    if len(digits) != 64 or digits.strip(b"0123456789abcdef"):
        raise KeyFileError(f"{path} does not hold 64 lower-case hexadecimal digits")
    secret_key = bytes.fromhex(digits.decode())
    if not 0 < int.from_bytes(secret_key, "big") < GROUP_ORDER:
        raise KeyFileError(f"{path} does not hold a secp256k1 secret")
    return secret_key


class SigningKey:
    """The gateway's key: signs 32-byte digests with BIP-340, byte for byte.

    A self-test at the start shows that the key and the signature library work.
    """

    def __init__(self, secret_key: bytes) -> None:
        self._key_pair = libsecp256k1.key_pair(secret_key)
        public = PublicKeyXOnly.from_secret(secret_key)
        self.public_key: bytes = public.format()
        self.gateway_id: bytes = identity.gateway_id(self.public_key)
        probe_digest = bytes(32)
        if not public.verify(self.sign(probe_digest), probe_digest):
            raise RuntimeError("the signature library failed its self-test")

    @classmethod
    def from_file(cls, path: Path) -> SigningKey:
        return cls(read_key_file(path))

    def sign(self, digest: bytes) -> bytes:
        """A 64-byte BIP-340 signature over exactly 32 bytes."""
        return libsecp256k1.sign(self._key_pair, digest, os.urandom(32))

    def __repr__(self) -> str:
        return f"SigningKey(gateway_id={self.gateway_id.hex()})"

    def __reduce__(self) -> Any:
        raise TypeError("a signing key is not copied or stored")
