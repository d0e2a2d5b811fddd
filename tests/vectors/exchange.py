"""The vectors of one whole exchange, from enrolment to receipt: messages.json, refused.json and
statements.json. They are made from PROTOCOL.md alone, with the oracles of
tests/support/differential. It is long because each value follows from the one before it.
"""

from typing import Any

from support.differential.oracles import (
    cbor_encode,
    libsecp256k1_sign,
    merkle_head,
    merkle_path,
    multiple_of_generator,
    sha256,
    tagged_hash,
)
from vectors import proof_cases

AUX = bytes([3]) * 32
SITE = "ward-7"
CHAIN_ID, CONTRACT, OWNER = 31337, bytes([0x0C]) * 20, bytes([0x0A]) * 20
BEACON, NONCE, CHALLENGE = bytes([0xBE]) * 32, bytes([0x11]) * 32, bytes([0xC4]) * 32


def number(value: int) -> bytes:
    return value.to_bytes(32, "big")


class Key:
    def __init__(self, byte: int) -> None:
        self.secret = bytes([byte]) * 32
        self.public = number(multiple_of_generator(int.from_bytes(self.secret, "big"))[0])

    def sign(self, digest: bytes) -> bytes:
        return libsecp256k1_sign(self.secret, digest, AUX)


DEVICE, NEXT, GATEWAY = Key(7), Key(8), Key(9)
DEVICE_ID = tagged_hash("countersign/device/1", b"\x01" + sha256(DEVICE.public) + bytes(32))
NEXT_DIGEST = tagged_hash("countersign/next-key/1", b"\x01" + NEXT.public)
GATEWAY_ID = tagged_hash("countersign/gateway/1", GATEWAY.public)
REGISTRATION = {1: CHAIN_ID, 2: CONTRACT, 3: OWNER, 4: 1}
REGISTRATION_DIGEST = tagged_hash(
    "countersign/Registration/1",
    number(CHAIN_ID) + CONTRACT + DEVICE_ID + OWNER + b"\x01" + NEXT_DIGEST,
)
REGISTRATION_SIGNATURE = DEVICE.sign(REGISTRATION_DIGEST)

# Type: (name, who signs it, kind, names of its fields by key).
SHAPES: dict[int, tuple[str, Key, str, dict[int, str]]] = {
    10: ("EnrolRequest", DEVICE, "up/enrol", {
        1: "device_id", 2: "suite", 3: "public_key", 4: "post_quantum_digest",
        5: "next_key_digest", 6: "audience", 7: "environment", 8: "request_nonce"}),
    11: ("EnrolChallenge", GATEWAY, "down/challenge", {
        1: "gateway_id", 2: "device_id", 3: "request_nonce", 4: "challenge", 5: "registration"}),
    12: ("EnrolProof", DEVICE, "up/enrol", {
        1: "device_id", 2: "suite", 3: "public_key", 4: "post_quantum_digest",
        5: "next_key_digest", 6: "audience", 7: "environment", 8: "challenge", 9: "counter",
        10: "registration", 11: "registration_signature"}),
    20: ("Evidence", DEVICE, "up/evidence", {
        3: "audience", 10: "beacon", 256: "device_id", 261: "uptime_s", 267: "boot_count",
        271: "software_version", -65537: "counter", -65538: "readings", -65539: "environment"}),
    21: ("AttestationResult", GATEWAY, "down/result", {
        1: "gateway_id", 2: "device_id", 3: "subject", 4: "allow", 5: "reason", 6: "mode",
        7: "age_s", 8: "policy_version", 9: "revocation_epoch", 10: "counter"}),
    22: ("Receipt", GATEWAY, "down/receipt", {
        1: "gateway_id", 2: "device_id", 3: "subject", 4: "result_digest", 5: "sequence",
        6: "leaf_index", 7: "tree_size", 8: "batch_root", 9: "inclusion_proof", 10: "chain_id",
        11: "contract", 12: "block_number", 13: "transaction_hash"}),
    43: ("Beacon", GATEWAY, "gateway/beacon", {
        1: "gateway_id", 2: "beacon", 3: "sequence", 4: "policy_version", 5: "revocation_epoch",
        6: "mode", 7: "age_s"}),
    255: ("Error", GATEWAY, "down/error", {
        1: "gateway_id", 2: "device_id", 3: "subject", 4: "reason"}),
}  # fmt: skip


