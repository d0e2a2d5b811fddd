"""Admissions: who may enrol, who asked to, and what people did about it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

from countersign_gateway.model import Act, Admission, EnrolmentWish


class WishState(IntEnum):
    WAITING = 0  # kept, until a person decides
    DENIED = 1  # a person said no
    FULL = 2  # not kept: as many wait, in all or of this source, as may


class Admissions(Protocol):
    """Which devices may enrol. An admission of an enrolled device holds its name."""

    def admission(self, device_id: bytes) -> Admission | None: ...

    def admissions(self) -> list[Admission]:
        """All admissions, in order of admission."""

    def admit(self, admissions: Sequence[Admission], act: Act) -> None:
        """Store all admissions, each in place of an earlier one, with the act, in ONE transaction.

        The wishes of these devices are fulfilled and forgotten.
        """

    def withdraw(self, device_id: bytes, act: Act) -> None:
        """Forget a device's admission. RegistryError if it has none."""


class Wishes(Protocol):
    """Requests that wait for a person: bounded, so that strangers cannot fill the disk."""

    def keep_wish(self, wish: EnrolmentWish, most: int, share: int, since_s: int) -> WishState:
        """Keep a wish, unless `most` are waiting or `share` of the same source.

        One that is there already stays as it was. Those that asked before since_s (seconds since
        the epoch) wait no more, and are forgotten when their place is taken.
        """

    def wishes(self, since_s: int = 0) -> list[EnrolmentWish]:
        """Those that wait and asked at since_s or later, oldest first."""

    def waiting(self, since_s: int = 0) -> int:
        """How many those are."""

    def denied_wishes(self) -> list[EnrolmentWish]:
        """Those that were denied and are still known, oldest first."""

    def deny(self, device_id: bytes, most: int, act: Act) -> None:
        """Deny a waiting wish. Of more than `most` denied ones the oldest is forgotten.

        RegistryError if the device has no wish that waits.
        """


class Acts(Protocol):
    """What people did, for ever."""

    def record(self, act: Act) -> None: ...

    def denied(self) -> frozenset[bytes]:
        """The devices that a person denied, and that no later act admitted by name or approved.

        It follows from the acts, so nothing forgets it. The admission of a whole list names no
        device, and so lifts no denial.
        """

    def is_denied(self, device_id: bytes) -> bool:
        """Whether the device is one of those."""

    def acts(self, most: int) -> list[Act]:
        """The latest acts, newest first."""


class Budgets(Protocol):
    """What was spent of a budget on one day, so that a restart does not refill it."""

    def spent(self, name: str) -> tuple[int, int]:
        """(day, amount) as last noted; (0, 0) if never."""

    def note_spent(self, name: str, day: int, amount: int) -> None: ...
