"""What each act does to the site, who is told, and what is recorded."""

from __future__ import annotations

import json

import pytest

from countersign_gateway.control.acts import ACTS, perform
from countersign_gateway.model import EnrolmentMode, Status
from countersign_gateway.statements.keys import SigningKey
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.desk import CALLER, PROVISIONER, Desk, row, table


def test_a_signed_list_admits_its_devices_and_they_enrol():
    desk = Desk()
    one, two = desk.site.device("one"), desk.site.device("two")
    content = table(
        row(one, **{"class": "life-critical", "owner": "0x" + "0b" * 20}),
        row(two, name="bed-8", **{"class": "", "owner": ""}),
        row(desk.site.device("three"), name="bed-9", result="failed", **{"class": "", "owner": ""}),
    )
    assert desk.do("admit", **desk.admit_list(content)) == "admitted from the list: 2"
    assert desk.changes == 1
    desk.site.enrolled("one")
    desk.site.enrolled("two")
    record = desk.site.registry.device(one.device_id)
    assert (record.device_class, record.owner) == (2, b"\x0b" * 20)
    (act,) = desk.site.registry.acts(10)
    assert (act.name, act.uid) == ("admit", 0)
    assert PROVISIONER.public_key.hex()[:16] in act.detail
    # The same list again keeps what has enrolned.
    assert desk.do("admit", **desk.admit_list(content)).startswith(
        "admitted from the list: 0; enrolled before"
    )


def test_the_same_as_json():
    desk = Desk()
    content = json.dumps([row(desk.site.device("one"))]).encode()
    assert desk.do("admit", **desk.admit_list(content)) == "admitted from the list: 1"


def test_a_list_that_is_not_signed_or_wrongly_counts_for_nothing():
    desk = Desk()
    content = table(row(desk.site.device("one")))
    signed = desk.admit_list(content)
    assert "not signed" in desk.refused("admit", list=signed["list"])
    other = desk.admit_list(content, SigningKey(bytes(31) + b"\x12"))
    assert "policy.provisioners" in desk.refused("admit", **other)
    changed = desk.admit_list(content.replace(b"bed-7", b"bed-8"))
    assert "changed after it was signed" in desk.refused(
        "admit", list=changed["list"], signature=signed["signature"]
    )
    for text in ("", "zz", signed["signature"].upper(), signed["signature"] * 2):
        assert "signature" in desk.refused("admit", list=signed["list"], signature=text[:256])
    assert desk.site.registry.admissions() == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"site": "ward-4"}, "not for this site"),
        ({"site": ""}, "it names no site: the column site must say ward-3"),
        ({"public_key": "00" * 32}, "not a point of the curve"),
        ({"public_key": "zz"}, "public_key must be 64 hexadecimal digits"),
        ({"device_id": "11" * 32}, "its key does not give its device_id"),
        ({"next_key_digest": "00" * 32}, "commits to no next key"),
        ({"name": "a\x1b[2J"}, "printable"),
        ({"name": ""}, "printable"),
        ({"name": "x" * 65}, "printable"),
        ({"class": "king"}, "standard or life-critical"),
        ({"owner": "0x12"}, "owner must be 40"),
        ({"valid_until": "tomorrow"}, "YYYY-MM-DD"),
    ],
)
def test_one_wrong_entry_refuses_the_whole_list(changes, fault):
    desk = Desk()
    optional = {"class": "", "owner": "", "valid_until": ""}
    good = row(desk.site.device("one"), name="good", **optional)
    bad = row(desk.site.device("two"), **(optional | changes))
    said = desk.refused("admit", **desk.admit_list(table(good, bad)))
    assert said.startswith("entry 2: ")
    assert fault in said
    assert desk.site.registry.admissions() == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"name\n",
        b"[1]",
        b"[" * 100_000,
        b"{}",
        b"a,a\n1,1\n",
        b"a,b\n1\n",
        b'a\n"',
    ],
)
def test_what_is_no_list_is_refused(content):
    desk = Desk()
    assert desk.refused("admit", **desk.admit_list(content))


def test_one_device_is_admitted_by_its_key_until_a_day():
    desk = Desk()
    device = desk.site.device("one")
    said = desk.do(
        "admit",
        public_key=device.public_key.hex(),
        name="bed-7",
        valid_until="2026-11-27",
        **{"class": "life-critical"},
    )
    assert said.startswith("bed-7 may enrol; its device_id is ")
    admission = desk.site.registry.admission(device.device_id)
    assert (admission.device_class, admission.valid_until_s) == (2, 1795824000)
    assert admission.admitted_by == CALLER.name
    desk.site.wall.now_s = 1795824000
    assert desk.site.verdict(device, device.request(), "enrol") == "NOT_ADMITTED"
    assert "another device is called bed-7" in desk.refused(
        "admit", public_key=desk.site.device("two").public_key.hex(), name="bed-7"
    )
    assert "needs a signed list" in desk.refused("admit", name="bed-8")


