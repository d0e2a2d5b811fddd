"""A daily budget: what strangers or faults may cost the site on one day, over restarts too.

The day is that of the wall clock, in UTC. A clock that is set back refills nothing: the later day
counts until the clock has caught up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from countersign_gateway.operations.alarms import Alarms

DAY_S = 86400
ALARM_AT = 0.8  # of the limit


class BudgetStore(Protocol):
    """The part of the registry that a budget needs."""

    def spent(self, name: str) -> tuple[int, int]: ...

    def note_spent(self, name: str, day: int, amount: int) -> None: ...


def alarmed_by(alarms: Alarms) -> Callable[[str, int, int], None]:
    """A budget's on_alarm that sounds the alarm `budget`."""

    def nearly_spent(name: str, spent: int, limit: int) -> None:
        alarms.sound("budget", budget=name, spent=spent, limit=limit)

    return nearly_spent


class DailyBudget:
    """Used by one thread. wall_s: seconds since the epoch.

    on_alarm: called with (name, spent, limit) at the moment when four fifths are spent, once a day.
    """

    def __init__(
        self,
        name: str,
        limit: int,
        store: BudgetStore,
        wall_s: Callable[[], float],
        on_alarm: Callable[[str, int, int], None],
    ) -> None:
        self.name = name
        self.limit = limit
        self._store = store
        self._wall_s = wall_s
        self._on_alarm = on_alarm
        self._day, self._amount = store.spent(name)

    @property
    def spent(self) -> int:
        """The amount spent today."""
        return 0 if self._today() > self._day else self._amount

    def allows(self, amount: int = 1) -> bool:
        return self.spent + amount <= self.limit

    def spend(self, amount: int = 1) -> bool:
        """Spend, durably, before what it pays for is done. False if it is more than is left."""
        if not self.allows(amount):
            return False
        before = self.spent
        day, spent = max(self._today(), self._day), before + amount
        self._store.note_spent(self.name, day, spent)
        self._day, self._amount = day, spent
        if before < ALARM_AT * self.limit <= spent:
            self._on_alarm(self.name, spent, self.limit)
        return True

    def _today(self) -> int:
        return int(self._wall_s() // DAY_S)
