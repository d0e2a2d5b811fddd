"""The next keys that the owner holds: made here, kept in encrypted files, never on a board.

Whoever reads a board's flash gets its current key. A rotation needs the next one, so an identity
whose next key lies elsewhere can be taken back. A file holds one key, encrypted under a passphrase
(scrypt, RFC 7914, then ChaCha20-Poly1305, RFC 8439). What the file says in clear, its digest among
it, is authenticated with the key.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countersign import identity
from countersign.proofs import schnorr
from countersign_cli import extras
from countersign_cli.mendable import Mendable
from countersign_cli.provisioning.provisioner_key import new_secret

LEAST_PASSPHRASE = 12
_FORMAT = "countersign next key 1"
# 64 MiB and about a quarter of a second on a workstation.
_SCRYPT = {"n": 2**16, "r": 8, "p": 1}
_SUFFIX = ".next-key.json"


class NextKeyFault(Mendable):
    """A next key cannot be made, kept or opened. The text says what to do, and holds no secret."""

    exit_status = 2


@dataclass(frozen=True)
class Custody:
    """The folder in which the owner keeps next keys, and the passphrase of its files."""

    folder: Path
    passphrase: str = field(repr=False)

    def make(self, name: str) -> bytes:
        """Make a next key for the board `name`. Returns its digest (32 bytes); the file is durable.

        The name of the file begins with that of the board and goes on with the digest, so that no
        key replaces another.
        """
        if len(self.passphrase) < LEAST_PASSPHRASE:
            raise NextKeyFault(f"the passphrase has fewer than {LEAST_PASSPHRASE} characters")
        secret = new_secret()
        public_key = schnorr.public_key(secret)
        digest = identity.next_key_digest(identity.SUITE_SECP256K1, public_key)
        salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
        known = {
            "format": _FORMAT,
            "name": name,
            "suite": identity.SUITE_SECP256K1,
            "public_key": public_key.hex(),
            "next_key_digest": digest.hex(),
            "scrypt": {**_SCRYPT, "salt": salt.hex()},
            "nonce": nonce.hex(),
        }
        sealed = _cipher(self.passphrase, salt).encrypt(nonce, secret, _bound(known))
        path = self._path(name, digest)
        _write(path, json.dumps({**known, "sealed": sealed.hex()}, indent=1) + "\n")
        if open_file(path, self.passphrase) != secret:
            raise NextKeyFault(f"{path} does not read back: its disk is failing")
        return digest

    def holds(self, name: str, digest: bytes) -> bool:
        """Whether the file of this key is there and opens."""
        path = self._path(name, digest)
        return path.is_file() and bool(open_file(path, self.passphrase))

    def _path(self, name: str, digest: bytes) -> Path:
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
        return self.folder / f"{safe}.{digest.hex()[:16]}{_SUFFIX}"


def open_file(path: Path, passphrase: str) -> bytes:
    """The secret (32 bytes) in a file. NextKeyFault if it is damaged, or for a wrong passphrase."""
    from cryptography.exceptions import InvalidTag

    try:
        known: dict[str, Any] = json.loads(path.read_bytes())
        sealed = bytes.fromhex(known.pop("sealed"))
        salt, nonce = bytes.fromhex(known["scrypt"]["salt"]), bytes.fromhex(known["nonce"])
        same = known["format"] == _FORMAT and known["scrypt"] == {**_SCRYPT, "salt": salt.hex()}
    except OSError as fault:
        raise NextKeyFault(f"{path} cannot be read: {fault.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        same = False
    if not same:
        raise NextKeyFault(f"{path} is no file of a next key, or is damaged: restore a copy")
    try:
        secret: bytes = _cipher(passphrase, salt).decrypt(nonce, sealed, _bound(known))
    except (InvalidTag, ValueError):
        raise NextKeyFault(f"{path} does not open: another passphrase, or it is damaged") from None
    if schnorr.public_key(secret).hex() != known["public_key"]:
        raise NextKeyFault(f"{path} holds another key than it says")
    return secret


def _cipher(passphrase: str, salt: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
    except ImportError:
        raise extras.missing("cryptography", ("boards",)) from None

    derived = Scrypt(salt=salt, length=32, **_SCRYPT).derive(passphrase.encode())
    return ChaCha20Poly1305(derived)


def _bound(known: dict[str, Any]) -> bytes:
    return json.dumps(known, sort_keys=True).encode()


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError as fault:
        raise NextKeyFault(f"{path} cannot be written: {fault.strerror}") from None
