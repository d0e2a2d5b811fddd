"""Reads the broker's password from its file, which only its owner may read."""

from __future__ import annotations

import os
from pathlib import Path

from countersign_gateway.model import OperatorError
from countersign_gateway.text_file import decode

MAX_PASSWORD_CHARACTERS = 1024


class PasswordFileError(OperatorError):
    """The password file cannot be used. The text names the file, not the password."""


def read_password(path: Path | None) -> str | None:
    """The broker password in `path`; None without a path.

    PasswordFileError if others can read the file, it is no text, or it cannot be opened.
    """
    if path is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise PasswordFileError(
            f"the password file {path} cannot be opened: {error.strerror}"
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise PasswordFileError(f"{path} can be read by others: run chmod 600 {path}")
        try:
            text = decode(file.read(4 * MAX_PASSWORD_CHARACTERS)).removesuffix("\n")
        except ValueError as fault:
            raise PasswordFileError(f"{path} {fault}") from None
    return text[:MAX_PASSWORD_CHARACTERS]
