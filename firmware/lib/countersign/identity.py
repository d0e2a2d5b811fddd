"""Identifiers, derived from keys and fixed at birth, and a device's statements about itself.

    device_id = tagged_sha256("countersign/device/1",
                              suite ‖ sha256(classical_public_key) ‖ post_quantum_digest)

The layout can never change, because an identifier outlives every key and every release. It has
room for a post-quantum key (suite 2) and for other curves (suite 3) from the first release.
See PROTOCOL.md, "Identity".
"""

import hashlib

from countersign.suites import SECP256K1, SUITE_SECP256K1, SUITE_SECP256K1_ML_DSA_44
from countersign.tagged import tagged_sha256

# Suite 2 will put the digest of its ML-DSA-44 key here. Suite 1 has 32 zero bytes.
ZERO_DIGEST = bytes(32)

CLASS_STANDARD = 1
CLASS_LIFE_CRITICAL = 2  # quarantined and alarmed, never cut

ENVIRONMENT_HARDWARE = 1
ENVIRONMENT_EMULATED = 2  # its entropy is an emulator's: a gateway refuses it by default


def device_id(suite: int, public_key: bytes, post_quantum_digest: bytes = ZERO_DIGEST) -> bytes:
    """Identifier (32 bytes) of the device born with `public_key`.

    `public_key` is the suite's encoding: 32 bytes x-only (BIP-340) for suites 1 and 2.
    Raises ValueError on a wrong length or a digest that the suite does not have.
    """
    _check_key(suite, public_key)
    if len(post_quantum_digest) != 32:
        raise ValueError("post_quantum_digest must be 32 bytes")
    if suite == SUITE_SECP256K1 and post_quantum_digest != ZERO_DIGEST:
        raise ValueError("suite 1 has no post-quantum key: its digest is 32 zero bytes")
    return tagged_sha256(
        "countersign/device/1",
        bytes([suite]),
        hashlib.sha256(public_key).digest(),
        post_quantum_digest,
    )


def next_key_digest(suite: int, public_key: bytes) -> bytes:
    """Commitment (32 bytes) to the key that a rotation will reveal."""
    _check_key(suite, public_key)
    return tagged_sha256("countersign/next-key/1", bytes([suite]), public_key)


def gateway_id(public_key: bytes) -> bytes:
    """Identifier (32 bytes) of the gateway that signs with `public_key` (32 bytes, x-only)."""
    if len(public_key) != 32:
        raise ValueError("public_key must be 32 bytes, x-only")
    return tagged_sha256("countersign/gateway/1", public_key)


def registration_digest(
    chain_id: int,
    contract: bytes,
    device_id: bytes,
    owner: bytes,
    device_class: int,
    next_key_digest: bytes,
) -> bytes:
    """The digest (32 bytes) that a device signs for its entry in the DeviceID contract.

    Every part has a fixed width, so no two statements share an encoding:
    chain_id (32, big-endian) ‖ contract (20) ‖ device_id (32) ‖ owner (20) ‖ device_class (1)
    ‖ next_key_digest (32). The digest binds chain and contract, so a signature for one contract is
    not valid for another. Raises ValueError for a wrong length or range.
    """
    widths = ((contract, 20), (device_id, 32), (owner, 20), (next_key_digest, 32))
    for value, size in widths:
        if len(value) != size:
            raise ValueError("contract and owner are 20 bytes, identifiers and digests 32")
    if not 0 <= device_class <= 255:
        raise ValueError("device_class is one byte")
    if not 0 < chain_id <= 0x7FFFFFFFFFFFFFFF:
        raise ValueError("chain_id must be positive and below 2**63")
    return tagged_sha256(
        "countersign/Registration/1",
        chain_id.to_bytes(32, "big"),
        contract,
        device_id,
        owner,
        bytes([device_class]),
        next_key_digest,
    )


def provisioning_digest(
    challenge: bytes,
    device_id: bytes,
    next_key_digest: bytes,
    hardware_digest: bytes,
    config_digest: bytes,
) -> bytes:
    """The digest (32 bytes) that a device signs to show its provisioner that it holds its key.

    All parts are 32 bytes. The provisioner chooses the challenge. hardware_digest is sha256 of the
    board's unique identifier, config_digest sha256 of the configuration that was written.
    """
    parts = (challenge, device_id, next_key_digest, hardware_digest, config_digest)
    for value in parts:
        if len(value) != 32:
            raise ValueError("a challenge, an identifier and digests are 32 bytes")
    return tagged_sha256("countersign/Provisioning/1", *parts)


def _check_key(suite, public_key):
    if suite not in (SUITE_SECP256K1, SUITE_SECP256K1_ML_DSA_44):
        raise ValueError("unsupported suite")
    if len(public_key) != SECP256K1.public_key_bytes:
        raise ValueError("public_key must be 32 bytes, x-only")
