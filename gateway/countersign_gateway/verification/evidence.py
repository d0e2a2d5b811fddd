"""Checks 4, 5 and 8 of Evidence."""

from __future__ import annotations

from countersign import reasons
from countersign_gateway.verification.beacons import Beacons
from countersign_gateway.verification.findings import (
    Memory,
    Reading,
    Refusal,
    Speaker,
    VerifiedEvidence,
)


class EvidenceChecks:
    """findings.Checks of Evidence: a known device states its condition."""

    unsigned = "not signed by the device's key"

    def __init__(self, beacons: Beacons) -> None:
        self._beacons = beacons

    def speaker(self, reading: Reading, memory: Memory) -> Speaker | Refusal:
        # 4. Device.
        device = memory.device(reading.fields["device_id"])
        if device is None:
            return Refusal(reasons.UNKNOWN_DEVICE, "never enrolled here")

        # 5. Key: the record's, which enrolment compared with the identity. A signature that was
        # checked ahead was checked with the key that the record had at that moment.
        checked_key = reading.checked_key
        if checked_key is not None and checked_key != device.public_key:
            return Refusal(reasons.UNKNOWN_DEVICE, "no longer enrolled here with this key")
        return Speaker(device.public_key, device)

    def conclude(
        self, reading: Reading, speaker: Speaker, subject: bytes, memory: Memory
    ) -> VerifiedEvidence | Refusal:
        claims = reading.fields

        # 8. Freshness.
        if not self._beacons.accepts(claims["beacon"]):
            return Refusal(reasons.STALE_BEACON, "neither the current beacon nor the one before")

        if speaker.known is None:
            raise ValueError("evidence speaks for a known device")
        return VerifiedEvidence(subject, claims["counter"], speaker.known, claims)
