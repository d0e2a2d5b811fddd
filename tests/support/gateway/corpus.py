"""Valid messages, and wrong messages made from them.

Each case names the reason that the gateway must answer. `mutants` change bytes: the strict codec
decides what each mutant is, and the fast codec must agree. The file is as long as its list of
cases.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cbor2

from countersign import identity, messages
from countersign_gateway.model import Envelope
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.site_under_test import SiteUnderTest


@dataclass(frozen=True)
class Case:
    """make(site, device): the envelope to send. reason: the name that must be the answer."""

    name: str
    reason: str
    make: Callable[[SiteUnderTest, SimulatedDevice], Envelope]


def _evidence(site: SiteUnderTest, device: SimulatedDevice, **changes: object) -> bytes:
    return device.evidence(site.beacons.current, **changes)


def _payload(reason: str, name: str, change: Callable[[bytes], bytes]) -> Case:
    return Case(name, reason, lambda s, d: d.envelope(change(_evidence(s, d))))


def _deeper(data: bytes) -> bytes:
    return b"\x81" * 9 + data


def _resealed(device: SimulatedDevice, item: object, name: str = "Evidence") -> bytes:
    """A correctly signed payload of any shape, as a device with a faulty encoder sends it."""
    definition = next(one for one in messages.DEFINITIONS if one.name == name)
    payload = item if isinstance(item, bytes) else cbor2.dumps(item, canonical=True)
    signature = device.sign(messages.signing_digest(definition, payload))
    return cbor2.dumps([definition.protected, {}, payload, signature], canonical=True)


def claims_of(message: bytes) -> dict[object, object]:
    """The payload of a valid message as cbor2 reads it."""
    claims = cbor2.loads(cbor2.loads(message)[2])
    return dict(claims)


def _claims(reason: str, name: str, change: Callable[[dict[object, object]], object]) -> Case:
    def make(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
        claims = claims_of(_evidence(site, device))
        changed = change(claims)
        return device.envelope(_resealed(device, claims if changed is None else changed))

    return Case(name, reason, make)


def _replay(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    sent = _evidence(site, device)
    assert site.verdict(device, sent) == "ACCEPTED"
    assert site.verdict(device, _evidence(site, device)) == "ACCEPTED"
    return device.envelope(sent)


def _replay_after_rotation(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    sent = _evidence(site, device)
    assert site.verdict(device, sent) == "ACCEPTED"
    _rotate(site, 3)
    return device.envelope(sent)


def _rotate(site: SiteUnderTest, times: int) -> None:
    for _ in range(times):
        site.clock.now_s += 31
        assert site.beacons.rotate_if_due(site.clock.now_s)


def _stale(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    sent = _evidence(site, device)
    _rotate(site, 2)
    return device.envelope(sent)


def previous(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    sent = _evidence(site, device)
    _rotate(site, 1)
    return device.envelope(sent)


def _other_topic(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    other = site.enrolled("somebody else")
    return Envelope(other.device_id, "evidence", _evidence(site, device), lambda: None)


def _other_key(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    other = site.device("thief")
    sent = other.evidence(
        site.beacons.current, device_id=device.device_id, counter=device.next_counter()
    )
    return device.envelope(sent)


def _impostor(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    impostor = site.device("impostor")
    return device.envelope(impostor.request(device_id=device.device_id), "enrol")


def _same_next_key(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    stranger = site.device("stranger")
    present = identity.next_key_digest(identity.SUITE_SECP256K1, stranger.public_key)
    return stranger.envelope(stranger.request(next_key_digest=present), "enrol")


def _unknown(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    stranger = site.device("stranger")
    return stranger.envelope(_evidence(site, stranger))


def from_gateway(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    result = site.one(device, _evidence(site, device), "evidence", "result")
    return device.envelope(result)


def _spent_challenge(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    newcomer = site.device("newcomer")
    challenge = site.one(newcomer, newcomer.request(), "enrol", "challenge")
    assert site.verdict(newcomer, newcomer.proof(challenge), "enrol") == "ACCEPTED"
    return newcomer.envelope(newcomer.proof(challenge), "enrol")


def _expired_challenge(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    newcomer = site.device("newcomer")
    challenge = site.one(newcomer, newcomer.request(), "enrol", "challenge")
    site.clock.now_s += 61
    return newcomer.envelope(newcomer.proof(challenge), "enrol")


def _borrowed_challenge(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    newcomer, other = site.device("newcomer"), site.device("other newcomer")
    site.one(newcomer, newcomer.request(), "enrol", "challenge")
    challenge = site.one(other, other.request(), "enrol", "challenge")
    return newcomer.envelope(newcomer.proof(challenge), "enrol")


def _replayed_proof(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    newcomer = site.device("newcomer")
    challenge = site.one(newcomer, newcomer.request(), "enrol", "challenge")
    proof = newcomer.proof(challenge)
    assert site.verdict(newcomer, proof, "enrol") == "ACCEPTED"
    return newcomer.envelope(proof, "enrol")


def _forged_proof(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    newcomer, thief = site.device("newcomer"), site.device("thief")
    challenge = site.one(newcomer, newcomer.request(), "enrol", "challenge")
    forged = thief.proof(
        challenge,
        device_id=newcomer.device_id,
        public_key=newcomer.public_key,
        next_key_digest=newcomer.next_key_digest,
    )
    return newcomer.envelope(forged, "enrol")


def _proof(name: str, reason: str, **changes: object) -> Case:
    """A proof that says something else than the request that drew its challenge."""

    def make(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
        newcomer = site.device("newcomer")
        challenge = site.one(newcomer, newcomer.request(), "enrol", "challenge")
        return newcomer.envelope(newcomer.proof(challenge, **changes), "enrol")

    return Case(name, reason, make)


def _proof_of_another_key(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    newcomer, thief = site.device("newcomer"), site.device("thief")
    challenge = site.one(newcomer, newcomer.request(), "enrol", "challenge")
    forged = thief.proof(challenge, device_id=newcomer.device_id)
    return newcomer.envelope(forged, "enrol")


def _known_device_s_proof(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    challenge = site.one(device, device.request(), "enrol", "challenge")
    return device.envelope(device.proof(challenge, next_key_digest=b"\x02" * 32), "enrol")


def _not_on_curve(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    newcomer = site.device("newcomer")
    # x = 5 is the smallest number that is the x of no point of secp256k1.
    off_curve = (5).to_bytes(32, "big")
    return newcomer.envelope(newcomer.request(public_key=off_curve), "enrol")


def _request(name: str, reason: str, **changes: object) -> Case:
    def make(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
        newcomer = site.device("newcomer")
        return newcomer.envelope(newcomer.request(**changes), "enrol")

    return Case(name, reason, make)


def _flip(position: int, mask: int = 1) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[position] ^= mask
        return bytes(changed)

    return change


def _float_key(claims: dict[object, object]) -> object:
    # 3.0 == 3 in Python, so a lookup by key would find it.
    return {3.0 if key == 3 else key: value for key, value in claims.items()}


def _true_key(site: SiteUnderTest, device: SimulatedDevice) -> Envelope:
    newcomer = site.device("newcomer")
    fields = claims_of(newcomer.request())
    fields[True] = fields.pop(1)
    return newcomer.envelope(_resealed(newcomer, fields, "EnrolRequest"), "enrol")


def _swapped_keys(claims: dict[object, object]) -> object:
    entries = list(claims.items())
    entries[0], entries[1] = entries[1], entries[0]
    return cbor2.dumps(dict(entries))


def _duplicate_key(claims: dict[object, object]) -> object:
    encoded = cbor2.dumps(claims, canonical=True)
    first = cbor2.dumps(3) + cbor2.dumps(claims[3])
    return b"\xaa" + first + encoded[1:]


CASES = (
    Case("as it should be", "ACCEPTED", lambda s, d: d.envelope(_evidence(s, d))),
    Case("the beacon before this one", "ACCEPTED", previous),
    # 1. Encoding.
    _payload("TRUNCATED", "empty", lambda data: b""),
    _payload("TRUNCATED", "last byte missing", lambda data: data[:-1]),
    _payload("TRUNCATED", "half of it", lambda data: data[: len(data) // 2]),
    _payload("TRAILING_BYTES", "one byte more", lambda data: data + b"\x00"),
    _payload("TRAILING_BYTES", "twice", lambda data: data + data),
    _payload("OVERSIZED", "2049 bytes", lambda data: data + bytes(2049 - len(data))),
    _payload("OVER_DEEP", "nine arrays around it", _deeper),
    _payload("MALFORMED", "not an array of four", lambda data: b"\x83" + data[1:-66]),
    _payload("MALFORMED", "text", lambda data: b"\x65hello"),
    _payload("MALFORMED", "a tag", lambda data: b"\xd2" + data),
    _payload("NON_CANONICAL", "indefinite length", lambda data: b"\x9f" + data[1:] + b"\xff"),
    _payload("NON_CANONICAL", "a long head", lambda data: b"\x98\x04" + data[1:]),
    _payload("UNKNOWN_MESSAGE", "another type number", _flip(14, 3)),
    _claims("NON_CANONICAL", "keys in another order", _swapped_keys),
    _claims("NON_CANONICAL", "the same key twice", _duplicate_key),
    _claims("BAD_FIELD", "a field missing", lambda claims: claims.pop(261) and None),
    _claims("BAD_FIELD", "a field more", lambda claims: claims.update({262: 1})),
    _claims("BAD_FIELD", "a field renamed", lambda claims: claims.update({262: claims.pop(261)})),
    _claims("MALFORMED", "a float for a number", lambda claims: claims.update({261: 1.5})),
    _claims("MALFORMED", "a float for a key", _float_key),
    Case("true for the key 1", "MALFORMED", _true_key),
    _claims("BAD_FIELD", "true for a number", lambda claims: claims.update({261: True})),
    _claims("BAD_FIELD", "a short beacon", lambda claims: claims.update({10: bytes(31)})),
    _claims("BAD_FIELD", "counter 0", lambda claims: claims.update({-65537: 0})),
    _claims("BAD_FIELD", "counter 2**63", lambda claims: claims.update({-65537: 1 << 63})),
    _claims("MALFORMED", "counter 2**64", lambda claims: claims.update({-65537: 1 << 64})),
    _claims("BAD_FIELD", "a reading of 2**31", lambda c: c.update({-65538: {"a": 1 << 31}})),
    _claims("BAD_FIELD", "a number for a name", lambda c: c.update({-65538: {1: 1}})),
    _claims("BAD_FIELD", "capital digits", lambda c: c.update({3: str(c[3]).upper() or "A" * 64})),
    _claims("BAD_FIELD", "another UEID type", lambda c: c.update({256: b"\x02" + bytes(32)})),
    _claims("BAD_FIELD", "environment 3", lambda claims: claims.update({-65539: 3})),
    # 2. Topic.
    Case("on another device's topic", "WRONG_TOPIC", _other_topic),
    Case(
        "evidence on the topic for enrolment",
        "WRONG_TOPIC",
        lambda s, d: d.envelope(_evidence(s, d), "enrol"),
    ),
    Case(
        "a request on the topic for evidence",
        "WRONG_TOPIC",
        lambda s, d: d.envelope(d.request(), "evidence"),
    ),
    Case("the gateway's own message", "WRONG_TOPIC", from_gateway),
    # 3. Audience.
    Case(
        "for another gateway",
        "WRONG_AUDIENCE",
        lambda s, d: d.envelope(_evidence(s, d, audience=b"\x01" * 32)),
    ),
    _request("a request for another gateway", "WRONG_AUDIENCE", audience=b"\x01" * 32),
    # 4. Device.
    Case("from a stranger", "UNKNOWN_DEVICE", _unknown),
    _request("suite 2", "UNSUPPORTED_SUITE", suite=2),
    _request("suite 0", "UNSUPPORTED_SUITE", suite=0),
    _request("a digest that suite 1 has not", "BAD_FIELD", post_quantum_digest=b"\x01" * 32),
    # 5. Key.
    Case("another key under a known device's name", "WRONG_KEY", _impostor),
    Case("a key that is no point", "WRONG_KEY", _not_on_curve),
    Case("another key in a proof", "WRONG_KEY", _proof_of_another_key),
    Case("another next key than at first", "WRONG_KEY", _known_device_s_proof),
    _proof("a proof of suite 2", "UNSUPPORTED_SUITE", suite=2),
    _request("no next key", "BAD_NEXT_KEY", next_key_digest=bytes(32)),
    Case("the present key as the next", "BAD_NEXT_KEY", _same_next_key),
    # 6. Signature.
    Case("signed with another key", "BAD_SIGNATURE", _other_key),
    _payload("BAD_SIGNATURE", "one bit of the signature", _flip(-1)),
    _payload("BAD_SIGNATURE", "one bit of R", _flip(-64)),
    _payload("BAD_SIGNATURE", "s of all ones", lambda data: data[:-32] + b"\xff" * 32),
    _payload("BAD_SIGNATURE", "a signature of zeros", lambda data: data[:-64] + bytes(64)),
    Case("a forged proof", "BAD_SIGNATURE", _forged_proof),
    # 7. Counter.
    Case("sent again", "REPLAYED", _replay),
    Case("sent again when its beacon is long gone", "REPLAYED", _replay_after_rotation),
    Case("a proof sent again", "REPLAYED", _replayed_proof),
    Case(
        "a counter used before",
        "OUT_OF_ORDER",
        lambda s, d: d.envelope(_evidence(s, d, counter=1)),
    ),
    # 8. Freshness.
    Case("two beacons ago", "STALE_BEACON", _stale),
    Case(
        "a beacon that never was",
        "STALE_BEACON",
        lambda s, d: d.envelope(d.evidence(b"\x11" * 32)),
    ),
    Case("a challenge used before", "UNKNOWN_CHALLENGE", _spent_challenge),
    Case("a challenge that ran out", "UNKNOWN_CHALLENGE", _expired_challenge),
    Case("another device's challenge", "UNKNOWN_CHALLENGE", _borrowed_challenge),
    _proof("a challenge that never was", "UNKNOWN_CHALLENGE", challenge=b"\x11" * 32),
    _proof("another next key in the proof", "UNKNOWN_CHALLENGE", next_key_digest=b"\x02" * 32),
    _proof("another environment in the proof", "UNKNOWN_CHALLENGE", environment=1),
    _proof(
        "a registration that was not offered",
        "UNKNOWN_CHALLENGE",
        registration={
            "chain_id": 1,
            "contract": b"\x01" * 20,
            "owner": b"\x02" * 20,
            "device_class": 1,
        },
    ),
)


def valid_messages() -> list[bytes]:
    """Valid messages of each type that a device sends."""
    site = SiteUnderTest()
    device = site.device("one")
    request = device.request()
    challenge = site.one(device, request, "enrol", "challenge")
    return [
        request,
        device.proof(challenge),
        device.evidence(site.beacons.current),
        device.evidence(site.beacons.current, readings={}),
        device.evidence(
            site.beacons.current,
            readings={"r" * (1 + number): -number for number in range(16)},
        ),
    ]


def mutants(seed: int, count: int) -> Iterator[bytes]:
    """`count` valid messages with bytes cut, added, flipped, replaced, nested or spliced."""
    rng = random.Random(seed)
    valid = valid_messages()
    for _ in range(count):
        data = bytearray(rng.choice(valid))
        for _ in range(rng.randint(1, 3)):
            position = rng.randrange(len(data)) if data else 0
            kind = rng.randrange(8)
            if kind == 0:
                del data[position:]
            elif kind == 1:
                data += rng.randbytes(rng.randint(1, 40))
            elif kind == 2 and data:
                data[position] ^= 1 << rng.randrange(8)
            elif kind == 3 and data:
                data[position] = rng.choice(b"\x00\x17\x18\x19\x1b\x9f\xbf\xc2\xf4\xf5\xf6\xf7\xfb")
            elif kind == 4:
                data[position:position] = rng.randbytes(rng.randint(1, 8))
            elif kind == 5:
                del data[position : position + rng.randint(1, 8)]
            elif kind == 6:
                data[0:0] = bytes([rng.choice(b"\x81\xa1\xd8\x9f")]) * rng.randint(1, 12)
            else:
                other = rng.choice(valid)
                data[position:] = other[rng.randrange(len(other)) :]
        yield bytes(data)
