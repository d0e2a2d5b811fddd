"""Decisions: the durable outcomes of the messages that verified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from countersign_gateway.model import Decision


class Decisions(Protocol):
    """The only way by which device messages enter the registry."""

    def store(self, decisions: Sequence[Decision]) -> None:
        """Store all of `decisions`, in order, in ONE transaction; return once they are durable.

        Each decision takes the next position. For each decision, the call:
        - enters its enrolment: a new device with its record. A known device stays exactly as it
          is, owner and class included, and the enrolment must have the same keys; a new device's
          admission is stored with it, if the enrolment has one;
        - sets the device's counter to `counter`, which must be greater than the last;
        - appends the commitment, the message and the result;
        - sets the status, if `status` is not None;
        - adds a REGISTER to the outbox, if the enrolment has a registration_signature, unless the
          outbox has a REGISTER of the device that has not failed.

        RegistryError, and nothing is stored, if a decision breaks these rules or is for an unknown
        device that it does not enrol. The registry records no answers to unknown devices, because
        anyone could fill the disk with them.
        """

    def seen(self, device_id: bytes, counter: int, message_digest: bytes) -> bool:
        """True if exactly this message (SHA-256 of its bytes) was recorded before.

        The verifier asks only if `counter` is not greater than the device's last one. The answer
        tells a replay (REPLAYED) from another message with a used counter (OUT_OF_ORDER).
        """