def protected(type: int) -> bytes:
    return cbor_encode({1: -65537, -65537: type})


def enveloped(type: int, payload: bytes, signature: bytes | None = None) -> bytes:
    """The message with this payload, signed by who signs this type."""
    name, key, _, _ = SHAPES[type]
    signature = signature or key.sign(tagged_hash(f"countersign/{name}/1", payload))
    return cbor_encode([protected(type), {}, payload, signature])


PRESENTED = {
    1: DEVICE_ID, 2: 1, 3: DEVICE.public, 4: bytes(32), 5: NEXT_DIGEST, 6: GATEWAY_ID, 7: 1,
}  # fmt: skip


def evidence_items(changes: dict[int, Any] | None = None) -> dict[int, Any]:
    items = {
        3: GATEWAY_ID.hex(), 10: BEACON, 256: b"\x01" + DEVICE_ID, 261: 61, 267: 3,
        271: ["0.1.0"], -65537: 258, -65538: {"door": 0, "temperature_mc": -21500}, -65539: 1,
    }  # fmt: skip
    return items | (changes or {})


def payloads() -> list[tuple[int, str, dict[int, Any]]]:
    """(type, what, items) of one exchange in order. Each answer names the message before it."""
    proof = PRESENTED | {8: CHALLENGE, 9: 257, 10: REGISTRATION, 11: REGISTRATION_SIGNATURE}
    evidence = evidence_items()
    answer = {1: GATEWAY_ID, 2: DEVICE_ID}
    proof_digest = sha256(enveloped(12, cbor_encode(proof)))
    evidence_digest = sha256(enveloped(20, cbor_encode(evidence)))
    to_proof = answer | {
        3: proof_digest, 4: True, 5: 0, 6: 1, 7: None, 8: 1, 9: 0, 10: 257,
    }  # fmt: skip
    to_evidence = answer | {
        3: evidence_digest, 4: True, 5: 0, 6: 0, 7: 4, 8: 1, 9: 0, 10: 258,
    }  # fmt: skip
    leaves = batch([(12, proof, to_proof), (20, evidence, to_evidence)])
    receipt = answer | {
        3: evidence_digest,
        4: sha256(enveloped(21, cbor_encode(to_evidence))),
        5: 1, 6: 1, 7: len(leaves), 8: merkle_head(leaves), 9: merkle_path(1, leaves),
        10: CHAIN_ID, 11: CONTRACT, 12: 7, 13: bytes([7]) * 32,
    }  # fmt: skip
    unconfirmed = {1: GATEWAY_ID, 2: BEACON, 3: 6, 4: 1, 5: 0, 6: 1, 7: None}
    denial = to_evidence | {4: False, 5: 41, 6: 1, 7: 864000}
    return [
        (10, "a device presents itself", PRESENTED | {8: NONCE}),
        (11, "what the ledger will record", answer | {3: NONCE, 4: CHALLENGE, 5: REGISTRATION}),
        (11, "a site without a ledger", answer | {3: NONCE, 4: CHALLENGE, 5: None}),
        (12, "the proof, signed for the ledger too", proof),
        (12, "the proof on a site without a ledger", proof | {10: None, 11: None}),
        (21, "enrolled", to_proof),
        (43, "online", {1: GATEWAY_ID, 2: BEACON, 3: 5, 4: 1, 5: 0, 6: 0, 7: 4}),
        (43, "never confirmed upstream", unconfirmed),
        (20, "two readings", evidence),
        (20, "no reading, the largest counter", evidence_items({-65537: 2**63 - 1, -65538: {}})),
        (21, "allowed", to_evidence),
        (21, "denied: revoked, on knowledge of ten days ago", denial),
        (22, "the evidence above, second of three leaves", receipt),
        (255, "replayed", answer | {3: evidence_digest, 4: 31}),
    ]


def batch(pairs: list[tuple[int, dict[int, Any], dict[int, Any]]]) -> list[bytes]:
    """The leaves of a batch: the commitments of these messages and results, and of a stranger."""
    leaves = [
        commitment(enveloped(type, cbor_encode(message)), enveloped(21, cbor_encode(result)))
        for type, message, result in pairs
    ]
    return [*leaves, sha256(b"the commitment of another device")]


