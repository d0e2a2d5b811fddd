"""Private names of libraries that a measured decision keeps: each in one file, and still there."""

from __future__ import annotations

from pathlib import Path

import pytest

import countersign_gateway

PACKAGE = Path(countersign_gateway.__file__).parent


def the_only_file_with(text: str) -> str:
    found = [path for path in PACKAGE.rglob("*.py") if text in path.read_text(encoding="utf-8")]
    assert len(found) == 1, found
    return str(found[0].relative_to(PACKAGE))


@pytest.mark.parametrize("name", ["secp256k1_keypair_create", "secp256k1_schnorrsig_sign32"])
def test_coincurve_still_has_the_private_names_that_signing_uses(name):
    message = (
        "coincurve no longer has {}: statements/libsecp256k1.py needs another way to sign with a"
        " prepared key pair, or coincurve.PrivateKey.sign_schnorr (see gateway/decisions)"
    )
    try:
        from coincurve._libsecp256k1 import ffi, lib
        from coincurve.context import GLOBAL_CONTEXT
    except ImportError as missing:
        pytest.fail(message.format(missing.name))
    assert hasattr(lib, name), message.format(f"lib.{name}")
    assert hasattr(GLOBAL_CONTEXT, "ctx"), message.format("GLOBAL_CONTEXT.ctx")
    assert ffi.new("secp256k1_keypair *"), message.format("secp256k1_keypair")


def test_only_one_file_knows_them():
    assert the_only_file_with("coincurve._") == "statements/libsecp256k1.py"
    assert the_only_file_with("GLOBAL_CONTEXT") == "statements/libsecp256k1.py"
