"""The broker's password file, and what is said when it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign_gateway.ingress.mqtt.password_file import PasswordFileError, read_password


def test_a_file_that_is_not_there_is_said_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "broker.password"
    with pytest.raises(PasswordFileError, match=r"the password file .* cannot be opened: No such"):
        read_password(path)
    path.write_text("a password\n")
    path.chmod(0o600)
    assert read_password(path) == "a password"