def commitment(message: bytes, result: bytes) -> bytes:
    return tagged_hash("countersign/Commitment/1", sha256(message) + sha256(result))


# messages.json, refused.json --------------------------------------------------


def messages(described: Any) -> list[dict[str, Any]]:
    cases = []
    for type, what, items in payloads():
        name, key, kind, names = SHAPES[type]
        payload = cbor_encode(items)
        fields = {names[k]: _value(type, k, v) for k, v in items.items()}
        who = DEVICE_ID.hex() + "/" if not kind.startswith("gateway") else ""
        cases.append(
            {
                "name": name,
                "what": what,
                "type": type,
                "topic": f"countersign/v1/{SITE}/{who}{kind}",
                "fields": {k: described(v) for k, v in fields.items()},
                "signing_digest": tagged_hash(f"countersign/{name}/1", payload).hex(),
                "public_key": key.public.hex(),
                "message": enveloped(type, payload).hex(),
            }
        )
    return cases


def _value(type: int, key: int, item: Any) -> Any:
    """A field's value as PROTOCOL.md names it: without EAT's wrappings."""
    if type == 20 and key == 3:
        return bytes.fromhex(item)
    if type == 20 and key == 256:
        return item[1:]
    if type == 20 and key == 271:
        return item[0]
    if key in (5, 10) and item is REGISTRATION:
        names = ("chain_id", "contract", "owner", "device_class")
        return dict(zip(names, item.values(), strict=True))
    return item


