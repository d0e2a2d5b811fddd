"""Appraisal, lifecycle and freshness. No status improves by the passing of time."""

from __future__ import annotations

import io
import itertools
import time
from dataclasses import replace
from pathlib import Path

import pytest

from countersign import identity, messages, reasons
from countersign_gateway import config
from countersign_gateway.app import Gateway
from countersign_gateway.governance.appraisal import SitePolicy
from countersign_gateway.governance.freshness import UpstreamFreshness
from countersign_gateway.governance.lifecycle import IllegalTransition, Lifecycle, allows
from countersign_gateway.model import Act, DeviceRecord, Freshness, Status
from countersign_gateway.operations.clock import utc_text
from countersign_gateway.operations.log import EventLog
from countersign_gateway.statements.keys import create_key_file
from support.gateway.running_site import settings
from support.gateway.site_under_test import FakeClock, SiteUnderTest

RECORD = DeviceRecord(
    b"\x01" * 32, 1, b"\x02" * 32, bytes(32), bytes(32), bytes(20), 1, 1, Status.ACTIVE, 5
)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.ENROLLED, reasons.ACCEPTED),
        (Status.ACTIVE, reasons.ACCEPTED),
        (Status.SUSPENDED, reasons.SUSPENDED),
        (Status.QUARANTINED, reasons.QUARANTINED),
        (Status.REVOKED, reasons.REVOKED),
    ],
)
def test_status_decides_first(status, reason):
    policy = SitePolicy(3, allow_emulated=True)
    for environment in (1, 2):
        appraisal = policy.evidence({"environment": 1}, replace(RECORD, status=status))
        assert (appraisal.reason, appraisal.policy_version) == (reason, 3)
        assert appraisal.allow == (reason == reasons.ACCEPTED)
        if reason != reasons.ACCEPTED:
            known = replace(RECORD, status=status)
            assert policy.enrolment(environment, known).reason == reason


@pytest.mark.parametrize(
    ("allow_emulated", "claimed", "enrolled_as", "reason"),
    [
        (False, 1, 1, reasons.ACCEPTED),
        (False, 2, 1, reasons.EMULATED_REFUSED),
        (False, 2, 2, reasons.EMULATED_REFUSED),
        (False, 1, 2, reasons.POLICY_DENIED),
        (True, 2, 2, reasons.ACCEPTED),
        (True, 2, 1, reasons.POLICY_DENIED),
        (True, 1, 2, reasons.POLICY_DENIED),
    ],
)
def test_where_a_device_runs_decides_next(allow_emulated, claimed, enrolled_as, reason):
    policy = SitePolicy(1, allow_emulated)
    record = replace(RECORD, environment=enrolled_as)
    assert policy.evidence({"environment": claimed}, record).reason == reason


class Statuses:
    def __init__(self, device: DeviceRecord) -> None:
        self.device = device
        self.lifecycle = Lifecycle(
            lambda device_id: self.device if device_id == device.device_id else None, self._set
        )

    def _set(self, _device_id: bytes, status: Status, _act: Act | None = None) -> None:
        self.device = replace(self.device, status=status)


def test_an_ordinary_device_is_suspended_reinstated_and_revoked():
    held = Statuses(RECORD)
    assert held.lifecycle.suspend(RECORD.device_id) is Status.SUSPENDED
    assert held.lifecycle.reinstate(RECORD.device_id) is Status.ACTIVE
    assert held.lifecycle.revoke(RECORD.device_id) is Status.REVOKED
    for act in (held.lifecycle.suspend, held.lifecycle.reinstate, held.lifecycle.revoke):
        with pytest.raises(IllegalTransition):
            act(RECORD.device_id)
    assert held.device.status is Status.REVOKED


def test_a_life_critical_device_is_quarantined_and_never_cut_in_one_step():
    held = Statuses(replace(RECORD, device_class=identity.CLASS_LIFE_CRITICAL))
    with pytest.raises(IllegalTransition):
        held.lifecycle.revoke(RECORD.device_id)
    assert held.lifecycle.suspend(RECORD.device_id) is Status.QUARANTINED
    assert held.lifecycle.reinstate(RECORD.device_id) is Status.ACTIVE


def test_nothing_leads_out_of_revoked_and_nothing_stays_where_it_is():
    for device_class, wanted in itertools.product((0, 1, 2, 255), Status):
        assert not allows(device_class, Status.REVOKED, wanted)
        assert not allows(device_class, wanted, wanted)
        assert not allows(device_class, wanted, Status.ENROLLED)


