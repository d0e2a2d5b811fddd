"""Decisions: what becomes durable of the messages that verified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from countersign_gateway.model import Decision


class Decisions(Protocol):
    """The only way in for what devices send."""

    def store(self, decisions: Sequence[Decision]) -> None:
        """Store all of `decisions`, in order, in ONE transaction; return once they are durable.

        Each takes the next position. Within a decision: its enrolment is entered (a new device as
        its record says; a known one stays exactly as it is, owner and class too, and must come
        with the keys it has), the device's counter moves to `counter`, which must be
        greater than the last, the commitment, message and result are appended, and the status
        changes where `status` is set. An enrolment with a registration_signature also puts a
        REGISTER into the outbox, unless one is there that has not failed.

        RegistryError and nothing stored if any decision breaks that, or is for an unknown device
        without enrolling it: answers to strangers are not recorded, or anyone could fill the disk.
        """

    def seen(self, device_id: bytes, counter: int, message_digest: bytes) -> bool:
        """True if exactly this message (SHA-256 of its bytes) was recorded before.

        Only asked where counter is not greater than the device's last one: it tells a replay
        (REPLAYED) from another message under a used counter (OUT_OF_ORDER).
        """
