"""unbelieved.json: well-formed messages to a gateway with a given record, and its finding."""

from typing import Any

from support.differential.oracles import cbor_encode, sha256, tagged_hash
from vectors.exchange import (
    BEACON,
    CHALLENGE,
    DEVICE,
    DEVICE_ID,
    GATEWAY_ID,
    NEXT,
    NEXT_DIGEST,
    NONCE,
    PRESENTED,
    REGISTRATION,
    SHAPES,
    Key,
    enveloped,
    evidence_items,
    number,
    payloads,
)

STEP = 2**32
OTHER_ID = tagged_hash("countersign/device/1", b"\x01" + sha256(NEXT.public) + bytes(32))


def by(key: Key, type: int, items: dict[int, Any]) -> bytes:
    payload = cbor_encode(items)
    digest = tagged_hash(f"countersign/{SHAPES[type][0]}/1", payload)
    return enveloped(type, payload, key.sign(digest))


def evidence(changes: dict[int, Any], key: Key = DEVICE) -> bytes:
    return by(key, 20, evidence_items(changes))


def accepted() -> list[bytes]:
    """Messages that this gateway accepted before."""
    proofs = [enveloped(type, cbor_encode(items)) for type, _, items in payloads() if type == 12]
    return [*proofs, evidence({-65537: 255})]


def state() -> dict[str, Any]:
    """What the gateway knows. A case may name another `status`."""
    return {
        "state": {
            "gateway_id": GATEWAY_ID.hex(),
            "device_id": DEVICE_ID.hex(),
            "public_key": DEVICE.public.hex(),
            "next_key_digest": NEXT_DIGEST.hex(),
            "environment": 1,
            "status": "enrolled",
            "counter": 257,
            "beacon": BEACON.hex(),
            "challenge": CHALLENGE.hex(),
            "registration": {
                "chain_id": REGISTRATION[1],
                "contract": REGISTRATION[2].hex(),
                "owner": REGISTRATION[3].hex(),
                "device_class": REGISTRATION[4],
            },
            "accepted": [sha256(one).hex() for one in accepted()],
        }
    }


def unbelieved() -> list[dict[str, Any]]:
    """The state, then the cases. Where two things are wrong, the order of the checks decides."""
    ten = PRESENTED | {8: NONCE}
    proof = next(items for type, _, items in payloads() if type == 12)
    new = proof | {9: 259}

    present = tagged_hash("countersign/next-key/1", b"\x01" + DEVICE.public)
    elsewhere, stale = {3: bytes(32).hex()}, {10: bytes(32)}
    cases = [
        ("ACCEPTED", "the evidence of messages.json", "evidence", evidence({})),
        ("WRONG_TOPIC", "evidence as an enrolment", "enrol", evidence({})),
        ("WRONG_TOPIC", "a gateway's message", "evidence",
            enveloped(43, cbor_encode({1: GATEWAY_ID, 2: BEACON, 3: 5, 4: 1, 5: 0, 6: 0, 7: 4}))),
        ("WRONG_TOPIC", "on the topic of another device", "evidence",
            evidence({256: b"\x01" + OTHER_ID}, NEXT)),
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
        ("REPLAYED", "an evidence that was accepted, with an older counter", "evidence",
            evidence({-65537: 255})),
        ("ACCEPTED", "a proof over the open challenge", "enrol", by(DEVICE, 12, new)),
        ("UNKNOWN_CHALLENGE", "a proof over a challenge that nobody gave", "enrol",
            by(DEVICE, 12, new | {8: bytes(32)})),
        ("UNKNOWN_CHALLENGE", "the open challenge, with another environment", "enrol",
            by(DEVICE, 12, new | {7: 2})),
        ("UNKNOWN_CHALLENGE", "the open challenge, with another owner", "enrol",
            by(DEVICE, 12, new | {10: REGISTRATION | {3: bytes(20)}})),
        ("UNKNOWN_CHALLENGE", "the open challenge, without its registration", "enrol",
            by(DEVICE, 12, new | {10: None, 11: None})),
        ("BAD_FIELD", "a registration that is not signed", "enrol",
            by(DEVICE, 12, new | {11: None})),
        ("BAD_SIGNATURE", "a registration that another key signed", "enrol",
            by(DEVICE, 12, new | {11: NEXT.sign(bytes(32))})),
        ("COUNTER_TOO_HIGH", "2**32 + 1 above the last counter", "evidence",
            evidence({-65537: 258 + STEP})),
        ("ACCEPTED", "2**32 above the last counter", "evidence", evidence({-65537: 257 + STEP})),
        ("COUNTER_TOO_HIGH", "a proof 2**32 + 1 above", "enrol",
            by(DEVICE, 12, new | {9: 258 + STEP})),
        ("WRONG_KEY", "check 5 before 8: no such key, an old counter", "enrol",
            by(NEXT, 12, proof | {3: NEXT.public, 9: 1})),
        ("OUT_OF_ORDER", "check 8 before 9: an old counter, another next key", "enrol",
            by(DEVICE, 12, proof | {5: bytes([1]) * 32, 9: 1})),
        ("WRONG_KEY", "check 9 before 10: another next key, an unknown challenge", "enrol",
            by(DEVICE, 12, new | {5: bytes([1]) * 32, 8: bytes(32)})),
        ("UNKNOWN_CHALLENGE", "check 10 before 11: an unknown challenge, not signed", "enrol",
            by(DEVICE, 12, new | {8: bytes(32), 11: None})),
        ("STALE_BEACON", "check 10 before 13: an unknown beacon, a counter too high", "evidence",
            evidence(stale | {-65537: 258 + STEP})),
        ("BAD_FIELD", "check 11 before 13: not signed, a counter too high", "enrol",
            by(DEVICE, 12, new | {9: 258 + STEP, 11: None})),
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
    found: list[dict[str, Any]] = [
        {"reason": reason, "what": what, "kind": kind, "message": message.hex()}
        for reason, what, kind, message in cases
    ]
    strangers = [
        ("UNKNOWN_DEVICE", "a device that is not on record",
            evidence({256: b"\x01" + OTHER_ID}, NEXT)),
        ("UNKNOWN_DEVICE", "check 4 before 6: not on record, and signed by another key",
            evidence({256: b"\x01" + OTHER_ID})),
    ]  # fmt: skip
    for reason, what, message in strangers:
        found.append(
            {"reason": reason, "what": what, "kind": "evidence", "topic_device": OTHER_ID.hex(),
             "message": message.hex()}
        )  # fmt: skip
    revoked = [
        ("REVOKED", "a revoked device", "evidence", evidence({})),
        ("STALE_BEACON", "check 10 before 12: an unknown beacon", "evidence", evidence(stale)),
        ("BAD_FIELD", "check 11 before 12: not signed", "enrol", by(DEVICE, 12, new | {11: None})),
        ("REVOKED", "check 12 before 13: a counter too high", "evidence",
            evidence({-65537: 258 + STEP})),
    ]  # fmt: skip
    for reason, what, kind, message in revoked:
        found.append(
            {"reason": reason, "what": what, "kind": kind, "status": "revoked",
             "message": message.hex()}
        )  # fmt: skip
    return [state(), *found]
