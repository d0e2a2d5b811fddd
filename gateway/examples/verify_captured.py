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

# BIP-340 as the algorithm, and Evidence's number: the one header that evidence may have.
HEADER = cbor2.dumps({1: -65537, -65537: 20})


def is_genuine(message: bytes, public_key: bytes) -> bool:
    """Whether this is evidence, in its one encoding, that the holder of the key signed."""
    _, _, payload, signature = cbor2.loads(message)
    if message != cbor2.dumps([HEADER, {}, payload, signature]):
        return False  # the signature covers the payload alone
    tag = hashlib.sha256(b"countersign/Evidence/1").digest()
    digest = hashlib.sha256(tag + tag + payload).digest()
    return PublicKeyXOnly(public_key).verify(signature, digest)


if __name__ == "__main__":
    captured = bytes.fromhex(Path(sys.argv[1]).read_text(encoding="ascii"))
    genuine = is_genuine(captured, bytes.fromhex(sys.argv[2]))
    print("genuine" if genuine else "NOT GENUINE")
    sys.exit(not genuine)
