"""Suites: which keys a device holds, and every size that follows from them.

All other code takes the sizes of keys, signatures and messages from here. A suite that needs more
room defines its own sizes (PROTOCOL.md, section 3).
"""

SUITE_SECP256K1 = 1
SUITE_SECP256K1_ML_DSA_44 = 2  # the identifier has room for it, but it is not accepted yet
SUITE_P256 = 3  # reserved for secure elements


class Suite:
    """Sizes in bytes: of the classical public key, of a signature, of the largest message."""

    def __init__(self, number, name, public_key_bytes, signature_bytes, max_message_bytes):
        self.number = number
        self.name = name
        self.public_key_bytes = public_key_bytes
        self.signature_bytes = signature_bytes
        self.max_message_bytes = max_message_bytes


# Public keys are x-only, signatures are BIP-340's.
SECP256K1 = Suite(SUITE_SECP256K1, "secp256k1", 32, 64, 2048)

# The suites that this release can verify, by number.
SUPPORTED_SUITES = {SUITE_SECP256K1: SECP256K1}

# A reader that does not know the sender yet accepts the sizes of every supported suite.
SIGNATURE_SIZES = tuple([suite.signature_bytes for suite in SUPPORTED_SUITES.values()])
MAX_MESSAGE_BYTES = max([suite.max_message_bytes for suite in SUPPORTED_SUITES.values()])
