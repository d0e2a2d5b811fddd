"""Open enrolment challenges: bounded, short-lived, single use.

The caller passes in the time (seconds since boot). A device has at most one open challenge, so that
nobody can fill the table with one key. Under a flood of keys the oldest challenge is dropped:
refusing new ones instead would let an attacker block enrolment for the lifetime of a challenge.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from countersign_gateway.model import RegistrationOffer

CHALLENGE_BYTES = 32
MAX_OPEN = 4096


@dataclass(frozen=True, slots=True)
class Applicant:
    """A device that asked to enrol, as its verified request described it."""

    device_id: bytes
    suite: int
    public_key: bytes
    post_quantum_digest: bytes
    next_key_digest: bytes
    environment: int


@dataclass(frozen=True, slots=True)
class OpenChallenge:
    challenge: bytes
    request_nonce: bytes
    applicant: Applicant
    offer: RegistrationOffer | None
    opened_s: float


class Challenges:
    """Used by the pipeline's thread only."""

    def __init__(
        self,
        ttl_s: float,
        max_open: int = MAX_OPEN,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._ttl_s = ttl_s
        self._max_open = max_open
        self._random_bytes = random_bytes
        # device_id → challenge, oldest first.
        self._open: dict[bytes, OpenChallenge] = {}
        self.evicted = 0

    def open(
        self,
        applicant: Applicant,
        request_nonce: bytes,
        offer: RegistrationOffer | None,
        now_s: float,
    ) -> OpenChallenge:
        """The challenge for this request: a new one, or the open one if the request came before."""
        self._drop_expired(now_s)
        known = self._open.get(applicant.device_id)
        same = known is not None and known.applicant == applicant
        if known is not None and same and known.request_nonce == request_nonce:
            return known
        self._open.pop(applicant.device_id, None)
        while len(self._open) >= self._max_open:
            del self._open[next(iter(self._open))]
            self.evicted += 1
        opened = OpenChallenge(
            challenge=self._random_bytes(CHALLENGE_BYTES),
            request_nonce=request_nonce,
            applicant=applicant,
            offer=offer,
            opened_s=now_s,
        )
        self._open[applicant.device_id] = opened
        return opened

    def find(self, device_id: bytes, challenge: bytes, now_s: float) -> OpenChallenge | None:
        """The device's challenge, if it equals `challenge` and has not expired. It stays open."""
        self._drop_expired(now_s)
        known = self._open.get(device_id)
        if known is None or known.challenge != challenge:
            return None
        return known

    def close(self, device_id: bytes) -> None:
        """Use up a device's challenge. The caller has verified the proof that answers it."""
        self._open.pop(device_id, None)

    def __len__(self) -> int:
        return len(self._open)

    def _drop_expired(self, now_s: float) -> None:
        while self._open:
            oldest = next(iter(self._open.values()))
            if now_s - oldest.opened_s < self._ttl_s:
                return
            del self._open[oldest.applicant.device_id]