def refused_messages() -> list[dict[str, str]]:
    """Messages that no reader may take, each with its reason and its fault. All are truly signed,
    so that only the fault can be the reason."""
    good = evidence_items()
    whole = enveloped(20, cbor_encode(good))
    without = {k: v for k, v in good.items() if k != 261}
    signature = whole[-64:]
    ten = PRESENTED | {8: NONCE}
    result = next(items for type, _, items in payloads() if type == 21)
    receipt = next(items for type, _, items in payloads() if type == 22)

    def evidence(claim: int, value: Any) -> bytes:
        return enveloped(20, cbor_encode(evidence_items({claim: value})))

    cases = [
        ("TRUNCATED", "nothing", b""),
        ("TRUNCATED", "the last byte is missing", whole[:-1]),
        ("TRAILING_BYTES", "a byte after the message", whole + b"\x00"),
        ("OVERSIZED", "2,049 bytes", whole + bytes(2049 - len(whole))),
        ("OVERSIZED", "a payload of 65 items", enveloped(20, b"\x98\x40" + bytes(64))),
        ("OVER_DEEP", "nine arrays around it", b"\x81" * 9 + whole),
        ("MALFORMED", "three parts", b"\x83" + whole[1:-66]),
        ("MALFORMED", "a map instead of the array", cbor_encode({1: 2})),
        ("MALFORMED", "a tag before it, as COSE_Sign1 has", b"\xd2" + whole),
        ("MALFORMED", "an unprotected header that is not empty",
            cbor_encode([protected(20), {4: b"key"}, cbor_encode(good), signature])),
        ("MALFORMED", "a signature of 63 bytes",
            enveloped(20, cbor_encode(good), signature[:63])),
        ("NON_CANONICAL", "the array's head in two bytes", b"\x98\x04" + whole[1:]),
        ("NON_CANONICAL", "claims in descending order",
            enveloped(20, b"\xa9" + b"".join(_pairs(good)[::-1]))),
        ("NON_CANONICAL", "a claim twice",
            enveloped(20, b"\xaa" + b"".join([_pairs(good)[0], *_pairs(good)]))),
        ("UNKNOWN_MESSAGE", "type 44",
            cbor_encode([protected(44), {}, cbor_encode(good), signature])),
        ("UNKNOWN_MESSAGE", "algorithm -7, ES256",
            cbor_encode([cbor_encode({1: -7, -65537: 20}), {}, cbor_encode(good), signature])),
        ("UNKNOWN_MESSAGE", "an empty header",
            cbor_encode([b"", {}, cbor_encode(good), signature])),
        ("UNKNOWN_MESSAGE", "a header whose keys descend",
            cbor_encode([b"\xa2" + b"".join(_pairs({1: -65537, -65537: 20})[::-1]), {},
                         cbor_encode(good), signature])),
        ("UNKNOWN_MESSAGE", "an unknown header before a payload that is no CBOR",
            cbor_encode([protected(44), {}, b"\xff", signature])),
        ("MALFORMED", "an unprotected header that is not empty, and an unknown header",
            cbor_encode([protected(44), {4: b"key"}, cbor_encode(good), signature])),
        ("MALFORMED", "a header that is null",
            cbor_encode([None, {}, cbor_encode(good), signature])),
        ("TRUNCATED", "an empty payload", enveloped(20, b"")),
        ("TRAILING_BYTES", "a byte after the payload", enveloped(20, cbor_encode(good) + b"\x00")),
        ("MALFORMED", "a payload that is no CBOR", enveloped(20, b"\xff")),
        ("OVER_DEEP", "a payload of nine levels", enveloped(20, b"\x81" * 9 + b"\x00")),
        ("BAD_FIELD", "a payload of eight levels, which is no map",
            enveloped(20, b"\x81" * 8 + b"\x00")),
        ("BAD_FIELD", "a payload that is an array", enveloped(20, cbor_encode([1]))),
        ("BAD_FIELD", "a claim is missing", enveloped(20, cbor_encode(without))),
        ("BAD_FIELD", "a claim too many: a time", evidence(6, 1700000000)),
        ("BAD_FIELD", "counter 0", evidence(-65537, 0)),
        ("BAD_FIELD", "counter 2**63", evidence(-65537, 2**63)),
        ("BAD_FIELD", "a counter that is true", evidence(-65537, True)),
        ("BAD_FIELD", "environment 3", evidence(-65539, 3)),
        ("BAD_FIELD", "a UEID of type 2", evidence(256, b"\x02" + DEVICE_ID)),
        ("BAD_FIELD", "a UEID of 32 bytes", evidence(256, DEVICE_ID)),
        ("BAD_FIELD", "aud in capitals", evidence(3, GATEWAY_ID.hex().upper())),
        ("BAD_FIELD", "a nonce of 31 bytes", evidence(10, BEACON[:31])),
        ("BAD_FIELD", "17 readings", evidence(-65538, {f"r{n:02}": n for n in range(17)})),
        ("BAD_FIELD", "a reading of 2**31", evidence(-65538, {"r": 2**31})),
        ("BAD_FIELD", "a reading's name of 24 bytes", evidence(-65538, {"n" * 24: 1})),
        ("BAD_FIELD", "a reading without a name", evidence(-65538, {"": 1})),
        ("BAD_FIELD", "a reading's name with an escape", evidence(-65538, {"\x1b[2J": 1})),
        ("BAD_FIELD", "a reading's name outside ASCII", evidence(-65538, {"ü": 1})),
        ("BAD_FIELD", "a version with a line's end", evidence(271, ["1\n"])),
        ("BAD_FIELD", "a version of 33 bytes", evidence(271, ["v" * 33])),
        ("BAD_FIELD", "two versions", evidence(271, ["1", "2"])),
        ("BAD_FIELD", "uptime of 2**32", evidence(261, 2**32)),
        ("BAD_FIELD", "a public key of 33 bytes",
            enveloped(10, cbor_encode(ten | {3: b"\x02" + DEVICE.public}))),
        ("BAD_FIELD", "age_s of -1", enveloped(21, cbor_encode(result | {7: -1}))),
        ("BAD_FIELD", "mode 2", enveloped(21, cbor_encode(result | {6: 2}))),
        ("BAD_FIELD", "a proof of 33 hashes",
            enveloped(22, cbor_encode(receipt | {9: [bytes(32)] * 33}))),
        ("BAD_FIELD", "a tree without leaves", enveloped(22, cbor_encode(receipt | {7: 0}))),
    ]  # fmt: skip
    return [{"reason": r, "what": w, "message": m.hex()} for r, w, m in cases]


def _pairs(items: dict[int, Any]) -> list[bytes]:
    """The encoded pairs of a map in their order."""
    pairs = [cbor_encode(k) + cbor_encode(v) for k, v in items.items()]
    return sorted(pairs, key=lambda pair: pair)


# statements.json -----------------------------------------------------------------------------


