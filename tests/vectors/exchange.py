"""The vectors of one whole exchange, from enrolment to receipt: messages.json, refused.json,
unbelieved.json, statements.json and frames.json. They are made from PROTOCOL.md alone, with the
oracles of tests/support/differential.
"""

import binascii
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


# messages.json, refused.json, unbelieved.json --------------------------------------------------


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


def unbelieved() -> list[dict[str, Any]]:
    """Well-formed messages that a gateway does not believe. Its record: the device of this exchange
    with counter 257, whose EnrolProof is the one of messages.json; its beacon: that of this
    exchange. Where two things are wrong, the order of the checks decides."""
    ten = PRESENTED | {8: NONCE}
    proof = next(items for type, _, items in payloads() if type == 12)
    other_id = tagged_hash("countersign/device/1", b"\x01" + sha256(NEXT.public) + bytes(32))

    def by(key: Key, type: int, items: dict[int, Any]) -> bytes:
        payload = cbor_encode(items)
        digest = tagged_hash(f"countersign/{SHAPES[type][0]}/1", payload)
        return enveloped(type, payload, key.sign(digest))

    def evidence(changes: dict[int, Any], key: Key = DEVICE) -> bytes:
        return by(key, 20, evidence_items(changes))

    present = tagged_hash("countersign/next-key/1", b"\x01" + DEVICE.public)
    elsewhere, stale = {3: bytes(32).hex()}, {10: bytes(32)}
    cases = [
        ("ACCEPTED", "the evidence of messages.json", "evidence", evidence({})),
        ("WRONG_TOPIC", "evidence as an enrolment", "enrol", evidence({})),
        ("WRONG_TOPIC", "a gateway's message", "evidence",
            enveloped(43, cbor_encode({1: GATEWAY_ID, 2: BEACON, 3: 5, 4: 1, 5: 0, 6: 0, 7: 4}))),
        ("WRONG_TOPIC", "on the topic of another device", "evidence",
            by(NEXT, 20, evidence_items({256: b"\x01" + other_id}))),
        ("WRONG_AUDIENCE", "for another gateway", "evidence", evidence(elsewhere)),
        ("WRONG_AUDIENCE", "for another gateway, and not signed by the device", "evidence",
            evidence(elsewhere, NEXT)),
        ("BAD_SIGNATURE", "signed by another key", "evidence", evidence({}, NEXT)),
        ("BAD_SIGNATURE", "signed by another key, with an old counter and beacon", "evidence",
            evidence(stale | {-65537: 1}, NEXT)),
        ("STALE_BEACON", "an unknown beacon", "evidence", evidence(stale)),
        ("OUT_OF_ORDER", "counter 256 after 257", "evidence", evidence({-65537: 256})),
        ("OUT_OF_ORDER", "counter 257 again, in another message", "evidence",
            evidence({-65537: 257})),
        ("OUT_OF_ORDER", "an old counter and an unknown beacon", "evidence",
            evidence(stale | {-65537: 256})),
        ("REPLAYED", "the accepted EnrolProof", "enrol", by(DEVICE, 12, proof)),
        ("UNKNOWN_CHALLENGE", "a proof over a challenge that nobody gave", "enrol",
            by(DEVICE, 12, proof | {9: 259})),
        ("WRONG_KEY", "a key that does not give the device_id", "enrol",
            by(NEXT, 10, ten | {3: NEXT.public})),
        ("WRONG_KEY", "a key that is no point", "enrol", by(DEVICE, 10, ten | {3: number(5)})),
        ("BAD_NEXT_KEY", "no next key", "enrol", by(DEVICE, 10, ten | {5: bytes(32)})),
        ("BAD_NEXT_KEY", "the present key as the next", "enrol",
            by(DEVICE, 10, ten | {5: present})),
        ("WRONG_KEY", "another next key than on record", "enrol",
            by(DEVICE, 10, ten | {5: bytes([1]) * 32})),
        ("UNSUPPORTED_SUITE", "suite 2", "enrol", by(DEVICE, 10, ten | {2: 2})),
        ("BAD_FIELD", "suite 1 with a post-quantum digest", "enrol",
            by(DEVICE, 10, ten | {4: bytes([1]) * 32})),
        ("BAD_SIGNATURE", "a request signed by another key", "enrol", by(NEXT, 10, ten)),
    ]  # fmt: skip
    return [
        {"reason": reason, "what": what, "kind": kind, "message": message.hex()}
        for reason, what, kind, message in cases
    ]


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
    }  # fmt: skip


