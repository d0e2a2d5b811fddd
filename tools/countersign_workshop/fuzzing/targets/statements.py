"""Messages into the gateway's verifier, many of them truly signed: what it believes is well-formed,
signed by the right key, for this gateway, and newer than the record; every refusal has a reason
that the message's definition lists."""

from __future__ import annotations

import random
from typing import Any

from coincurve import PublicKeyXOnly

from countersign import cbor, identity, messages, reasons
from countersign_gateway.model import DeviceRecord, Envelope
from countersign_gateway.statements.keys import SigningKey
from countersign_gateway.verification.beacons import Beacons
from countersign_gateway.verification.challenges import Applicant, Challenges
from countersign_gateway.verification.findings import Refusal
from countersign_gateway.verification.verifier import Verifier
from countersign_workshop.fuzzing import lax_cbor, mutation
from countersign_workshop.fuzzing.target import Broken
from countersign_workshop.simulation.simulated_device import SimulatedDevice

GATEWAY = SigningKey(bytes(31) + b"\x2a")
BEACON = b"\xbe" * 32
COUNTER = 10
KINDS = ("evidence", "enrol", "result", "")


class _Record:
    """findings.Memory: one enrolled device, which has used COUNTER."""

    def __init__(self, record: DeviceRecord) -> None:
        self._record = record

    def device(self, device_id: bytes) -> DeviceRecord | None:
        return self._record if device_id == self._record.device_id else None

    def seen(self, device_id: bytes, counter: int, message_digest: bytes) -> bool:
        return counter == COUNTER


class _Device(SimulatedDevice):
    """Signs without fresh entropy, so that a run can be repeated from its seed."""

    def sign(self, digest: bytes) -> bytes:
        return bytes(self._key.sign_schnorr(digest, bytes(32)))


class Statements:
    name = "statements"

    def __init__(self) -> None:
        self._known = _Device.named("known", GATEWAY.gateway_id)
        self._applicant = _Device.named("applicant", GATEWAY.gateway_id)
        self._record = _Record(self._known.record(b"\x0a" * 20, COUNTER))
        challenges = Challenges(60.0, 0.0, random_bytes=bytes)
        self._challenges = {}
        for device, counter in ((self._known, COUNTER), (self._applicant, 0)):
            applicant = Applicant(
                device_id=device.device_id,
                suite=identity.SUITE_SECP256K1,
                public_key=device.public_key,
                post_quantum_digest=identity.ZERO_DIGEST,
                next_key_digest=device.next_key_digest,
                environment=device.environment,
            )
            challenge = challenges.issue(applicant, None, counter, 0.0)
            self._challenges[device.device_id] = challenge
        beacons = Beacons(30.0, 0.0, random_bytes=lambda _: BEACON)
        self._verifier = Verifier(GATEWAY.gateway_id, beacons, challenges, lambda: 1.0)

    def make(self, rng: random.Random) -> bytes:
        """The first byte names the topic's kind, and whose topic it is."""
        device = rng.choice((self._known, self._applicant))
        kind = rng.randrange(3)
        counter = rng.choice((1, COUNTER - 1, COUNTER, COUNTER + 1, 2**62, 2**63 - 1))
        if kind == 0:
            beacon = BEACON if rng.random() < 0.8 else bytes(32)
            message = device.evidence(beacon, counter=counter)
        elif kind == 1:
            message = device.request(bytes(32))
        else:
            message = device.proof_of(self._challenges[device.device_id], counter=counter)
        change = rng.randrange(4)
        if change == 1:
            message = mutation.mutated(rng, message)
        elif change > 1:
            message = self._resealed(rng, device, message)
        topic = rng.choice((1, 1, 1, 0)) if kind else rng.choice((0, 0, 0, 1))
        if rng.random() < 0.05:
            topic = rng.randrange(len(KINDS))
        whose = (device is self._applicant) != (rng.random() < 0.05)
        return bytes([topic | whose << 4]) + message

    def check(self, data: bytes) -> None:
        first, payload = (data[0] if data else 0), data[1:]
        device = self._applicant if first & 16 else self._known
        kind = KINDS[(first & 15) % len(KINDS)]
        envelope = Envelope(device.device_id if kind else None, kind, payload, _nothing)
        finding = self._verifier.verify(envelope, self._record)
        if isinstance(finding, Refusal):
            self._check_reason(payload, finding.reason)
            return
        message = messages.open_message(payload)
        fields = message.fields
        signed = PublicKeyXOnly(device.public_key).verify(
            message.signature, message.signing_digest()
        )
        if not signed:
            raise Broken("believed a message that the device did not sign")
        if (fields["device_id"], message.definition.kind.name) != (device.device_id, kind):
            raise Broken("believed a message on a topic that is not its own")
        if fields["audience"] != GATEWAY.gateway_id:
            raise Broken("believed a message for another gateway")
        if device is self._known and fields.get("counter", COUNTER + 1) <= COUNTER:
            raise Broken("believed a counter that is not new")
        if fields.get("beacon", BEACON) != BEACON:
            raise Broken("believed evidence for another beacon")
        challenge = self._challenges[device.device_id]
        if fields.get("challenge", challenge) != challenge:
            raise Broken("believed a proof for another challenge")

    @staticmethod
    def _check_reason(payload: bytes, reason: int) -> None:
        try:
            definition = messages.open_message(payload).definition
        except reasons.Refused as refused:
            if refused.reason != reason:
                raise Broken("the verifier gives another reason than the codec") from None
            return
        if reason not in definition.refusals + reasons.OF_ANY:
            raise Broken(f"{definition.name} refused for {reasons.NAMES.get(reason, str(reason))}")

    @staticmethod
    def _resealed(rng: random.Random, device: SimulatedDevice, message: bytes) -> bytes:
        """The message with a changed payload, signed as whoever made it would."""
        opened = messages.open_message(message)
        item = mutation.changed_item(rng, cbor.decode(opened.payload))
        payload = lax_cbor.encode(rng, item, rng.choice((0.0, 0.0, 0.0, 0.05)))
        definition = opened.definition
        if rng.random() < 0.1:
            definition = rng.choice(messages.DEFINITIONS)
        parts: list[Any] = [definition.protected, {}, payload]
        parts.append(device.sign(messages.signing_digest(definition, payload)))
        return lax_cbor.encode(rng, parts, 0.0)


def _nothing() -> None:
    """No transport waits for an acknowledgement."""
