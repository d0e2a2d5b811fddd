"""Whether the record has room for a verified message: on the disk, and in its device's share.

Only what can be stored takes of a share: a message that is refused leaves nothing on the disk. A
share is a token bucket of bytes, so a device that checks in often with little and one that seldom
sends much have the same.
"""

from __future__ import annotations

from collections.abc import Callable

from countersign import reasons
from countersign_gateway.model import Envelope, Standing
from countersign_gateway.verification.findings import (
    Refusal,
    Verified,
    VerifiedEvidence,
    VerifiedProof,
)

# A row's result, commitment and index beside its message, as measured.
ROW_BYTES = 500
# A device that was away, or enrols again and again at a bench, may use so much of a day at once.
BURST_DAY = 1 / 96
MAX_DEVICES = 65_536
_DAY_S = 86_400


class Room:
    """Used by the pipeline's thread. clock_s: seconds since boot. has_disk: from any thread."""

    def __init__(
        self,
        device_bytes_per_day: float,
        has_disk: Callable[[], bool],
        clock_s: Callable[[], float],
    ) -> None:
        self._bytes_per_s = device_bytes_per_day / _DAY_S
        self._burst = device_bytes_per_day * BURST_DAY
        self._has_disk = has_disk
        self._clock_s = clock_s
        # device_id → (bytes left, when); the one that came first goes first, and gets a new share.
        self._shares: dict[bytes, tuple[float, float]] = {}

    def checked(self, envelope: Envelope, verified: Verified | Refusal) -> Verified | Refusal:
        """The finding, or a refusal in its place if there is no room for its row."""
        if not isinstance(verified, VerifiedEvidence | VerifiedProof):
            return verified
        if not self._has_disk():
            return Refusal(reasons.BUSY, "the disk is nearly full", Standing.FRESH)
        if envelope.device_id is None or not self._take(envelope.device_id, envelope.payload):
            return Refusal(reasons.BUSY, "more than the device's share of a day", Standing.FRESH)
        return verified

    def _take(self, device_id: bytes, payload: bytes) -> bool:
        now_s = self._clock_s()
        share = self._shares.get(device_id)
        if share is None:
            if len(self._shares) >= MAX_DEVICES:
                del self._shares[next(iter(self._shares))]
            left = self._burst
        else:
            left = min(self._burst, share[0] + (now_s - share[1]) * self._bytes_per_s)
        cost = len(payload) + ROW_BYTES
        allowed = left >= cost
        self._shares[device_id] = (left - cost if allowed else left, now_s)
        return allowed

    def __len__(self) -> int:
        return len(self._shares)