# frames.json ---------------------------------------------------------------------------------


def stuffed(content: bytes) -> bytes:
    """COBS, from its definition: cut at zeros, and every 254 bytes."""
    out = bytearray()
    for piece in content.split(b"\x00"):
        while len(piece) >= 254:
            out += b"\xff" + piece[:254]
            piece = piece[254:]
        out += bytes([len(piece) + 1]) + piece
    return bytes(out)


def frame(kind: int, session: int, sequence: int, behind: int, body: bytes = b"") -> bytes:
    content = bytes([kind]) + session.to_bytes(4, "big") + sequence.to_bytes(6, "big")
    content += bytes([behind]) + body
    return b"\x00" + stuffed(content + binascii.crc32(content).to_bytes(4, "big")) + b"\x00"


def frames() -> list[dict[str, Any]]:
    by_type = {type: enveloped(type, cbor_encode(items)) for type, _, items in payloads()}
    contents = [
        b"", b"\x00", b"\x00\x00", b"\x01", b"\x01\x00", b"\x00\x01", b"\x01" * 253, b"\x01" * 254,
        b"\x01" * 255, b"\x01" * 254 + b"\x00", b"\x01" * 508, b"\x00" * 255,
    ]  # fmt: skip
    device = [
        (1, "ACK", 7, 3, 0, b"", b""),
        (2, "PING", 7, 1, 0, b"", b""),
        (3, "PONG", 7, 1, 0, b"", b""),
        (16, "LISTEN", 9, 0, 0, DEVICE_ID, b""),
        (17, "EnrolRequest", 9, 1, 1, DEVICE_ID, by_type[10]),
        (17, "EnrolProof", 9, 2, 0, DEVICE_ID, by_type[12]),
        (18, "Evidence", 9, 3, 1, DEVICE_ID, by_type[20]),
        (32, "EnrolChallenge", 7, 0, 0, DEVICE_ID, by_type[11]),
        (33, "AttestationResult", 7, 1, 0, DEVICE_ID, by_type[21]),
        (34, "Receipt", 7, 2, 1, DEVICE_ID, by_type[22]),
        (35, "Error", 7, 3, 2, DEVICE_ID, by_type[255]),
        (36, "Beacon", 2**32 - 1, 2**48 - 1, 3, b"", by_type[43]),
    ]
    good = frame(18, 9, 3, 1, DEVICE_ID + by_type[20])
    crc_wrong = good[:-3] + bytes([good[-3] % 255 + 1]) + good[-2:]
    noise = [
        ("a wrong checksum", crc_wrong),
        ("a kind that is not in the table", frame(99, 9, 3, 1, DEVICE_ID + b"x")),
        ("an ACK with a body", frame(1, 7, 3, 0, b"x")),
        ("LISTEN with 31 bytes", frame(16, 9, 0, 0, DEVICE_ID[:31])),
        ("a message without its byte", frame(18, 9, 3, 1, DEVICE_ID)),
        ("a message of 2,049 bytes", frame(18, 9, 3, 1, DEVICE_ID + b"\x01" * 2049)),
        ("a run beyond the end", b"\x00\x09abc\x00"),
        ("too short for a frame", b"\x00" + stuffed(b"\x01" * 15) + b"\x00"),
        ("text of a log", b"\x00MPY: soft reboot\r\n\x00"),
        ("a frame that is cut in two by a zero", good[:40] + b"\x00" + good[40:]),
    ]
    found: list[dict[str, Any]] = [
        {"content": one.hex(), "stuffed": stuffed(one).hex()} for one in contents
    ]
    for kind, what, session, sequence, behind, device_id, payload in device:
        found.append(
            {
                "what": what,
                "kind": kind,
                "session": session,
                "sequence": sequence,
                "behind": behind,
                "device_id": device_id.hex(),
                "payload": payload.hex(),
                "line": frame(kind, session, sequence, behind, device_id + payload).hex(),
            }
        )
    return found + [{"what": what, "noise": line.hex()} for what, line in noise]
