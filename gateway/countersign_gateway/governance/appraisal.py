"""The appraisal policy: decides what follows from a verified message.

The policy is code behind one small interface, so that a signed policy bundle can replace
`SitePolicy` without a change elsewhere. An appraisal is a pure function: the same claims, record
and policy give the same verdict, on any machine, at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from countersign import reasons
from countersign.identity import ENVIRONMENT_EMULATED
from countersign_gateway.model import DeviceRecord, Status


@dataclass(frozen=True, slots=True)
class Appraisal:
    """`reason` is ACCEPTED exactly when `allow` is true."""

    allow: bool
    reason: int
    policy_version: int


class Policy(Protocol):
    """Decides. A policy keeps no state and writes nothing."""

    @property
    def version(self) -> int: ...

    def enrolment(self, environment: int, known: DeviceRecord | None) -> Appraisal:
        """Whether a device that runs in `environment` may enrol. `known`: its record or None."""
        ...

    def evidence(self, claims: Mapping[str, object], device: DeviceRecord) -> Appraisal:
        """Whether a device with these claims may go on."""
        ...


_REASON_OF_STATUS = {
    Status.SUSPENDED: reasons.SUSPENDED,
    Status.QUARANTINED: reasons.QUARANTINED,
    Status.REVOKED: reasons.REVOKED,
}


class SitePolicy:
    """The policy that gateway.toml describes."""

    def __init__(self, version: int, allow_emulated: bool) -> None:
        self._version = version
        self._allow_emulated = allow_emulated
        # Verdicts are few and immutable, and evidence is frequent, so each verdict is made once.
        self._verdicts = {
            code: Appraisal(code == reasons.ACCEPTED, code, version)
            for code in (
                reasons.ACCEPTED,
                reasons.SUSPENDED,
                reasons.QUARANTINED,
                reasons.REVOKED,
                reasons.POLICY_DENIED,
                reasons.EMULATED_REFUSED,
            )
        }

    @property
    def version(self) -> int:
        return self._version

    def enrolment(self, environment: int, known: DeviceRecord | None) -> Appraisal:
        reason = reasons.ACCEPTED
        if known is not None and known.status in _REASON_OF_STATUS:
            reason = _REASON_OF_STATUS[known.status]
        elif environment == ENVIRONMENT_EMULATED and not self._allow_emulated:
            reason = reasons.EMULATED_REFUSED
        elif known is not None and known.environment != environment:
            # If an identity was born on hardware and now states that it is emulated, or the
            # reverse, somebody has copied its key.
            reason = reasons.POLICY_DENIED
        return self._verdicts[reason]

    def evidence(self, claims: Mapping[str, object], device: DeviceRecord) -> Appraisal:
        reason = _REASON_OF_STATUS.get(device.status)
        if reason is None:
            environment = claims["environment"]
            if environment == ENVIRONMENT_EMULATED and not self._allow_emulated:
                reason = reasons.EMULATED_REFUSED
            elif environment != device.environment:
                reason = reasons.POLICY_DENIED
            else:
                reason = reasons.ACCEPTED
        return self._verdicts[reason]
