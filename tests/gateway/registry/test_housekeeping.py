"""The record stays within its bounds, and people hear of a full disk long before."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from countersign_gateway.operations.alarms import Alarms
from countersign_gateway.operations.log import EventLog
from countersign_gateway.registry.housekeeping import (
    SECONDS_OF_DAY,
    Housekeeping,
    Limits,
    disk_free,
)
from countersign_gateway.registry.interface import Registry, RegistryFull
from countersign_gateway.registry.sqlite import SqliteRegistry
from support.gateway.memory_registry import MemoryRegistry
from support.gateway.site_under_test import FakeClock
from support.gateway.some_records import enrolment, evidence

MIB = 1 << 20


class House:
    def __init__(self, registry: Registry, folder: Path, wall: FakeClock, **limits: Any) -> None:
        self.clock, self.wall, self.log = FakeClock(), wall, io.StringIO()
        self.free = 1 << 40
        self.registry = registry
        allowed = {"keep_days": 400, "max_bytes": 1 << 40, "reserve_bytes": 64 * MIB} | limits
        log = EventLog(self.log, self.clock)
        self.alarms = Alarms(log, wall)
        self.keeping = Housekeeping(
            registry,
            folder,
            Limits(**allowed),
            log,
            self.alarms,
            clock_s=self.clock,
            wall_s=self.wall,
            free_bytes=self.look,
        )

    def look(self, folder: Path) -> int:
        if self.free < 0:
            raise OSError("gone")
        return self.free

    def tick(self, seconds: float) -> None:
        self.clock.now_s += seconds
        self.wall.now_s += seconds
        self.keeping.tick()

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if line["event"] == name]

    def alarmed(self, kind: str) -> list[dict[str, Any]]:
        heard = [line for line in self.events("alarm") if line["kind"] == kind]
        counts: Any = self.alarms.status()["counts"]
        assert counts.get(kind, 0) == len(heard), "log and status say the same"
        return heard


@pytest.fixture
def house(tmp_path: Path) -> House:
    wall = FakeClock()
    wall.now_s = 1.7e9
    return House(MemoryRegistry(wall), tmp_path, wall, keep_days=30)


def test_messages_go_when_they_are_old_enough(house: House) -> None:
    house.registry.store([enrolment("a")])
    for day in range(1, 101):
        house.registry.store([evidence("a", day + 1)])
        house.tick(SECONDS_OF_DAY)
    kept = list(house.registry.messages(0, 101))
    assert 29 <= len(kept) <= 31 and kept[-1].counter == 101
    assert house.registry.commitment_count() == 101
    assert sum(event["count"] for event in house.events("messages_dropped")) == 101 - len(kept)


@pytest.mark.parametrize("backend", ["memory", "sqlite"])
def test_a_clock_once_wrong_does_not_end_retention(tmp_path: Path, backend: str) -> None:
    wall = FakeClock()
    wall.now_s = 1.7e9
    registry: Registry = (
        MemoryRegistry(wall)
        if backend == "memory"
        else SqliteRegistry(tmp_path / "registry.sqlite3", bytes(32), wall)
    )
    house = House(registry, tmp_path, wall, keep_days=30)
    years_s = 30 * 365 * SECONDS_OF_DAY
    wall.now_s += years_s
    registry.store([enrolment("a")])
    registry.store([evidence("a", number) for number in range(2, 25_001)])
    wall.now_s -= years_s
    registry.store([evidence("a", number) for number in range(25_001, 25_011)])
    house.tick(29 * SECONDS_OF_DAY)
    house.tick(60.0)
    assert len(list(registry.messages(0, 25_010))) == 25_010, "all of them are younger"
    registry.store([evidence("a", 25_011)])
    house.tick(2 * SECONDS_OF_DAY)
    for _ in range(3):
        house.tick(60.0)
    (kept,) = registry.messages(0, 25_011)
    assert kept.counter == 25_011
    # A clock that is behind believes no time, and drops nothing.
    wall.now_s = 0.0
    house.tick(60.0)
    assert len(list(registry.messages(0, 25_011))) == 1
    registry.close()


def test_a_record_that_is_too_large_drops_the_oldest(tmp_path: Path) -> None:
    wall = FakeClock()
    registry = SqliteRegistry(tmp_path / "registry.sqlite3", bytes(32), wall)
    house = House(registry, tmp_path, wall, max_bytes=2 * MIB)
    registry.store([enrolment("a")])
    counter = 1
    for _ in range(12):
        batch = range(counter + 1, counter + 5001)
        registry.store([evidence("a", number) for number in batch])
        counter = batch[-1]
        for _ in range(3):
            house.tick(60.0)
    # What was committed stays: 50 bytes for each, here most of the record.
    assert registry.commitment_count() == counter
    registry.store([evidence("a", counter + 1)])
    kept = list(registry.messages(0, registry.commitment_count()))
    assert kept and kept[-1].counter == counter + 1
    assert len(kept) < counter / 2
    file_bytes = (tmp_path / "registry.sqlite3").stat().st_size
    sizes = registry.sizes()
    assert sizes.used_bytes + sizes.free_bytes <= file_bytes + 64 * MIB
    registry.close()


def test_the_forecast_and_the_alarm_come_before_the_disk_is_full(house: House) -> None:
    house.registry.store([enrolment("a")])
    counter = 1
    grown = house.registry.sizes().used_bytes
    assert house.keeping.status()["days_until_full"] is None
    for _ in range(60):
        house.registry.store([evidence("a", counter + n) for n in range(1, 101)])
        counter += 100
        house.tick(60.0)
    per_day = (house.registry.sizes().used_bytes - grown) * 24
    status = house.keeping.status()
    assert status["bytes_per_day"] == pytest.approx(per_day, rel=0.05)
    assert not house.alarmed("disk_filling")
    house.free = 64 * MIB + 100 * per_day  # a hundred days, and yet little for such a reserve
    for _ in range(120):
        house.tick(60.0)
    assert house.alarmed("disk_filling")
    assert len(house.alarmed("disk_filling")) <= 3, "once an hour"
    assert house.alarmed("disk_filling")[0]["days_until_full"] > 14
    assert house.keeping.has_room()


def test_below_the_reserve_nothing_more_is_taken(house: House) -> None:
    house.free = 65 * MIB
    house.tick(1.0)
    assert house.keeping.has_room()
    house.free = 63 * MIB
    house.tick(1.0)
    assert not house.keeping.has_room()
    house.free = 65 * MIB  # not enough to be sure
    house.tick(1.0)
    assert not house.keeping.has_room()
    house.free = 200 * MIB
    house.tick(1.0)
    assert house.keeping.has_room()
    assert len(house.alarmed("disk_full")) == len(house.events("disk_has_room")) == 1
    house.free = -1
    house.tick(1.0)
    assert house.keeping.has_room() and house.events("disk_unreadable")


def test_a_full_disk_in_tidying_is_no_fault(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(most: int, before_s: float | None = None) -> int:
        raise RegistryFull("nothing was stored: the disk is full")

    monkeypatch.setattr(house.registry, "prune", full)
    house.tick(60.0)
    assert house.events("retention_failed")


def test_what_the_disk_has_free_is_what_statvfs_says(tmp_path: Path) -> None:
    assert disk_free(tmp_path) > 0
    with pytest.raises(OSError):
        disk_free(tmp_path / "gone")
