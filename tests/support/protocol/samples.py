"""One valid message of every type, made as a device or a gateway makes it.

The keys are fixed, so failures repeat. They are test keys and identify no device.
"""

from countersign import identity, messages
from countersign.proofs import schnorr
from support.protocol import statements

DEVICE_SECRET = bytes([7] * 32)
NEXT_SECRET = bytes([8] * 32)
GATEWAY_SECRET = bytes([9] * 32)
ENTROPY = bytes([3] * 32)

DEVICE_KEY = schnorr.public_key(DEVICE_SECRET)
NEXT_KEY = schnorr.public_key(NEXT_SECRET)
GATEWAY_KEY = schnorr.public_key(GATEWAY_SECRET)
DEVICE_ID = identity.device_id(identity.SUITE_SECP256K1, DEVICE_KEY)
GATEWAY_ID = identity.gateway_id(GATEWAY_KEY)

CHALLENGE = bytes([0xC4] * 32)
BEACON = bytes([0xBE] * 32)
NONCE = bytes([0x11] * 32)
OWNER = bytes([0x0A] * 20)


def sign_as_device(digest):
    return schnorr.sign(DEVICE_SECRET, digest, ENTROPY)


def sign_as_gateway(digest):
    return schnorr.sign(GATEWAY_SECRET, digest, ENTROPY)


def values(type):
    """The fields of a valid message of this type, as a fresh dict that tests may change."""
    subject = messages.digest(b"subject")
    result_digest = messages.digest(b"result")
    if type == messages.ENROL_REQUEST:
        return _presented(request_nonce=NONCE)
    if type == messages.ENROL_CHALLENGE:
        return {
            "gateway_id": GATEWAY_ID,
            "device_id": DEVICE_ID,
            "request_nonce": NONCE,
            "challenge": CHALLENGE,
            "registration": _registration(),
        }
    if type == messages.ENROL_PROOF:
        return _presented(
            challenge=CHALLENGE,
            counter=1,
            registration=_registration(),
            registration_signature=bytes(64),
        )
    if type == messages.EVIDENCE:
        return {
            "audience": GATEWAY_ID,
            "beacon": BEACON,
            "device_id": DEVICE_ID,
            "uptime_s": 61,
            "boot_count": 3,
            "software_version": "0.1.0",
            "counter": 258,
            "readings": {"temperature_mc": 21500, "door": 0, "offset": -70000},
            "environment": identity.ENVIRONMENT_EMULATED,
        }
    if type == messages.ATTESTATION_RESULT:
        return statements.result(
            GATEWAY_ID, DEVICE_ID, subject, 258, mode=messages.MODE_DEGRADED, age_s=86400
        )
    if type == messages.RECEIPT:
        leaves = [messages.commitment(subject, result_digest), messages.digest(b"other")]
        return statements.receipt(GATEWAY_ID, DEVICE_ID, subject, result_digest, leaves, 0)
    if type == messages.BEACON:
        return statements.beacon(GATEWAY_ID, BEACON, 5, age_s=None)
    if type == messages.ERROR:
        return {
            "gateway_id": GATEWAY_ID,
            "device_id": DEVICE_ID,
            "subject": subject,
            "reason": 31,
        }
    raise ValueError("no sample for this type")


def _presented(**others):
    fields = {
        "device_id": DEVICE_ID,
        "suite": identity.SUITE_SECP256K1,
        "public_key": DEVICE_KEY,
        "post_quantum_digest": identity.ZERO_DIGEST,
        "next_key_digest": identity.next_key_digest(identity.SUITE_SECP256K1, NEXT_KEY),
        "audience": GATEWAY_ID,
        "environment": identity.ENVIRONMENT_EMULATED,
    }
    fields.update(others)
    return fields


def _registration():
    return {
        "chain_id": statements.CHAIN_ID,
        "contract": statements.CONTRACT,
        "owner": OWNER,
        "device_class": identity.CLASS_STANDARD,
    }


def sealed(type):
    """A valid, signed message of this type as bytes."""
    signer = messages.BY_TYPE[type].sender
    return messages.seal(
        type, values(type), sign_as_device if signer == "device" else sign_as_gateway
    )
