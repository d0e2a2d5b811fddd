"""Decides who may enrol. Enrolment is closed unless a person opened it, for one device or a while.

    listed    devices with an admission: from a signed list, or admitted by a person here
    approve   the same; the request of any other device is kept until a person decides
    open      the same; any other device too, inside a window of at most an hour

A device that is on record is no matter of this file: to enrol again with its own key changes
nothing. Every admitted device costs one of the day's enrolments, because each of them is written
to the ledger at the site's expense and can never be removed. A device of a window costs one of the
places that its person gave it, and nothing of the day's: strangers turn no admitted device away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Protocol

from countersign import reasons
from countersign_gateway.governance.budget import ALARM_AT, DailyBudget
from countersign_gateway.model import Admission, EnrolmentMode, EnrolmentWish

# A person can look through this many, and each takes some 200 bytes on disk.
MOST_WAITING = 256
# Of one lobby account or serial line. One line has a handful of boards, and a lobby account a 64th
# of a site's new ones; so it takes 16 sources to fill all places, and no single line can.
MOST_OF_SOURCE = 16
# A request of which nobody heard for a day is no request that somebody waits for. A device that
# still asks (at last once a minute) waits anew, behind those that came since.
WAITS_S = 24 * 3600
MOST_DENIED = 1024
MOST_MINUTES = 60
# A tray of boards. Whoever has more says so: `countersign device open --devices N`.
WINDOW_DEVICES = 16
MOST_DEVICES = 1000


class AdmissionRecord(Protocol):
    """The part of the registry that the gate needs. keep_wish: 0 waits, 1 denied, 2 not kept."""

    def admission(self, device_id: bytes) -> Admission | None: ...

    def keep_wish(self, wish: EnrolmentWish, most: int, share: int, since_s: int) -> IntEnum: ...

    def is_denied(self, device_id: bytes) -> bool: ...

    def wishes(self, since_s: int) -> list[EnrolmentWish]: ...

    def waiting(self, since_s: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Grant:
    """A device may enrol, and this is what it becomes. admission: to be stored with it, or None."""

    device_class: int
    owner: bytes
    admission: Admission | None = None


def has_ended(admission: Admission, now_s: float) -> bool:
    """Whether an admission is over for a device that has not enrolled. now_s: since the epoch."""
    return admission.valid_until_s is not None and now_s >= admission.valid_until_s


def last_day(admission: Admission) -> str | None:
    """The last day, in UTC, on which the device may enrol (YYYY-MM-DD), or None."""
    ends_s = admission.valid_until_s
    return None if ends_s is None else f"{datetime.fromtimestamp(ends_s - 1, UTC):%Y-%m-%d}"


class Window:
    """The time in which so many strangers may enrol. clock_s: monotonic, counting suspension too.

    It lives in memory only: a restart of the gateway closes it.
    """

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._closes_s: float | None = None
        self._by = ""
        self._places = 0

    def open(self, minutes: int, by: str, devices: int = WINDOW_DEVICES) -> None:
        """Open the window for this time from now, for so many devices. ValueError out of range."""
        if not 1 <= minutes <= MOST_MINUTES:
            raise ValueError(f"a window is open for 1 to {MOST_MINUTES} minutes")
        if not 1 <= devices <= MOST_DEVICES:
            raise ValueError(f"a window is open for 1 to {MOST_DEVICES} devices")
        self._closes_s = self._clock_s() + 60 * minutes
        self._places = devices
        self._by = by

    def close(self) -> None:
        self._closes_s = None

    def take_end(self) -> bool:
        """True once for each window that ended by its time."""
        ended = self._closes_s is not None and not self.left_s
        if ended:
            self._closes_s = None
        return ended

    @property
    def left_s(self) -> int:
        """Whole seconds until it closes; 0 if it is closed, or its places are taken."""
        closes_s = self._closes_s
        return (
            0 if closes_s is None or not self._places else max(0, int(closes_s - self._clock_s()))
        )

    @property
    def places(self) -> int:
        """How many devices may still enrol."""
        return self._places if self.left_s else 0

    def take_place(self) -> bool:
        """Give one place away. False if the window is closed."""
        if not self.places:
            return False
        self._places -= 1
        return True

    @property
    def opened_by(self) -> str:
        return self._by


class Gate:
    """Used by the pipeline's thread. wall_s: seconds since the epoch.

    owner, device_class: what a device becomes whose admission does not say it. on_crowd: called
    with (waiting, MOST_WAITING) when four fifths of the places are taken.
    """

    def __init__(
        self,
        *,
        mode: EnrolmentMode,
        owner: bytes,
        device_class: int,
        record: AdmissionRecord,
        budget: DailyBudget,
        window: Window,
        wall_s: Callable[[], float],
        on_crowd: Callable[[int, int], None],
    ) -> None:
        self.mode = mode
        self.window = window
        self.budget = budget
        self.wishes_not_kept = 0
        self._owner = owner
        self.device_class = device_class
        self._record = record
        self.wall_s = wall_s
        self._on_crowd = on_crowd
        self._crowded = False

    @property
    def hears_strangers(self) -> bool:
        """Whether a device that nobody admitted could get another answer than NOT_ADMITTED."""
        if self.mode is EnrolmentMode.OPEN:
            return self.window.left_s > 0
        return self.mode is EnrolmentMode.APPROVE

    def status(self) -> dict[str, object]:
        """For people to read.

        open_s: until the window closes; open_devices: its places; not_kept: wishes above the bound.
        """
        return {
            "mode": str(self.mode),
            "open_s": self.window.left_s,
            "open_devices": self.window.places,
            "not_kept": self.wishes_not_kept,
            "today": self.budget.spent,
            "per_day": self.budget.limit,
        }

    def waiting(self) -> list[EnrolmentWish]:
        """The requests that wait for a person, oldest first."""
        return self._record.wishes(self._asked_since_s())

    def _asked_since_s(self) -> int:
        return int(self.wall_s()) - WAITS_S

    def decide(self, wish: EnrolmentWish) -> Grant | int:
        """What a device becomes, or the reason for which it may not enrol now.

        The wish has been verified: the device holds the key that it names.
        """
        admission = self._record.admission(wish.device_id)
        if admission is not None:
            verdict = self._admitted(admission, wish)
            if isinstance(verdict, Grant) and not self.budget.allows():
                return reasons.ENROLMENTS_SPENT
            return verdict
        if self.mode is EnrolmentMode.OPEN and self.window.left_s > 0:
            if self._record.is_denied(wish.device_id):
                return reasons.NOT_ADMITTED
            return self._from_the_street(wish)
        return self._kept(wish)

    def spend(self, grant: Grant) -> bool:
        """Spend what the enrolment costs, before it is stored. False if there is nothing left."""
        if grant.admission is not None:  # from the window
            return self.window.take_place()
        return self.budget.spend()

    def explained(self, device_id: bytes) -> str:
        """For the log: why a device is not admitted."""
        admission = self._record.admission(device_id)
        if admission is None or not has_ended(admission, self.wall_s()):
            return "may not enrol"
        return f"its admission ended on {last_day(admission)}"

    def _admitted(self, admission: Admission, wish: EnrolmentWish) -> Grant | int:
        if has_ended(admission, self.wall_s()):
            return reasons.NOT_ADMITTED
        expected = admission.next_key_digest
        if expected is not None and expected != wish.next_key_digest:
            # Who holds the key before the device enrols could otherwise choose its next key.
            return reasons.WRONG_KEY
        owner = self._owner if admission.owner is None else admission.owner
        return Grant(admission.device_class, owner)

    def _from_the_street(self, wish: EnrolmentWish) -> Grant:
        admission = Admission(
            device_id=wish.device_id,
            suite=wish.suite,
            public_key=wish.public_key,
            next_key_digest=wish.next_key_digest,
            name=wish.device_id.hex()[:16],
            device_class=self.device_class,
            owner=None,
            valid_until_s=None,
            admitted_by=f"the window that {self.window.opened_by} opened",
            admitted_s=int(self.wall_s()),
        )
        return Grant(self.device_class, self._owner, admission)

    def _kept(self, wish: EnrolmentWish) -> int:
        """The reason that a stranger is told; its wish is kept where people decide."""
        if self.mode is not EnrolmentMode.APPROVE:
            return reasons.NOT_ADMITTED
        since_s = self._asked_since_s()
        state = self._record.keep_wish(wish, MOST_WAITING, MOST_OF_SOURCE, since_s)
        waiting = self._record.waiting(since_s)
        crowded = waiting >= ALARM_AT * MOST_WAITING
        if crowded and not self._crowded:
            self._on_crowd(waiting, MOST_WAITING)
        self._crowded = crowded
        if state == 0:
            return reasons.AWAITING_APPROVAL
        if state != 1:
            self.wishes_not_kept += 1
        return reasons.NOT_ADMITTED
