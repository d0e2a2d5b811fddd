"""Every message, as one table, and the two functions that make and read them.

A message is a COSE_Sign1-shaped array (RFC 9052 §4.2) in deterministic CBOR:

    [ protected: bstr, unprotected: {}, payload: bstr, signature: bstr .size 64 ]

`protected` is the encoded header {1: -65537, -65537: type}: algorithm BIP-340 (private use)
and our message type. It has one legal byte string per type, so it needs no signature of its
own. What is signed is `tagged_sha256("countersign/<Name>/1", payload)`: the tag holds the type,
so that no message can be passed off as another. `signing_digest` is the only place that says so.

A signature is not checked here: `open_message` answers what a message says, the verifier
whether it is true.
"""

import hashlib

from countersign import cbor, evidence, fields, reasons
from countersign.tagged import tagged_sha256

MAX_MESSAGE_BYTES = 2048
MAX_DEPTH = 8
# 2**32 leaves in one batch is far beyond what a gateway makes; a longer proof is refused early.
MAX_PROOF_HASHES = 32

ALGORITHM_BIP340 = -65537
LABEL_ALGORITHM = 1
LABEL_MESSAGE_TYPE = -65537

MODE_ONLINE = 0
MODE_DEGRADED = 1

ENROL_REQUEST = 10
ENROL_CHALLENGE = 11
ENROL_PROOF = 12
EVIDENCE = 20
ATTESTATION_RESULT = 21
RECEIPT = 22
BEACON = 43
ERROR = 255

_digest = fields.Bytes(32)
_counter = fields.Uint(fields.UINT63_MAX, 1)
_sequence = fields.Uint(fields.UINT63_MAX)

REGISTRATION = fields.Record(
    (1, "chain_id", fields.Uint(fields.UINT63_MAX, 1)),
    (2, "contract", fields.Bytes(20)),
    (3, "owner", fields.Bytes(20)),
    (4, "device_class", fields.Uint(255)),
)


class Definition:
    """One row of the table: type number, name, who signs it, and its payload's fields."""

    def __init__(self, type: int, name: str, signer: str, kind: str, payload: fields.Record):
        self.type = type
        self.name = name
        self.signer = signer  # "device" or "gateway"
        self.kind = kind  # the last segment of the topic it travels on
        self.payload = payload
        self.tag = "countersign/" + name + "/1"
        self.protected = cbor.encode({LABEL_ALGORITHM: ALGORITHM_BIP340, LABEL_MESSAGE_TYPE: type})


DEFINITIONS = (
    Definition(
        ENROL_REQUEST,
        "EnrolRequest",
        "device",
        "enrol",
        fields.Record(
            (1, "device_id", _digest),
            (2, "suite", fields.Uint(255)),
            (3, "public_key", _digest),
            (4, "post_quantum_digest", _digest),
            (5, "next_key_digest", _digest),
            (6, "audience", _digest),
            (7, "request_nonce", _digest),
            (8, "environment", fields.Uint(2, 1)),
        ),
    ),
    Definition(
        ENROL_CHALLENGE,
        "EnrolChallenge",
        "gateway",
        "challenge",
        fields.Record(
            (1, "gateway_id", _digest),
            (2, "device_id", _digest),
            (3, "request_nonce", _digest),
            (4, "challenge", _digest),
            (5, "registration", fields.Nullable(REGISTRATION)),
        ),
    ),
    Definition(
        ENROL_PROOF,
        "EnrolProof",
        "device",
        "enrol",
        fields.Record(
            (1, "device_id", _digest),
            (2, "audience", _digest),
            (3, "challenge", _digest),
            (4, "counter", _counter),
            (5, "registration_signature", fields.Nullable(fields.Bytes(64))),
        ),
    ),
    Definition(EVIDENCE, "Evidence", "device", "evidence", evidence.CLAIMS),
    Definition(
        ATTESTATION_RESULT,
        "AttestationResult",
        "gateway",
        "result",
        fields.Record(
            (1, "gateway_id", _digest),
            (2, "device_id", _digest),
            (3, "subject", _digest),
            (4, "allow", fields.Flag()),
            (5, "reason", fields.Uint(255)),
            (6, "mode", fields.Uint(1)),
            (7, "age_s", fields.Nullable(fields.Uint())),
            (8, "policy_version", fields.Uint()),
            (9, "revocation_epoch", fields.Uint()),
            (10, "counter", _counter),
        ),
    ),
    Definition(
        RECEIPT,
        "Receipt",
        "gateway",
        "receipt",
        fields.Record(
            (1, "gateway_id", _digest),
            (2, "device_id", _digest),
            (3, "subject", _digest),
            (4, "result_digest", _digest),
            (5, "sequence", _sequence),
            (6, "leaf_index", fields.Uint()),
            (7, "tree_size", fields.Uint(fields.UINT32_MAX, 1)),
            (8, "batch_root", _digest),
            (9, "inclusion_proof", fields.Hashes(MAX_PROOF_HASHES)),
            (10, "chain_id", fields.Uint(fields.UINT63_MAX, 1)),
            (11, "contract", fields.Bytes(20)),
            (12, "block_number", _sequence),
            (13, "transaction_hash", _digest),
        ),
    ),
    Definition(
        BEACON,
        "Beacon",
        "gateway",
        "beacon",
        fields.Record(
            (1, "gateway_id", _digest),
            (2, "beacon", _digest),
            (3, "sequence", _sequence),
            (4, "policy_version", fields.Uint()),
            (5, "revocation_epoch", fields.Uint()),
            (6, "mode", fields.Uint(1)),
            (7, "age_s", fields.Nullable(fields.Uint())),
        ),
    ),
    Definition(
        ERROR,
        "Error",
        "gateway",
        "error",
        fields.Record(
            (1, "gateway_id", _digest),
            (2, "device_id", _digest),
            (3, "subject", _digest),
            (4, "reason", fields.Uint(255)),
        ),
    ),
)

