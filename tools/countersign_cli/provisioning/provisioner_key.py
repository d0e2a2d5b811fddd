"""The provisioner's key: it opens the prompt of the devices that it provisioned.

The file holds 64 hexadecimal digits and is readable by its owner alone. Whoever has it and a cable
to a device can read that device's key.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from countersign.proofs import schnorr
from countersign_cli.mendable import Mendable


class KeyFault(Mendable):
    """The key file cannot be used. The text says what to do."""

    exit_status = 2


def load(path: Path | None) -> bytes | None:
    """The secret (32 bytes) in the file; None without a file's name."""
    return None if path is None else _load(path)


def load_or_make(path: Path) -> bytes:
    """The secret (32 bytes) in the file, which is made if there is none."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _load(path)
    except OSError as fault:
        raise KeyFault(f"{path} cannot be made: {fault.strerror}") from None
    secret = new_secret()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return secret


def _load(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            open_to_others = os.fstat(file.fileno()).st_mode & 0o077
            text = file.read(200)
    except OSError as fault:
        raise KeyFault(f"{path} cannot be read: {fault.strerror}") from None
    if open_to_others:
        raise KeyFault(f"{path} is open to other users: chmod 600 {path}")
    try:
        secret = bytes.fromhex(text.decode("ascii").strip())
        schnorr.public_key(secret)
    except ValueError:
        raise KeyFault(f"{path} is no provisioner's key: 64 hexadecimal digits") from None
    return secret


def new_secret() -> bytes:
    """A fresh secret key (32 bytes) of suite 1, from this machine's randomness."""
    while True:
        secret = secrets.token_bytes(32)
        try:
            schnorr.public_key(secret)
        except ValueError:
            continue  # zero, or not below the group order
        return secret
