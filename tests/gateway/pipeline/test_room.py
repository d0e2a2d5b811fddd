"""A device has a share of the disk; a disk that is full is answered BUSY, and nothing breaks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from countersign_gateway.pipeline import room
from countersign_gateway.pipeline.room import Room
from countersign_gateway.registry.sqlite import SqliteRegistry
from support.gateway.site_under_test import FakeClock, SiteUnderTest


def test_a_device_that_fills_the_disk_gets_its_share_and_the_others_theirs():
    a_day = 40_000_000
    site = SiteUnderTest(device_bytes_per_day=a_day)
    greedy, modest = site.enrolled("greedy"), site.enrolled("modest")
    stored_bytes = heard_busy = 0
    for _ in range(4 * 3600):
        site.clock.now_s += 0.25
        payload = greedy.evidence(site.beacons.current)
        verdict = site.verdict(greedy, payload)
        assert verdict in ("ACCEPTED", "BUSY")
        if verdict == "ACCEPTED":
            stored_bytes += len(payload) + room.ROW_BYTES
        else:
            heard_busy += 1
        if site.clock.now_s % 30 == 0:
            assert site.verdict(modest, modest.evidence(site.beacons.current)) == "ACCEPTED"
    assert heard_busy > 1000
    assert stored_bytes <= a_day / 24 + a_day * room.BURST_DAY
    assert site.registry.commitment_count() < 4 * 3600


def test_a_refused_message_moves_no_counter_and_is_taken_later():
    site = SiteUnderTest()
    device = site.enrolled("one")
    site.has_disk = False
    payload = device.evidence(site.beacons.current)
    assert site.verdict(device, payload) == "BUSY"
    newcomer = site.device("newcomer")
    challenge = site.one(newcomer, newcomer.request(), "enrol", "challenge")
    proof = newcomer.proof(challenge)
    assert site.verdict(newcomer, proof, "enrol") == "BUSY"
    assert site.registry.commitment_count() == 1
    site.has_disk = True
    assert site.verdict(device, payload) == "ACCEPTED"
    assert site.verdict(newcomer, proof, "enrol") == "ACCEPTED"


def test_the_table_of_shares_is_bounded(monkeypatch):
    monkeypatch.setattr(room, "MAX_DEVICES", 10)
    shares = Room(1e6, lambda: True, FakeClock())
    for number in range(100):
        assert shares._take(number.to_bytes(32, "big"), b"")
    assert len(shares) == 10


def test_a_disk_that_fills_up_in_a_transaction_is_answered_busy(tmp_path: Path):
    registry = SqliteRegistry(tmp_path / "registry.sqlite3", bytes(32))
    site = SiteUnderTest(registry)
    devices = [site.enrolled(str(number)) for number in range(3)]
    writer: sqlite3.Connection = registry._connections._writer
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages + 4}")
    verdicts = []
    for _ in range(40):
        sent = [device.envelope(device.evidence(site.beacons.current)) for device in devices]
        verdicts += [site.reason(reply.payload) for reply in site.process(*sent)]
    assert set(verdicts) == {"ACCEPTED", "BUSY"}
    (alarm,) = site.events("alarm")
    assert alarm["kind"] == "disk_full" and not site.events("record_fault")
    assert site.alarms.status()["counts"] == {"disk_full": 1}, "not one for each message"
    accepted = verdicts.count("ACCEPTED")
    site.clock.now_s += 3600
    for _ in range(10):
        sent = [device.envelope(device.evidence(site.beacons.current)) for device in devices]
        again = [site.reason(reply.payload) for reply in site.process(*sent)]
        accepted += again.count("ACCEPTED")
    assert len(site.events("alarm")) == 2, "it is still full an hour later"
    assert registry.commitment_count() == 3 + accepted
    writer.execute("PRAGMA max_page_count = 1000000")
    for device in devices:
        assert site.verdict(device, device.evidence(site.beacons.current)) == "ACCEPTED"
    registry.close()
