"""Verifies a device's message. Read this file first.

The gateway believes a message that passes these checks, in this order. It refuses any other message
with the reason of the first check that fails (PROTOCOL.md, section 7):

    1. encoding    one well-formed message in the one allowed encoding    10…17
    2. topic       it came where its sender and its type belong           WRONG_TOPIC
    3. audience    it was made for this gateway                           WRONG_AUDIENCE
    4. device      we know the device, or it is presenting itself         UNKNOWN_DEVICE
    5. key         the identity is the digest of the key                  WRONG_KEY
    6. signature   the holder of that key signed exactly these bytes      BAD_SIGNATURE
    ── the sender is known from here on; only now may an answer reveal what is on record ──
    7. counter     newer than everything accepted from this device        REPLAYED, OUT_OF_ORDER
    8. freshness   made for a beacon or a challenge of ours               STALE_BEACON, …

Governance decides what follows from a verified message (a suspended device, a policy). Check 4 must
come before 5 and 6, since it finds the key. Its refusal may name the device as unknown before the
signature is checked, because identifiers are public (section 9).

`verify` below makes all eight checks in order. Checks 1, 2, 3, 6 and 7 are the same for every
message. Checks 4, 5 and 8 depend on its type: evidence.py and enrolment.py have one class for each.
Under load another process makes checks 1 and 6 ahead, with a key that it is given. Its findings
come as an Examined envelope (read_ahead.py), and the same code decides about them.

The verifier keeps parsed keys and no other state. It moves no counter: its caller does, when it
records the verified message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from countersign import messages, reasons
from countersign_gateway.model import Envelope, Standing
from countersign_gateway.verification import codec
from countersign_gateway.verification.beacons import Beacons
from countersign_gateway.verification.challenges import Challenges
from countersign_gateway.verification.enrolment import ProofChecks, RequestChecks
from countersign_gateway.verification.evidence import EvidenceChecks
from countersign_gateway.verification.findings import Checks, Memory, Reading, Refusal, Verified
from countersign_gateway.verification.public_keys import PublicKeys
from countersign_gateway.verification.read_ahead import Examined


class Verifier:
    """Used by one thread. `clock_s`: seconds since boot."""

    def __init__(
        self,
        site_gateway_id: bytes,
        beacons: Beacons,
        challenges: Challenges,
        clock_s: Callable[[], float],
        public_keys: PublicKeys | None = None,
    ) -> None:
        self._gateway_id = site_gateway_id
        self._public_keys = public_keys or PublicKeys()
        self._checks: dict[int, Checks] = {
            messages.EVIDENCE: EvidenceChecks(beacons),
            messages.ENROL_REQUEST: RequestChecks(self._public_keys),
            messages.ENROL_PROOF: ProofChecks(challenges, self._public_keys, clock_s),
        }

    def verify(self, envelope: Envelope, memory: Memory) -> Verified | Refusal:
        # 1. Encoding.
        try:
            reading = self._read(envelope)
        except reasons.Refused as refused:
            return Refusal(refused.reason, refused.detail)
        definition, fields = reading.definition, reading.fields

        # 2. Topic. It must name the kind of the message, and a device must be its sender.
        if definition.kind.name != envelope.kind or definition.sender != messages.DEVICE:
            topic = envelope.kind or "no topic"
            return Refusal(reasons.WRONG_TOPIC, f"{definition.name} on {topic}")
        if fields["device_id"] != envelope.device_id:
            return Refusal(reasons.WRONG_TOPIC, "topic and message name different devices")

        # 3. Audience.
        if fields["audience"] != self._gateway_id:
            return Refusal(reasons.WRONG_AUDIENCE, "made for another gateway")

        # 4. Device, 5. Key.
        checks = self._checks.get(definition.type)
        if checks is None:
            return Refusal(reasons.UNKNOWN_MESSAGE, f"{definition.name} is not for a gateway")
        speaker = checks.speaker(reading, memory)
        if isinstance(speaker, Refusal):
            return speaker

        # 6. Signature.
        if not reading.signed_by(speaker.public_key):
            return Refusal(reasons.BAD_SIGNATURE, checks.unsigned)

        # 7. Counter.
        subject = messages.digest(envelope.payload)
        known = speaker.known
        if known is not None and fields["counter"] <= known.counter:
            if memory.seen(known.device_id, fields["counter"], subject):
                return Refusal(reasons.REPLAYED, "accepted before, to the byte", Standing.SPENT)
            detail = f"counter {fields['counter']} after {known.counter}"
            return Refusal(reasons.OUT_OF_ORDER, detail, Standing.SPENT)

        # 8. Freshness.
        finding = checks.conclude(reading, speaker, subject, memory)
        if isinstance(finding, Refusal):
            return replace(finding, standing=Standing.SIGNED if known is None else Standing.FRESH)
        return finding

    def _read(self, envelope: Envelope) -> Reading:
        """The reading made ahead, or a new one. reasons.Refused if it is not well-formed."""
        if isinstance(envelope, Examined):
            return envelope
        return _ReadHere(codec.open_message(envelope.payload), self._public_keys)


class _ReadHere:
    """findings.Reading of a message that the worker has not read ahead."""

    __slots__ = ("_message", "_public_keys", "definition", "fields")
    checked_key = None

    def __init__(self, message: messages.Message, public_keys: PublicKeys) -> None:
        self.definition = message.definition
        self.fields: dict[str, Any] = message.fields
        self._message = message
        self._public_keys = public_keys

    def signed_by(self, public_key: bytes) -> bool:
        message = self._message
        return self._public_keys.verify(public_key, message.signing_digest(), message.signature)
