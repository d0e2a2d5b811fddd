"""Verify a captured message with libsecp256k1, and with no code of this project.

    python verify_captured.py evidence.hex $(cat public_key.hex)

The file holds the message in hexadecimal, and the second word is the device's x-only public key:
the agent reports it when it makes the key, and provisioning writes it into its report. PROTOCOL.md,
section 3, says what is signed.
"""

import hashlib
import sys
from pathlib import Path

import cbor2
from coincurve import PublicKeyXOnly

# All before the payload: an array of four, BIP-340 and Evidence's number as the one header that
# evidence may have, and the empty unprotected header.
START = b"\x84" + cbor2.dumps(cbor2.dumps({1: -65537, -65537: 20})) + cbor2.dumps({})
SIGNATURE_BYTES = 64


def is_genuine(message: bytes, public_key: bytes) -> bool:
    """Whether this is evidence, in its one encoding, that the holder of the key signed.

    The signature covers the payload alone, so the bytes around it are compared. None of them is
    decoded: whoever wrote them has not been verified yet.
    """
    signature = message[-SIGNATURE_BYTES:]
    for head_bytes in (2, 3):  # of a payload of up to 255 bytes, or more
        payload = message[len(START) + head_bytes : -SIGNATURE_BYTES - 2]
        if message == START + cbor2.dumps(payload) + b"\x58\x40" + signature:
            break
    else:
        return False
    tag = hashlib.sha256(b"countersign/Evidence/1").digest()
    digest = hashlib.sha256(tag + tag + payload).digest()
    return PublicKeyXOnly(public_key).verify(signature, digest)


if __name__ == "__main__":
    captured = bytes.fromhex(Path(sys.argv[1]).read_text(encoding="ascii"))
    genuine = is_genuine(captured, bytes.fromhex(sys.argv[2]))
    print("genuine" if genuine else "NOT GENUINE")
    sys.exit(not genuine)