def test_an_unknown_device_has_no_status_to_move():
    with pytest.raises(KeyError):
        Statuses(RECORD).lifecycle.suspend(bytes(32))


def test_no_passing_of_time_leads_a_device_back():
    site = SiteUnderTest()
    device = site.enrolled("one")
    lifecycle = Lifecycle(site.registry.device, site.registry.set_status)
    lifecycle.suspend(device.device_id)
    for _ in range(50):
        site.clock.now_s += 86400
        site.beacons.rotate_if_due(site.clock.now_s)
        assert site.verdict(device, device.evidence(site.beacons.current)) == "SUSPENDED"
        assert site.verdict(device, device.request(), "enrol") == "SUSPENDED"
    lifecycle.reinstate(device.device_id)
    assert site.verdict(device, device.evidence(site.beacons.current)) == "ACCEPTED"


noted: list[float] = []


def stopped_gateway(folder: Path) -> Gateway:
    if not (folder / "gateway.key").exists():
        create_key_file(folder / "gateway.key")
    return Gateway(config.parse(settings(None), folder), EventLog(io.StringIO()))


def freshness(clock: FakeClock, wall: FakeClock) -> UpstreamFreshness:
    return UpstreamFreshness(30.0, clock, wall, noted.append)


def test_never_confirmed_is_degraded_without_an_age():
    clock = FakeClock()
    assert freshness(clock, clock).current() == Freshness(messages.MODE_DEGRADED, None)


def test_age_grows_and_mode_turns_at_the_limit():
    clock, wall = FakeClock(), FakeClock()
    fresh = freshness(clock, wall)
    fresh.confirmed()
    assert noted[-1] == wall.now_s
    assert fresh.current() == Freshness(messages.MODE_ONLINE, 0)
    clock.now_s += 30.0
    assert fresh.current() == Freshness(messages.MODE_ONLINE, 30)
    clock.now_s += 0.5
    assert fresh.current() == Freshness(messages.MODE_DEGRADED, 30)
    clock.now_s += 1e12
    assert fresh.current() == Freshness(messages.MODE_DEGRADED, 0xFFFFFFFF)
    fresh.confirmed()
    assert fresh.current() == Freshness(messages.MODE_ONLINE, 0)


@pytest.mark.parametrize("clock_said_s", [7.0, 0.0, -3600.0, 100.0], ids=str)
def test_after_a_restart_nothing_is_fresh_until_upstream_answers(tmp_path, clock_said_s):
    """Ten days pass with the node down, and the wall clock stood still, went back, or is right."""
    stored_s = time.time() - clock_said_s
    before = stopped_gateway(tmp_path)
    before.registry.note_upstream(stored_s)
    before.registry.close()
    after = stopped_gateway(tmp_path)
    try:
        assert after.registry.last_upstream_s() == stored_s
        assert after.freshness.current() == Freshness(messages.MODE_DEGRADED, None)
        assert after._read_status()["last_upstream"] == utc_text(stored_s)
        after.freshness.confirmed()
        assert after.freshness.current() == Freshness(messages.MODE_ONLINE, 0)
    finally:
        after.registry.close()


def test_a_wall_clock_that_jumps_changes_no_age():
    clock, wall = FakeClock(), FakeClock()
    fresh = freshness(clock, wall)
    fresh.confirmed()
    clock.now_s += 40
    for jump in (-1e6, 2e6):
        wall.now_s += jump
        assert fresh.current() == Freshness(messages.MODE_DEGRADED, 40)


def test_time_in_suspend_counts_in_every_age(tmp_path, monkeypatch):
    """While a machine is suspended CLOCK_BOOTTIME goes on and time.monotonic stands still."""
    gateway = stopped_gateway(tmp_path)
    try:
        gateway.freshness.confirmed()
        beacon = gateway.beacons.current
        read = time.clock_gettime
        monkeypatch.setattr(
            time, "clock_gettime", lambda clock: read(clock) + 3600 * (clock == time.CLOCK_BOOTTIME)
        )
        age_s = gateway.freshness.current().age_s
        assert age_s is not None and age_s >= 3600
        gateway.tick()
        assert gateway.beacons.current != beacon
    finally:
        gateway.registry.close()


def test_a_time_is_written_as_rfc_3339():
    assert utc_text(0) == "1970-01-01T00:00:00.000Z"
    assert utc_text(1_700_000_000.5) == "2023-11-14T22:13:20.500Z"
    assert utc_text(1e18) == "unknown"
