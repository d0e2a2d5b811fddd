"""A revoked device leaves no row, a clone cannot use up a counter, and clones are noticed."""

from __future__ import annotations

import pytest

from countersign_gateway.governance.counters import MOST_AHEAD, PERIOD_S, SUSPICIOUS
from countersign_gateway.governance.lifecycle import Lifecycle
from countersign_gateway.model import Status
from countersign_gateway.operations.throttle import ErrorBudget
from support.gateway.site_under_test import SiteUnderTest

FAR = 1 << 62


def lifecycle(site: SiteUnderTest) -> Lifecycle:
    return Lifecycle(site.registry.device, site.registry.set_status)


def test_what_a_revoked_device_sends_is_shed_before_it_is_stored():
    site = SiteUnderTest()
    device = site.enrolled("one")
    challenge = site.one(device, device.request(b"\x01" * 32), "enrol", "challenge")
    lifecycle(site).revoke(device.device_id)
    rows = site.registry.commitment_count()
    counter = site.registry.device(device.device_id).counter
    for kind, payload in (
        ("evidence", device.evidence(site.beacons.current)),
        ("enrol", device.proof(challenge)),
        ("enrol", device.request(b"\x02" * 32)),
    ):
        (reply,) = site.process(device.envelope(payload, kind))
        assert (reply.kind, site.reason(reply.payload)) == ("error", "REVOKED")
    assert site.registry.commitment_count() == rows
    assert site.registry.device(device.device_id).counter == counter


def test_a_flood_of_a_revoked_device_gets_few_errors_and_no_row():
    site = SiteUnderTest(budget=ErrorBudget(lambda: 0.0, each_burst=3, each_per_s=0))
    device = site.enrolled("one")
    lifecycle(site).revoke(device.device_id)
    rows = site.registry.commitment_count()
    flood = [device.envelope(device.evidence(site.beacons.current)) for _ in range(100)]
    assert len(site.process(*flood)) == 3
    assert site.registry.commitment_count() == rows


@pytest.mark.parametrize("active", [False, True])
@pytest.mark.parametrize("device_class", [1, 2])
def test_a_counter_far_ahead_quarantines_and_uses_up_nothing(active, device_class):
    site = SiteUnderTest(device_class=device_class)
    device = site.enrolled("one")
    if active:
        assert site.verdict(device, device.evidence(site.beacons.current)) == "ACCEPTED"
    before = site.registry.device(device.device_id)
    changes = site.changes
    rows = site.registry.commitment_count()
    clone = [device.evidence(site.beacons.current, counter=FAR + n) for n in range(2)]
    # Honest evidence in the same group, before and after, is decided as if nothing had been.
    honest = [device.evidence(site.beacons.current) for _ in range(2)]
    group = [honest[0], *clone, honest[1]]
    said = [
        site.reason(reply.payload) for reply in site.process(*[device.envelope(p) for p in group])
    ]
    assert sorted(said) == ["ACCEPTED", "ACCEPTED", "COUNTER_TOO_HIGH", "COUNTER_TOO_HIGH"]
    after = site.registry.device(device.device_id)
    assert (after.status, after.counter) == (Status.QUARANTINED, before.counter + 2)
    assert site.registry.commitment_count() == rows + 2
    (alarm,) = site.events("alarm")
    assert (alarm["kind"], alarm["device_id"]) == ("counter_too_high", device.device_id.hex())
    assert site.changes == changes + 1
    # More of it changes nothing and alarms no more; the device itself is denied, not dead.
    assert site.verdict(device, device.evidence(site.beacons.current, counter=FAR)) == (
        "COUNTER_TOO_HIGH"
    )
    assert len(site.events("alarm")) == 1
    assert site.verdict(device, device.evidence(site.beacons.current)) == "QUARANTINED"
    lifecycle(site).reinstate(device.device_id)
    assert site.verdict(device, device.evidence(site.beacons.current)) == "ACCEPTED"


def test_the_bound_itself_is_taken():
    site = SiteUnderTest()
    device = site.enrolled("one")
    last = site.registry.device(device.device_id).counter
    payload = device.evidence(site.beacons.current, counter=last + MOST_AHEAD + 1)
    assert site.verdict(device, payload) == "COUNTER_TOO_HIGH"
    lifecycle(site).reinstate(device.device_id)
    payload = device.evidence(site.beacons.current, counter=last + MOST_AHEAD)
    assert site.verdict(device, payload) == "ACCEPTED"


def test_a_first_proof_far_ahead_enrols_nobody():
    site = SiteUnderTest()
    device = site.device("one")
    challenge = site.one(device, device.request(), "enrol", "challenge")
    assert site.verdict(device, device.proof(challenge, counter=FAR), "enrol") == "COUNTER_TOO_HIGH"
    assert site.registry.device(device.device_id) is None
    assert site.verdict(device, device.proof(challenge), "enrol") == "ACCEPTED"


def test_two_devices_with_one_identity_are_noticed_once_a_while():
    site = SiteUnderTest()
    device = site.enrolled("one")
    clone = site.device("one")
    for _ in range(2 * SUSPICIOUS):
        assert site.verdict(device, device.evidence(site.beacons.current)) == "ACCEPTED"
    for number in range(2 * SUSPICIOUS - 1):
        said = site.verdict(clone, clone.evidence(site.beacons.current, uptime_s=number))
        assert said == "OUT_OF_ORDER"
        assert len(site.events("alarm")) == (number >= SUSPICIOUS - 1)
    assert site.events("alarm")[0]["kind"] == "used_counters"
    assert site.registry.device(device.device_id).status is Status.ACTIVE
    site.clock.now_s += PERIOD_S
    clone = site.device("one")
    for number in range(SUSPICIOUS):
        site.verdict(clone, clone.evidence(site.beacons.current, uptime_s=number))
    assert len(site.events("alarm")) == 2


def test_messages_that_nobody_signed_alarm_nobody():
    site = SiteUnderTest()
    device = site.enrolled("one")
    for counter in range(1, 3 * SUSPICIOUS):
        forged = device.evidence(site.beacons.current, counter=counter)[:-1] + b"\x00"
        assert site.verdict(device, forged) == "BAD_SIGNATURE"
    assert site.events("alarm") == []
