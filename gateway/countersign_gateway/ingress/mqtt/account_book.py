"""The accounts of the site's broker, as lines of Mosquitto's password file."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from coincurve import PublicKeyXOnly

from countersign import accounts
from countersign.tagged import tagged_sha256
from countersign_gateway.statements import libsecp256k1
from countersign_gateway.statements.keys import read_key_file

# A password here is 256 bits that nobody can guess, so slow hashing would protect nothing. It would
# cost the broker that time at each connection, which anybody can make it spend.
ITERATIONS = 1
SALT_BYTES = 12
# Two accounts with the rights of devices, for `countersign gateway check`.
CHECKERS = ("check-00", "check-01")
# The lines of devices that left are forgotten above this many.
MAX_KEPT_LINES = 65_536


class AccountBook:
    """Computes each device's account once. One thread at a time."""

    def __init__(self, secret_key: bytes, site: str) -> None:
        """secret_key: the site account key, 32 bytes."""
        self._secret_key = secret_key
        self._site = site
        self.public_key: bytes = PublicKeyXOnly.from_secret(secret_key).format()
        self._lines: dict[bytes, str] = {}
        password = accounts.lobby_password(self.public_key, site)
        self._lobby = [
            password_line(f"{accounts.LOBBY}{number:02d}", password)
            for number in range(accounts.LOBBIES)
        ]
        self._checkers = [password_line(name, self.checker_password()) for name in CHECKERS]

    @classmethod
    def from_file(cls, path: Path, site: str) -> AccountBook:
        """KeyFileError unless the file is private and holds a key."""
        return cls(read_key_file(path), site)

    def __repr__(self) -> str:
        return f"AccountBook(site={self._site!r})"

    def password(self, public_key: bytes) -> str:
        """The password of the device with this key (32 bytes, x-only)."""
        shared = libsecp256k1.shared_secret(self._secret_key, public_key)
        return accounts.device_password(shared, self._site)

    def checker_password(self) -> str:
        """The password of both checkers. It follows from the secret, so no device knows it."""
        digest = tagged_sha256("countersign/CheckPassword/1", self._secret_key, self._site.encode())
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def lines(self, devices: Mapping[bytes, bytes], strangers: bool) -> Iterator[str]:
        """The lines of devices (device_id → public key), of the checkers, and of the lobby if
        strangers may ask."""
        if len(self._lines) > max(MAX_KEPT_LINES, 2 * len(devices)):
            self._lines.clear()
        for device_id, public_key in devices.items():
            line = self._lines.get(device_id)
            if line is None:
                line = password_line(accounts.username(device_id), self.password(public_key))
                self._lines[device_id] = line
            yield line
        yield from self._checkers
        if strangers:
            yield from self._lobby


def password_line(username: str, password: str) -> str:
    """One line as mosquitto_passwd writes it: $7$iterations$salt$hash, PBKDF2 with SHA-512."""
    salt = os.urandom(SALT_BYTES)
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS, 64)
    salt_text, hash_text = (base64.b64encode(part).decode() for part in (salt, derived))
    return f"{username}:$7${ITERATIONS}${salt_text}${hash_text}\n"