def statements() -> dict[str, Any]:
    by_type = {(type, what): enveloped(type, cbor_encode(i)) for type, what, i in payloads()}
    message = by_type[20, "two readings"]
    result = by_type[21, "allowed"]
    receipt = next(items for type, _, items in payloads() if type == 22)
    root = receipt[8]
    first_head = sha256(bytes(32) + root + (3).to_bytes(4, "big"))
    provisioning = [CHALLENGE, DEVICE_ID, NEXT_DIGEST, sha256(b"board"), sha256(b"{}")]
    provisioning_digest = tagged_hash("countersign/Provisioning/1", b"".join(provisioning))
    line_session = tagged_hash("countersign/line-session/1", DEVICE_ID + (3).to_bytes(8, "big"))[:4]
    return {
        "keys": {
            name: {"secret": key.secret.hex(), "public": key.public.hex()}
            for name, key in (("device", DEVICE), ("next", NEXT), ("gateway", GATEWAY))
        },
        "device_id": DEVICE_ID.hex(),
        "next_key_digest": NEXT_DIGEST.hex(),
        "gateway_id": GATEWAY_ID.hex(),
        "registration": {
            "chain_id": CHAIN_ID,
            "contract": CONTRACT.hex(),
            "owner": OWNER.hex(),
            "device_class": 1,
            "digest": REGISTRATION_DIGEST.hex(),
            "signature": REGISTRATION_SIGNATURE.hex(),
        },
        "provisioning": {
            "challenge": CHALLENGE.hex(),
            "hardware_digest": sha256(b"board").hex(),
            "config_digest": sha256(b"{}").hex(),
            "digest": provisioning_digest.hex(),
            "signature": DEVICE.sign(provisioning_digest).hex(),
        },
        "line_session": {"boot_count": 3, "session": line_session.hex()},
        "digests": _digests(first_head),
        "commitment": {
            "message": message.hex(),
            "result": result.hex(),
            "commitment": commitment(message, result).hex(),
            "refused": [
                {"what": "another result", "result": by_type[21, "enrolled"].hex()},
                {"what": "the denial of the same evidence",
                 "result": by_type[21, "denied: revoked, on knowledge of ten days ago"].hex()},
            ],
        },
        "batch": {
            "leaf_index": 1,
            "tree_size": 3,
            "inclusion_proof": [h.hex() for h in receipt[9]],
            "batch_root": root.hex(),
            "head_before": bytes(32).hex(),
            "head": first_head.hex(),
            "refused": [
                {"what": "another index", "leaf_index": 0, "tree_size": 3},
                {"what": "a larger tree", "leaf_index": 1, "tree_size": 5},
                {"what": "an index beyond the tree", "leaf_index": 3, "tree_size": 3},
            ],
        },
        "three_moves": proof_cases.three_moves(),
        "ring": proof_cases.ring(),
        "coupon": proof_cases.coupon(),
    }  # fmt: skip


def _digests(head: bytes) -> dict[str, dict[str, Any]]:
    """What else keys sign, each with what is in it and its digest."""
    account, successor, new_key = bytes([0x0A]) * 20, bytes([0x0D]) * 20, Key(0x0B).public
    place = number(CHAIN_ID) + CONTRACT

    def of(tag: str, data: bytes, **parts: Any) -> dict[str, Any]:
        return {**parts, "digest": tagged_hash(f"countersign/{tag}/1", data).hex()}

    log = {"chain_id": CHAIN_ID, "contract": CONTRACT.hex()}
    return {
        "ServiceUnlock": of("ServiceUnlock", CHALLENGE + DEVICE_ID, challenge=CHALLENGE.hex()),
        "AdmissionList": of("AdmissionList", b"[]", file="[]"),
        "LogClaim": of("LogClaim", place + account, **log, account=account.hex()),
        "LogSuccession": of(
            "LogSuccession",
            place + account + successor + (1).to_bytes(8, "big") + head,
            **log,
            predecessor=account.hex(),
            successor=successor.hex(),
            sequence=1,
            head=head.hex(),
        ),
        "GatewayKeyRotation": of(
            "GatewayKeyRotation",
            place + account + GATEWAY.public + new_key,
            **log,
            account=account.hex(),
            old_key=GATEWAY.public.hex(),
            new_key=new_key.hex(),
        ),
    }
