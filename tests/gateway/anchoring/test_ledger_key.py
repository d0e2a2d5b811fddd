"""The ledger key is made once, kept in a private file, and never shown."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from eth_account import Account

from countersign_gateway.anchoring.fees import Offer
from countersign_gateway.anchoring.ledger import Call
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.statements.keys import KeyFileError


def test_it_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    made = LedgerKey.load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert LedgerKey.load_or_create(path).address == made.address
    assert LedgerKey.load_or_create(tmp_path / "other.key").address != made.address


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    LedgerKey.load_or_create(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        LedgerKey.load_or_create(path)


def test_it_shows_and_stores_nothing_of_the_secret(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    key = LedgerKey.load_or_create(path)
    assert path.read_text().strip() not in repr(key) + str(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_what_it_signs_is_its_own() -> None:
    key = LedgerKey(b"\1" * 32)
    call = Call(b"\2" * 20, b"data", 50_000)
    attempt = key.sign(call, chain_id=31337, nonce=7, fees=Offer(100, 10, False))
    assert Account.recover_transaction(attempt.raw)[2:].lower() == key.address.hex()
    assert (attempt.nonce, attempt.max_fee, attempt.priority_fee) == (7, 100, 10)
    again = key.sign(call, chain_id=31337, nonce=7, fees=Offer(100, 10, False))
    assert again == attempt, "the same transaction has the same bytes"
