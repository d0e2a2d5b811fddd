"""The shared secret of both sides against Wycheproof's vectors for ECDH on secp256k1."""

import json

import pytest

from countersign import accounts
from countersign_gateway.statements import libsecp256k1
from support.protocol import vector_files

FILE = "ecdh_secp256k1_test.json"
# SubjectPublicKeyInfo of an uncompressed point on the named curve, up to the point.
SPKI = bytes.fromhex("3056301006072a8648ce3d020106052b8104000a034200") + b"\x04"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def cases():
    opened = vector_files.open_official(FILE)
    if opened is None:
        pytest.skip(f"no {FILE}: name its folder in COUNTERSIGN_VECTORS")
    with opened as file:
        groups = json.load(file)["testGroups"]
    for case in (case for group in groups for case in group["tests"]):
        public, secret = bytes.fromhex(case["public"]), int(case["private"], 16)
        # The x is all that we take of a key, so vectors about other encodings do not apply.
        if public.startswith(SPKI) and len(public) == len(SPKI) + 64 and 0 < secret < ORDER:
            yield case, public[len(SPKI) :][:32], secret.to_bytes(32, "big")


@pytest.mark.parametrize(
    "shared_secret", [accounts.shared_secret, libsecp256k1.shared_secret], ids=["device", "gateway"]
)
def test_shared_secrets_are_those_of_wycheproof(shared_secret):
    agreed = 0
    for case, x, secret in cases():
        if case["result"] == "valid":
            assert shared_secret(secret, x).hex() == case["shared"], case["tcId"]
            agreed += 1
    assert agreed > 400
