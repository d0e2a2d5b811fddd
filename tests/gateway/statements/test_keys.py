"""Key files are private and checked; signatures satisfy the pure verifier."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path

import pytest

from countersign import identity
from countersign.proofs import schnorr
from countersign_gateway.statements.keys import (
    GROUP_ORDER,
    KeyFileError,
    SigningKey,
    create_key_file,
    read_key_file,
)


def test_a_new_key_is_private_and_never_overwritten(tmp_path: Path):
    path = tmp_path / "gateway.key"
    create_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    secret_key = read_key_file(path)
    with pytest.raises(KeyFileError, match="never overwritten"):
        create_key_file(path)
    assert read_key_file(path) == secret_key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int):
    path = tmp_path / "gateway.key"
    create_key_file(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_key_file(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"ab" * 31,
        b"AB" * 32,
        b"zz" * 32,
        b"ab" * 32 + b"\n\n",
        b"0x" + b"ab" * 31,
        b"00" * 32,
        GROUP_ORDER.to_bytes(32, "big").hex().encode(),
    ],
)
def test_what_is_not_a_key_is_refused_without_quoting_it(tmp_path: Path, content: bytes):
    path = tmp_path / "gateway.key"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(KeyFileError) as caught:
        read_key_file(path)
    assert "ab" * 8 not in str(caught.value)


def test_a_link_or_a_folder_or_nothing_is_refused(tmp_path: Path):
    target = tmp_path / "target"
    create_key_file(target)
    link = tmp_path / "link"
    os.symlink(target, link)
    for path in (link, tmp_path, tmp_path / "missing"):
        with pytest.raises(KeyFileError):
            read_key_file(path)


def test_signatures_verify_with_the_pure_verifier_and_differ_each_time():
    key = SigningKey(bytes(31) + b"\x07")
    digest = bytes(range(32))
    signatures = {key.sign(digest) for _ in range(4)}
    assert len(signatures) == 4  # every nonce is hedged with fresh entropy
    assert all(schnorr.verify(key.public_key, digest, one) for one in signatures)
    assert key.gateway_id == identity.gateway_id(key.public_key)
    assert key.public_key == schnorr.public_key(bytes(31) + b"\x07")


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_only_digests_are_signed(size: int):
    with pytest.raises(ValueError, match="32 bytes"):
        SigningKey(bytes(31) + b"\x07").sign(bytes(size))


def test_a_signing_key_shows_and_gives_away_nothing():
    secret_key = bytes.fromhex("5ec2e7" * 10 + "5ec2")
    key = SigningKey(secret_key)
    assert "5ec2e7" not in repr(key)
    assert "5ec2e7" not in str(vars(key))
    for give_away in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            give_away(key)