def test_a_wish_is_approved_or_denied():
    desk = Desk(EnrolmentMode.APPROVE)
    good, bad = desk.site.device("good"), desk.site.device("bad")
    for device in (good, bad):
        assert desk.site.verdict(device, device.request(), "enrol") == "AWAITING_APPROVAL"
    listed = perform(desk.people, CALLER, "list", {})
    assert "2 of them waiting for approval; enrolment approve, 0 of" in listed["said"]
    assert {entry["state"] for entry in listed["devices"]} == {"waiting"}
    desk.do("approve", device=good.device_id.hex()[:16], name="bed-7")
    desk.do("deny", device=bad.device_id.hex())
    desk.site.enrolled("good")
    assert desk.site.verdict(bad, bad.request(b"\x01" * 32), "enrol") == "NOT_ADMITTED"
    assert "does not wait" in desk.refused("approve", device="bed-7")
    assert "suspend or revoke it" in desk.refused("deny", device="bed-7")
    assert [act.name for act in desk.site.registry.acts(10)] == ["deny", "approve"]
    assert desk.changes == 2


@pytest.mark.parametrize("digits", [6, 12, 15])
def test_a_few_digits_look_and_take_trust_away_and_give_none(digits):
    desk = Desk(EnrolmentMode.APPROVE)
    device = desk.site.device("one")
    assert desk.site.verdict(device, device.request(), "enrol") == "AWAITING_APPROVAL"
    few = device.device_id.hex()[:digits]
    assert "is waiting" in desk.do("show", device=few)
    assert "too few to trust a device by" in desk.refused("approve", device=few, name="bed-7")
    desk.do("approve", device=device.public_key.hex(), name="bed-7")
    desk.site.enrolled("one")
    desk.do("suspend", device=few)
    assert "too few to trust a device by" in desk.refused("reinstate", device=few)
    assert "too few to trust a device by" in desk.refused("rename", device=few, name="bed-8")
    desk.do("reinstate", device=device.device_id.hex()[:16])
    desk.do("suspend", device="bed-7")
    desk.do("reinstate", device="bed-7")
    desk.do("revoke", device=few)


def test_deny_withdraws_an_admission():
    desk = Desk()
    device = desk.site.device("one")
    desk.do("admit", public_key=device.public_key.hex(), name="bed-7")
    desk.do("deny", device="bed-7")
    assert desk.site.verdict(device, device.request(), "enrol") == "NOT_ADMITTED"


def test_an_old_list_brings_back_nothing_that_a_person_denied():
    desk = Desk()
    one, two = desk.site.device("one"), desk.site.device("two")
    signed = desk.admit_list(table(row(one), row(two, name="bed-8")))
    assert desk.do("admit", **signed) == "admitted from the list: 2"
    desk.do("deny", device="bed-7")
    said = desk.do("admit", **signed)
    assert said.startswith("admitted from the list: 1; denied before, and kept out: 1 (bed-7)")
    assert desk.site.verdict(one, one.request(), "enrol") == "NOT_ADMITTED"
    desk.site.enrolled("two")
    # A person lifts it, for this one device.
    desk.do("admit", public_key=one.public_key.hex(), name="bed-7")
    desk.site.enrolled("one")


def test_a_denied_device_comes_in_by_no_window():
    desk = Desk(EnrolmentMode.OPEN)
    device = desk.site.device("one")
    desk.do("admit", public_key=device.public_key.hex(), name="bed-7")
    desk.do("deny", device="bed-7")
    assert desk.site.verdict(device, device.request(), "enrol") == "NOT_ADMITTED"


def enrolled(desk: Desk, device_class: str = "standard") -> SimulatedDevice:
    device = desk.site.device("one")
    desk.do("admit", public_key=device.public_key.hex(), name="bed-7", **{"class": device_class})
    return desk.site.enrolled("one")


def evidence(desk: Desk, device: SimulatedDevice) -> str:
    return desk.site.verdict(device, device.evidence(desk.site.beacons.current))


