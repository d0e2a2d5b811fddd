"""statements/ makes every message that the gateway signs, with the given values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import countersign_gateway
from countersign import messages
from countersign_gateway.model import Anchored, Freshness, RegistrationOffer
from countersign_gateway.statements import beacon, challenge, error, receipt, verdict
from countersign_gateway.statements.keys import SigningKey

PACKAGE = Path(countersign_gateway.__file__).parent
DEVICE_ID = b"\x01" * 32
ONLINE = Freshness(messages.MODE_ONLINE, 3)


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey(bytes(31) + b"\x2a")


def sealed(key: SigningKey) -> dict[int, bytes]:
    """One statement of each type."""
    offer = RegistrationOffer(31337, b"\x0c" * 20, b"\x0a" * 20, 1)
    anchored = Anchored(1, b"\x05" * 32, 1, 31337, b"\x0c" * 20, 9, b"\x06" * 32)
    return {
        messages.ENROL_CHALLENGE: challenge.seal(
            key, device_id=DEVICE_ID, request_nonce=bytes(32), challenge=b"\x02" * 32, offer=offer
        ),
        messages.ATTESTATION_RESULT: verdict.seal(
            key,
            device_id=DEVICE_ID,
            subject=b"\x03" * 32,
            allow=True,
            reason=0,
            freshness=ONLINE,
            policy_version=1,
            counter=7,
        ),
        messages.RECEIPT: receipt.seal(
            key,
            device_id=DEVICE_ID,
            message=b"message",
            result=b"result",
            anchored=anchored,
            leaf_index=0,
            inclusion_proof=[],
        ),
        messages.BEACON: beacon.seal(
            key, beacon=b"\x04" * 32, sequence=5, policy_version=1, freshness=ONLINE
        ),
        messages.ERROR: error.seal(key, device_id=DEVICE_ID, payload=b"refused", reason=16),
    }


def test_there_is_one_for_every_message_of_a_gateway(key):
    of_gateways = {one.type for one in messages.DEFINITIONS if one.sender != messages.DEVICE}
    assert set(sealed(key)) == of_gateways


def test_each_is_well_formed_and_signed_by_the_gateway(key):
    from coincurve import PublicKeyXOnly

    for type_number, data in sealed(key).items():
        message = messages.open_message(data)
        assert message.type == type_number
        assert message.fields["gateway_id"] == key.gateway_id
        public_key = PublicKeyXOnly(key.public_key)
        assert public_key.verify(message.signature, message.signing_digest())


def test_they_are_made_nowhere_else():
    makers = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        if re.search(r"messages\.seal\(|signing_digest\(_?[A-Za-z]", path.read_text("utf-8"))
    }
    assert makers == {"statements"}