BY_TYPE = {definition.type: definition for definition in DEFINITIONS}
_BY_PROTECTED = {definition.protected: definition for definition in DEFINITIONS}


class Message:
    """A message that was read: well-formed, and not yet verified.

    type, name, signer, kind: from its Definition. fields: dict by field name.
    payload, signature: the bytes that the signature covers, and the 64 bytes of it.
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
    """SHA-256 of a whole message as sent: how one message names another (`subject`)."""
    return hashlib.sha256(data).digest()


def seal(type: int, values: dict, sign) -> bytes:
    """Encode and sign a message.

    `values`: exactly the fields of the type, by name. `sign(digest)`: takes the 32 bytes of
    `signing_digest`, returns a BIP-340 signature of 64 bytes. ValueError on a field that the
    type forbids, or a message that would not fit MAX_MESSAGE_BYTES.
    """
    definition = BY_TYPE[type]
    payload = cbor.encode(definition.payload.to_wire(values))
    signature = sign(signing_digest(definition, payload))
    if len(signature) != 64:
        raise ValueError("a signature is 64 bytes")
    data = cbor.encode([definition.protected, {}, payload, signature])
    if len(data) > MAX_MESSAGE_BYTES:
        raise ValueError("message exceeds MAX_MESSAGE_BYTES")
    return data


def open_message(data: bytes, decode=cbor.decode) -> Message:
    """Read a message; Refused with the reason if it is not exactly one well-formed message.

    `decode(data, max_bytes, max_depth)` is the CBOR decoder: a gateway passes a faster one that
    accepts nothing this one would refuse.
    """
    envelope = decode(data, MAX_MESSAGE_BYTES, MAX_DEPTH)
    if not isinstance(envelope, list) or len(envelope) != 4:
        raise reasons.Refused(reasons.MALFORMED, "not an array of four")
    protected, unprotected, payload, signature = envelope
    if not isinstance(protected, bytes) or not isinstance(payload, bytes):
        raise reasons.Refused(reasons.MALFORMED, "header and payload are byte strings")
    # An unprotected header would be the only unsigned bytes in a message.
    if not isinstance(unprotected, dict) or unprotected:
        raise reasons.Refused(reasons.MALFORMED, "the unprotected header is empty")
    if not isinstance(signature, bytes) or len(signature) != 64:
        raise reasons.Refused(reasons.MALFORMED, "a signature is 64 bytes")
    definition = _BY_PROTECTED.get(protected)
    if definition is None:
        raise reasons.Refused(reasons.UNKNOWN_MESSAGE, "unknown protected header")
    values = definition.payload.from_wire(decode(payload, MAX_MESSAGE_BYTES, MAX_DEPTH))
    return Message(definition, values, payload, signature)