def test_suspend_reinstate_and_revoke_take_effect_at_once():
    desk = Desk()
    device = enrolled(desk)
    assert evidence(desk, device) == "ACCEPTED"
    desk.do("suspend", device="bed-7")
    assert evidence(desk, device) == "SUSPENDED"
    assert "nothing to suspend" in desk.refused("suspend", device="bed-7")
    assert "its next counter must be from 4 to " in desk.do("reinstate", device="bed-7")
    assert evidence(desk, device) == "ACCEPTED"
    assert "nothing to reinstate" in desk.refused("reinstate", device="bed-7")
    desk.do("revoke", device="bed-7")
    assert evidence(desk, device) == "REVOKED"
    for act in ("suspend", "reinstate", "revoke"):
        assert "is revoked" in desk.refused(act, device="bed-7")
    acts = desk.site.registry.acts(10)
    assert [act.name for act in acts] == ["revoke", "reinstate", "suspend", "admit"]
    assert acts[1].detail == "it was suspended; its last accepted counter is 3"
    assert acts[0].device_id == device.device_id
    assert desk.changes == 4
    shown = perform(desk.people, CALLER, "show", {"device": "bed-7"})
    assert shown["said"] == "bed-7 is revoked"
    assert len(shown["acts"]) == 4
    # It never comes back, not by a list either.
    content = table(row(device))
    assert "can never enrol again" in desk.refused("admit", **desk.admit_list(content))


def test_a_life_critical_device_is_revoked_in_two_acts():
    desk = Desk()
    device = enrolled(desk, "life-critical")
    assert "suspend it first" in desk.refused("revoke", device="bed-7")
    assert "bed-7 is quarantined" in desk.do("suspend", device="bed-7")
    assert evidence(desk, device) == "QUARANTINED"
    desk.do("revoke", device="bed-7")


def test_a_device_whose_own_counter_went_far_is_brought_back_on_the_record():
    desk = Desk()
    device = enrolled(desk)
    far = 1 << 40
    payload = device.evidence(desk.site.beacons.current, counter=far)
    assert desk.site.verdict(device, payload) == "COUNTER_TOO_HIGH"
    assert desk.site.registry.device(device.device_id).status is Status.QUARANTINED
    assert "only grows" in desk.refused("reinstate", device="bed-7", counter=0)
    assert f"from {far + 1} to" in desk.do("reinstate", device="bed-7", counter=far)
    payload = device.evidence(desk.site.beacons.current, counter=far + 1)
    assert desk.site.verdict(device, payload) == "ACCEPTED"
    counter, reinstate = desk.site.registry.acts(2)
    assert (counter.name, counter.detail) == ("counter", f"from 1 to {far}")
    assert reinstate.name == "reinstate"


def test_names_and_how_devices_are_found():
    desk = Desk()
    device = enrolled(desk)
    desk.do("rename", device="bed-7", name="bed 7 (left)")
    assert "no device is called bed-7" in desk.refused("suspend", device="bed-7")
    assert "printable" in desk.refused("rename", device="bed 7 (left)", name="\x1b[2J")
    assert desk.do("show", device=device.device_id.hex()[:6].upper()).startswith("bed 7 (left)")
    assert "no device" in desk.refused("show", device=device.device_id.hex()[:5])
    assert "no device" in desk.refused("show", device="")


def test_a_device_of_an_earlier_release_gets_a_name():
    desk = Desk(EnrolmentMode.OPEN)
    device = desk.site.enrolled("one")
    desk.site.registry.withdraw(device.device_id, desk.people.act(CALLER, "x", None, ""))
    desk.do("rename", device=device.device_id.hex(), name="old one")
    assert desk.site.registry.admission(device.device_id).admitted_by == "an earlier release"


def test_the_window_is_opened_and_closed_on_the_record():
    desk = Desk(EnrolmentMode.OPEN)
    desk.site.window.close()
    assert "1 to 60 minutes" in desk.refused("open", minutes=61)
    desk.do("open", minutes=10)
    assert desk.site.window.left_s == 600
    assert "open for 10 min 0 s and 16 devices" in desk.do("list")
    assert "1 to 1000 devices" in desk.refused("open", minutes=10, devices=0)
    assert "1 to 1000 devices" in desk.refused("open", minutes=10, devices=1001)
    assert desk.do("close") == "the window is closed"
    assert desk.do("close") == "the window was closed already"
    assert [act.name for act in desk.site.registry.acts(10)] == ["close", "close", "open"]
    assert 'enrolment = "listed"' in Desk().refused("open", minutes=10)


@pytest.mark.parametrize(
    ("act", "arguments"),
    [
        ("destroy", {}),
        ("suspend", {}),
        ("suspend", {"device": 7}),
        ("suspend", {"device": "x" * 257}),
        ("suspend", {"device": "bed-7", "why": "so"}),
        ("open", {"minutes": "10"}),
        ("open", {"minutes": True}),
        ("admit", {"list": "no base64!"}),
        ("admit", {"list": 7}),
    ],
)
def test_what_is_not_understood_is_refused(act, arguments):
    assert Desk().refused(act, **arguments)


def test_every_act_has_a_sentence_of_what_it_does():
    for name, act in ACTS.items():
        assert name == act.name
        assert act.meaning
        assert all(argument.meaning for argument in act.arguments)
