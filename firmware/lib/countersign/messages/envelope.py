"""The common part of all messages: the envelope, the digest that is signed, the limits.

A message is a COSE_Sign1-shaped array (RFC 9052 §4.2) in deterministic CBOR:

    [ protected: bstr, unprotected: {}, payload: bstr, signature: bstr ]

`protected` is the encoded header {1: -65537, -65537: type}: algorithm BIP-340 (private use)
and our message type. Only one byte string per type is legal, so the header needs no signature. The
sender signs `tagged_sha256("countersign/<Name>/1", payload)`. The tag holds the type, so no
message can pass for one of another type. `signing_digest` is the only code that computes it.

This module checks no signature: `open_message` only reads a message, and the verifier decides
whether it is true. suites.py says how long a signature and a message may be.
"""

import hashlib

from countersign import cbor, reasons
from countersign.suites import SECP256K1, SIGNATURE_SIZES
from countersign.tagged import tagged_sha256

ALGORITHM_BIP340 = -65537
LABEL_ALGORITHM = 1
LABEL_MESSAGE_TYPE = -65537

# Of an envelope, or of a payload. The largest honest payload is a receipt: a map of 13 pairs with
# 32 hashes, 59 items. The limit makes refusing a message about as cheap as accepting one.
MAX_ITEMS = 64

DEVICE = "device"
GATEWAY = "gateway"


class Definition:
    """One type of message: its fields, its sender, its carrier, and why it may be refused.

    type, name: as in PROTOCOL.md, section 5. sender: DEVICE or GATEWAY, who signs it. kind: the
    Kind that carries it. payload: its fields. refusals: the reasons for which a message of this
    type may be refused, in addition to those of any message (reasons.OF_ANY).
    """

    def __init__(self, type, name, sender, kind, payload, refusals=()):
        self.type = type
        self.name = name
        self.sender = sender
        self.kind = kind
        self.payload = payload
        self.refusals = refusals
        self.tag = "countersign/" + name + "/1"
        self.protected = cbor.encode({LABEL_ALGORITHM: ALGORITHM_BIP340, LABEL_MESSAGE_TYPE: type})


class Message:
    """A message that was read. It is well-formed, and not yet verified.

    type, name: from its Definition. fields: dict by field name.
    payload, signature: the bytes that the signature covers, and the signature.
    """

    def __init__(self, definition, values, payload, signature):
        self.definition = definition
        self.type = definition.type
        self.name = definition.name
        self.fields = values
        self.payload = payload
        self.signature = signature

    def signing_digest(self) -> bytes:
        """The 32 bytes that the signature must verify against."""
        return signing_digest(self.definition, self.payload)


def signing_digest(definition: Definition, payload: bytes) -> bytes:
    """The 32 bytes that a sender signs: `tagged_sha256("countersign/<Name>/1", payload)`."""
    return tagged_sha256(definition.tag, payload)


def digest(data: bytes) -> bytes:
    """SHA-256 (32 bytes) of a whole message as sent. Other messages name it by this (`subject`)."""
    return hashlib.sha256(data).digest()


class Table:
    """The messages of a protocol, by type and by header. It makes and reads messages."""

    def __init__(self, definitions: tuple):
        self.by_type = {definition.type: definition for definition in definitions}
        self._by_protected = {definition.protected: definition for definition in definitions}

    def seal(self, type: int, values: dict, sign, suite=SECP256K1) -> bytes:
        """Encode and sign a message. Returns its bytes.

        `values`: exactly the fields of the type, by name. `sign(digest)`: takes the 32 bytes of
        `signing_digest` and returns a signature of the sender's `suite`. ValueError for a field
        that the type forbids, or if the message is longer than the suite allows.
        """
        definition = self.by_type[type]
        payload = cbor.encode(definition.payload.to_wire(values))
        signature = sign(signing_digest(definition, payload))
        if len(signature) != suite.signature_bytes:
            raise ValueError("a signature is " + str(suite.signature_bytes) + " bytes")
        data = cbor.encode([definition.protected, {}, payload, signature])
        if len(data) > suite.max_message_bytes:
            raise ValueError("message exceeds what the suite allows")
        return data

    def open_message(self, data: bytes, decode=cbor.decode) -> Message:
        """Read a message. Raises Refused, with the reason, unless it is one well-formed message.

        `decode(data, max_items)` is the CBOR decoder. A gateway passes a faster one, which accepts
        nothing that this one refuses.
        """
        envelope = decode(data, max_items=MAX_ITEMS)
        if not isinstance(envelope, list) or len(envelope) != 4:
            raise reasons.Refused(reasons.MALFORMED, "not an array of four")
        protected, unprotected, payload, signature = envelope
        if not isinstance(protected, bytes) or not isinstance(payload, bytes):
            raise reasons.Refused(reasons.MALFORMED, "header and payload are byte strings")
        # An unprotected header would be the only unsigned bytes in a message.
        if not isinstance(unprotected, dict) or unprotected:
            raise reasons.Refused(reasons.MALFORMED, "the unprotected header is empty")
        if not isinstance(signature, bytes) or len(signature) not in SIGNATURE_SIZES:
            expected = str(SIGNATURE_SIZES[0])
            raise reasons.Refused(reasons.MALFORMED, "a signature is " + expected + " bytes")
        definition = self._by_protected.get(protected)
        if definition is None:
            raise reasons.Refused(reasons.UNKNOWN_MESSAGE, "unknown protected header")
        values = definition.payload.from_wire(decode(payload, max_items=MAX_ITEMS))
        return Message(definition, values, payload, signature)
