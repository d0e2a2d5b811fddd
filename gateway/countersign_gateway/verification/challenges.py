"""Enrolment challenges that nobody has to remember.

A challenge is the time at which it was made and a code (HMAC-SHA-256) over this time, the
applicant, the registration offered and the device's counter on record, with a secret of this run:

    challenge = made_ms (6) ‖ the first 26 bytes of the code

An EnrolProof repeats what the code covers, so the gateway makes the code anew and compares. It
keeps nothing between request and proof. So a flood of requests evicts nothing, and a replayed
request cancels nothing. An accepted proof moves the counter on record, so a challenge is used once.
See decision 0039. The caller passes in the time (seconds since boot).
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass

from countersign_gateway.model import RegistrationOffer

CHALLENGE_BYTES = 32
_TIME_BYTES = 6
_PURPOSE = b"countersign/EnrolChallenge/1"


@dataclass(frozen=True, slots=True)
class Applicant:
    """A device that asked to enrol, as its verified message described it."""

    device_id: bytes
    suite: int
    public_key: bytes
    post_quantum_digest: bytes
    next_key_digest: bytes
    environment: int


class Challenges:
    """The challenges of one run. Safe from any thread: it holds a secret and no state."""

    def __init__(
        self,
        ttl_s: float,
        now_s: float,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._ttl_ms = int(ttl_s * 1000)
        # Times count from here: the time since boot is nobody's business.
        self._started_s = now_s
        self._secret = random_bytes(32)

    def issue(
        self, applicant: Applicant, offer: RegistrationOffer | None, counter: int, now_s: float
    ) -> bytes:
        """A challenge for this applicant. counter: the last accepted one on record, 0 if none."""
        made = self._elapsed_ms(now_s).to_bytes(_TIME_BYTES, "big")
        return made + self._code(made, applicant, offer, counter)

    def accepts(
        self,
        challenge: bytes,
        applicant: Applicant,
        offer: RegistrationOffer | None,
        counter: int,
        now_s: float,
    ) -> bool:
        """Whether `issue` gave this challenge for the same four, less than the lifetime ago."""
        made, code = challenge[:_TIME_BYTES], challenge[_TIME_BYTES:]
        if not hmac.compare_digest(code, self._code(made, applicant, offer, counter)):
            return False
        return 0 <= self._elapsed_ms(now_s) - int.from_bytes(made, "big") < self._ttl_ms

    def _elapsed_ms(self, now_s: float) -> int:
        return int((now_s - self._started_s) * 1000)

    def _code(
        self, made: bytes, applicant: Applicant, offer: RegistrationOffer | None, counter: int
    ) -> bytes:
        # Every part has a fixed length, and an offer is there or not, so no two inputs are alike.
        covered = b"".join(
            (
                _PURPOSE,
                made,
                applicant.device_id,
                applicant.suite.to_bytes(1, "big"),
                applicant.public_key,
                applicant.post_quantum_digest,
                applicant.next_key_digest,
                applicant.environment.to_bytes(1, "big"),
                counter.to_bytes(8, "big"),
                b"" if offer is None else _offered(offer),
            )
        )
        code = hmac.digest(self._secret, covered, "sha256")
        return code[: CHALLENGE_BYTES - _TIME_BYTES]


def _offered(offer: RegistrationOffer) -> bytes:
    return (
        offer.chain_id.to_bytes(8, "big")
        + offer.contract
        + offer.owner
        + offer.device_class.to_bytes(1, "big")
    )
