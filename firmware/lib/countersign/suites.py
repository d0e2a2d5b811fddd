"""Suites: which keys a device holds, and every size that follows from them.

Whoever needs the size of a key, of a signature or of a message takes it from here. A suite that
needs more room brings its sizes with it (PROTOCOL.md, section 3).
"""

SUITE_SECP256K1 = 1
SUITE_SECP256K1_ML_DSA_44 = 2  # has its place in the identifier; not accepted yet
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

# What a reader accepts before it knows the sender: the sizes of every supported suite.
SIGNATURE_SIZES = tuple([suite.signature_bytes for suite in SUPPORTED_SUITES.values()])
MAX_MESSAGE_BYTES = max([suite.max_message_bytes for suite in SUPPORTED_SUITES.values()])
