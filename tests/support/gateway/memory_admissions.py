"""The admissions of the registry in memory: interface.Admissions, Wishes, Acts and Budgets."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from countersign_gateway.model import Act, Admission, EnrolmentWish
from countersign_gateway.registry.interface import RegistryError, WishState


class MemoryAdmissions:
    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._admissions: dict[bytes, Admission] = {}
        self._wishes: dict[bytes, tuple[EnrolmentWish, WishState]] = {}
        self._acts: list[Act] = []
        self._spent: dict[str, tuple[int, int]] = {}

    def admission(self, device_id: bytes) -> Admission | None:
        return self._admissions.get(device_id)

    def admissions(self) -> list[Admission]:
        with self._lock:
            return list(self._admissions.values())

    def admit(self, admissions: Sequence[Admission], act: Act) -> None:
        with self._lock:
            for admission in admissions:
                self._put_admission(admission)
            self._acts.append(act)

    def withdraw(self, device_id: bytes, act: Act) -> None:
        with self._lock:
            if self._admissions.pop(device_id, None) is None:
                raise RegistryError("no such admission")
            self._acts.append(act)

    def keep_wish(self, wish: EnrolmentWish, most: int, share: int, since_s: int) -> WishState:
        with self._lock:
            for key, (old, state) in list(self._wishes.items()):
                if state is WishState.WAITING and old.asked_s < since_s:
                    del self._wishes[key]
            known = self._wishes.get(wish.device_id)
            if known is not None:
                return known[1]
            waiting = self.wishes()
            alike = sum(one.source == wish.source for one in waiting)
            if len(waiting) >= most or alike >= share:
                return WishState.FULL
            self._wishes[wish.device_id] = (wish, WishState.WAITING)
            return WishState.WAITING

    def wishes(self, since_s: int = 0) -> list[EnrolmentWish]:
        with self._lock:
            return [
                wish
                for wish, state in self._wishes.values()
                if state is WishState.WAITING and wish.asked_s >= since_s
            ]

    def waiting(self, since_s: int = 0) -> int:
        return len(self.wishes(since_s))

    def denied_wishes(self) -> list[EnrolmentWish]:
        with self._lock:
            return [wish for wish, state in self._wishes.values() if state is WishState.DENIED]

    def deny(self, device_id: bytes, most: int, act: Act) -> None:
        with self._lock:
            known = self._wishes.get(device_id)
            if known is None or known[1] is not WishState.WAITING:
                raise RegistryError("no such wish")
            self._wishes[device_id] = (known[0], WishState.DENIED)
            denied = [key for key, (_, state) in self._wishes.items() if state is WishState.DENIED]
            for key in denied[:-most]:
                del self._wishes[key]
            self._acts.append(act)

    def record(self, act: Act) -> None:
        self._acts.append(act)

    def denied(self) -> frozenset[bytes]:
        with self._lock:
            latest = {
                act.device_id: act.name
                for act in self._acts
                if act.device_id is not None and act.name in ("deny", "admit", "approve")
            }
        return frozenset(key for key, name in latest.items() if name == "deny")

    def is_denied(self, device_id: bytes) -> bool:
        return device_id in self.denied()

    def acts(self, most: int) -> list[Act]:
        with self._lock:
            return self._acts[::-1][:most]

    def spent(self, name: str) -> tuple[int, int]:
        return self._spent.get(name, (0, 0))

    def note_spent(self, name: str, day: int, amount: int) -> None:
        self._spent[name] = (day, amount)

    def _put_admission(self, admission: Admission) -> None:
        self._admissions.pop(admission.device_id, None)
        self._admissions[admission.device_id] = admission
        self._wishes.pop(admission.device_id, None)
