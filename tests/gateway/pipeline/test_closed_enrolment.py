"""Enrolment is closed: only devices that somebody admitted become devices of the site."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from countersign import accounts, messages
from countersign_gateway.governance import admission as gate
from countersign_gateway.model import Act, Admission, EnrolmentMode
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.site_under_test import LEDGER, SiteUnderTest

LISTED, APPROVE, OPEN = EnrolmentMode
ACT = Act(1.0, 2.0, 1000, "admit", None, "a test")


def admission_of(device: SimulatedDevice, **changes: object) -> Admission:
    admission = Admission(
        device_id=device.device_id,
        suite=1,
        public_key=device.public_key,
        next_key_digest=device.next_key_digest,
        name="bed-7",
        device_class=1,
        owner=None,
        valid_until_s=None,
        admitted_by="a test",
        admitted_s=1,
    )
    return replace(admission, **changes)  # type: ignore[arg-type]


def test_a_stranger_becomes_no_device_and_leaves_no_row():
    site = SiteUnderTest(enrolment=LISTED)
    for number in range(20):
        device = site.device(f"stranger {number}")
        assert site.verdict(device, device.request(), "enrol") == "NOT_ADMITTED"
    assert list(site.registry.devices()) == []
    assert site.registry.commitment_count() == 0
    assert site.registry.wishes() == []


def test_an_admitted_device_becomes_what_its_admission_says():
    site = SiteUnderTest(enrolment=LISTED, ledger=LEDGER)
    device = site.device("one")
    owner = b"\x0b" * 20
    site.registry.admit([admission_of(device, device_class=2, owner=owner)], ACT)
    challenge = site.one(device, device.request(), "enrol", "challenge")
    offered = messages.open_message(challenge).fields["registration"]
    assert (offered["device_class"], offered["owner"]) == (2, owner)
    assert site.verdict(device, device.proof(challenge), "enrol") == "ACCEPTED"
    record = site.registry.device(device.device_id)
    assert record is not None
    assert (record.device_class, record.owner) == (2, owner)
    assert site.registry.admission(device.device_id).name == "bed-7"
    assert site.changes == 1
    # What is on record may enrol again, whatever becomes of its admission.
    site.registry.withdraw(device.device_id, ACT)
    again = site.one(device, device.request(b"\x01" * 32), "enrol", "challenge")
    assert site.verdict(device, device.proof(again), "enrol") == "ACCEPTED"


def test_an_admission_ends_and_binds_the_next_key():
    site = SiteUnderTest(enrolment=LISTED)
    late, thief = site.device("late"), site.device("thief")
    ends_s = int(site.wall.now_s) + 10
    site.registry.admit([admission_of(late, valid_until_s=ends_s)], ACT)
    site.registry.admit([admission_of(thief, next_key_digest=b"\x01" * 32)], ACT)
    site.one(late, late.request(), "enrol", "challenge")
    site.wall.now_s += 10
    assert site.verdict(late, late.request(b"\x01" * 32), "enrol") == "NOT_ADMITTED"
    assert site.verdict(thief, thief.request(), "enrol") == "WRONG_KEY"


def test_an_admission_withdrawn_after_the_challenge_is_none():
    site = SiteUnderTest(enrolment=LISTED, ledger=LEDGER)
    gone, changed = site.device("gone"), site.device("changed")
    site.registry.admit([admission_of(gone), admission_of(changed)], ACT)
    challenges = [site.one(one, one.request(), "enrol", "challenge") for one in (gone, changed)]
    site.registry.withdraw(gone.device_id, ACT)
    site.registry.admit([admission_of(changed, device_class=2)], ACT)
    assert site.verdict(gone, gone.proof(challenges[0]), "enrol") == "NOT_ADMITTED"
    assert site.verdict(changed, changed.proof(challenges[1]), "enrol") == "UNKNOWN_CHALLENGE"
    assert list(site.registry.devices()) == []


def test_a_request_waits_until_a_person_decides(monkeypatch):
    monkeypatch.setattr(gate, "MOST_WAITING", 2)
    site = SiteUnderTest(enrolment=APPROVE)
    first, second, third = (site.device(name) for name in ("first", "second", "third"))
    for _ in range(3):
        for device in (first, second):
            assert site.verdict(device, device.request(), "enrol") == "AWAITING_APPROVAL"
    # Strangers push nobody out: the one that came too late is refused, and counted.
    assert site.verdict(third, third.request(), "enrol") == "NOT_ADMITTED"
    assert site.gate.wishes_not_kept == 1
    assert [wish.device_id for wish in site.registry.wishes()] == [
        first.device_id,
        second.device_id,
    ]
    site.registry.admit([admission_of(first)], ACT)
    site.registry.deny(second.device_id, 10, ACT)
    assert site.registry.wishes() == []
    site.one(first, first.request(b"\x01" * 32), "enrol", "challenge")
    assert site.verdict(second, second.request(b"\x01" * 32), "enrol") == "NOT_ADMITTED"
    assert site.verdict(third, third.request(b"\x01" * 32), "enrol") == "AWAITING_APPROVAL"


def device_at(site: SiteUnderTest, start: str, number: int) -> SimulatedDevice:
    """The number-th device whose place is in this lobby account."""
    found = (
        device
        for n in range(100_000)
        if accounts.lobby_username((device := site.device(f"{start} {n}")).device_id) == start
    )
    return next(islice(found, number, None))


def test_one_source_takes_no_more_than_its_share_of_the_places(monkeypatch):
    monkeypatch.setattr(gate, "MOST_OF_SOURCE", 1)
    site = SiteUnderTest(enrolment=APPROVE)
    first, second, third = (device_at(site, "lobby-07", number) for number in range(3))
    other = device_at(site, "lobby-08", 0)
    assert site.verdict(first, first.request(), "enrol") == "AWAITING_APPROVAL"
    assert site.verdict(second, second.request(), "enrol") == "NOT_ADMITTED"
    assert site.verdict(other, other.request(), "enrol") == "AWAITING_APPROVAL"
    # A serial line has a share of its own, whatever its devices call themselves.
    for device, said in ((third, "AWAITING_APPROVAL"), (site.device("x"), "NOT_ADMITTED")):
        envelope = replace(device.envelope(device.request(), "enrol"), origin="/dev/ttyACM0")
        (reply,) = site.process(envelope)
        assert site.reason(reply.payload) == said


def test_waiting_requests_age_out_and_a_crowd_sounds_an_alarm(monkeypatch):
    monkeypatch.setattr(gate, "MOST_WAITING", 5)
    site = SiteUnderTest(enrolment=APPROVE)
    devices = [site.device(f"device {number}") for number in range(7)]
    for number, device in enumerate(devices[:5]):
        assert site.verdict(device, device.request(), "enrol") == "AWAITING_APPROVAL"
        assert len(site.events("alarm")) == (number >= 3)
    assert site.verdict(devices[5], devices[5].request(), "enrol") == "NOT_ADMITTED"
    (alarm,) = site.events("alarm")
    assert (alarm["kind"], alarm["waiting"], alarm["places"]) == ("waiting", 4, 5)
    site.wall.now_s += gate.WAITS_S + 1
    assert site.gate.waiting() == []
    for device in (devices[6], devices[0]):
        assert site.verdict(device, device.request(b"\x01" * 32), "enrol") == "AWAITING_APPROVAL"
    assert [one.device_id for one in site.gate.waiting()] == [
        devices[6].device_id,
        devices[0].device_id,
    ]


def test_open_means_a_window_and_no_longer():
    site = SiteUnderTest(enrolment=OPEN)
    device, late = site.device("one"), site.device("late")
    challenge = site.one(device, device.request(), "enrol", "challenge")
    assert site.verdict(device, device.proof(challenge), "enrol") == "ACCEPTED"
    assert site.registry.admission(device.device_id).admitted_by == "the window that a test opened"
    site.window.close()
    assert site.verdict(late, late.request(), "enrol") == "NOT_ADMITTED"


def test_a_window_closes_by_itself():
    now_s = 0.0
    window = gate.Window(lambda: now_s)
    assert window.left_s == 0
    for devices in (0, 1001):
        with pytest.raises(ValueError, match="1 to 1000 devices"):
            window.open(10, "me", devices)
    for minutes in (0, 61, -1):
        with pytest.raises(ValueError, match="1 to 60 minutes"):
            window.open(minutes, "me")
    window.open(10, "me")
    assert window.left_s == 600
    now_s = 599.5
    assert window.left_s == 0
    now_s = 1e9
    assert window.left_s == 0


def test_strangers_of_a_window_spend_nothing_of_the_admitted_devices_day():
    site = SiteUnderTest(enrolment=OPEN, enrolments_per_day=1)
    site.window.open(60, "a test", 3)
    for number in range(3):
        site.enrolled(f"stranger {number}")
    assert (site.window.places, site.window.left_s) == (0, 0)
    late = site.device("late")
    assert site.verdict(late, late.request(), "enrol") == "NOT_ADMITTED"
    assert not site.gate.hears_strangers
    good = site.device("good")
    site.registry.admit([admission_of(good)], ACT)
    site.enrolled("good")
    # And the other way round: no admitted device takes a place of the window.
    site.window.open(60, "a test", 1)
    other = site.device("other")
    site.registry.admit([admission_of(other, name="bed-8")], ACT)
    assert site.verdict(other, other.request(), "enrol") == "ENROLMENTS_SPENT"
    assert site.window.places == 1


def test_the_last_place_of_a_window_goes_to_one_device():
    site = SiteUnderTest(enrolment=OPEN)
    site.window.open(60, "a test", 1)
    devices = [site.device("a"), site.device("b")]
    challenges = [site.one(one, one.request(), "enrol", "challenge") for one in devices]
    proofs = [
        one.envelope(one.proof(challenge), "enrol")
        for one, challenge in zip(devices, challenges, strict=True)
    ]
    said = [site.reason(reply.payload) for reply in site.process(*proofs)]
    assert sorted(said) == ["ACCEPTED", "NOT_ADMITTED"]


@pytest.mark.parametrize("mode", [LISTED, APPROVE])
def test_no_window_matters_where_enrolment_is_not_open(mode):
    site = SiteUnderTest(enrolment=mode)
    device = site.device("one")
    assert site.verdict(device, device.request(), "enrol") != "ACCEPTED"


def test_a_day_has_so_many_enrolments_and_an_alarm_before_they_are_spent():
    site = SiteUnderTest(enrolments_per_day=5)
    for name in (*(f"device {number}" for number in range(5)), "one too many", "one more"):
        site.registry.admit([admission_of(site.device(name), name=name)], ACT)
    for number in range(4):
        site.enrolled(f"device {number}")
        assert len(site.events("alarm")) == (number == 3)
    (alarm,) = site.events("alarm")
    assert (alarm["kind"], alarm["spent"], alarm["limit"]) == ("budget", 4, 5)
    site.enrolled("device 4")
    device = site.device("one too many")
    assert site.verdict(device, device.request(), "enrol") == "ENROLMENTS_SPENT"
    # A restart does not refill it, nor does a clock that is set back; a day later it is full.
    restarted = SiteUnderTest(site.registry, enrolments_per_day=5)
    restarted.wall.now_s -= 500
    assert restarted.verdict(device, device.request(), "enrol") == "ENROLMENTS_SPENT"
    known = site.device("device 1")
    site.one(known, known.request(b"\x01" * 32), "enrol", "challenge")
    restarted.wall.now_s += 86400
    restarted.enrolled("one more")


def test_the_last_enrolment_of_a_day_goes_to_one_device():
    site = SiteUnderTest(enrolments_per_day=1)
    devices = [site.device("a"), site.device("b")]
    site.registry.admit([admission_of(one, name=one.device_id.hex()) for one in devices], ACT)
    challenges = [site.one(one, one.request(), "enrol", "challenge") for one in devices]
    proofs = [
        one.envelope(one.proof(challenge), "enrol")
        for one, challenge in zip(devices, challenges, strict=True)
    ]
    said = [site.reason(reply.payload) for reply in site.process(*proofs)]
    assert sorted(said) == ["ACCEPTED", "ENROLMENTS_SPENT"]
