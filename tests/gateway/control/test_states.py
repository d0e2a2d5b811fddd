"""What people are told of a device that may not enrol, or may not any more."""

from __future__ import annotations

from countersign_gateway.control.acts import perform
from countersign_gateway.governance.admission import Window
from countersign_gateway.model import EnrolmentMode
from support.gateway.desk import CALLER, Desk, row, table
from support.gateway.site_under_test import FakeClock


def test_a_day_that_is_past_admits_nobody_and_an_admission_that_ended_says_so():
    desk = Desk()
    device, enrolled = desk.site.device("one"), desk.site.device("two")
    desk.do("admit", **desk.admit_list(table(row(enrolled))))
    desk.site.enrolled("two")
    desk.site.wall.now_s = 1795824000
    past = {"valid_until": "2026-11-27"}
    key = device.public_key.hex()
    assert "2026-11-27 is past" in desk.refused("admit", public_key=key, name="bed-8", **past)
    said = desk.refused("admit", **desk.admit_list(table(row(device, name="bed-8", **past))))
    assert "bed-8: valid_until 2026-11-27 is past" in said
    # A list that is admitted again may hold devices that enrolled in time.
    desk.do("admit", **desk.admit_list(table(row(enrolled, **past))))
    desk.do("admit", public_key=key, name="bed-8", valid_until="2026-11-28")
    assert desk.do("show", device="bed-8") == "bed-8 is admitted"
    desk.site.wall.now_s += 86400
    shown = perform(desk.people, CALLER, "show", {"device": "bed-8"})
    assert desk.do("list").startswith("2 devices, ")
    assert shown["said"] == "bed-8 is expired"
    assert shown["device"]["detail"].startswith("its admission ended on 2026-11-28")
    assert desk.site.verdict(device, device.request(), "enrol") == "NOT_ADMITTED"
    assert "its admission ended on 2026-11-28" in desk.site.log.getvalue()


def test_the_end_of_a_window_is_noticed_once():
    clock = FakeClock()
    window = Window(clock)
    assert not window.take_end()
    window.open(1, "somebody")
    clock.now_s += 59
    assert not window.take_end()
    clock.now_s += 1
    assert (window.take_end(), window.take_end()) == (True, False)
    window.open(1, "somebody")
    window.close()
    clock.now_s += 60
    assert not window.take_end()


def test_a_device_that_was_denied_is_shown_and_can_be_approved():
    desk = Desk(EnrolmentMode.APPROVE)
    device = desk.site.device("one")
    name = device.device_id.hex()[:16]
    desk.site.verdict(device, device.request(), "enrol")
    assert f"countersign device approve {name}" in desk.do("deny", device=name)
    shown = perform(desk.people, CALLER, "show", {"device": name})
    assert shown["said"] == f"{name} is denied"
    assert shown["device"]["public_key"] == device.public_key.hex()
    assert "is denied already" in desk.refused("deny", device=name)
    assert desk.do("list").startswith("1 device, 0 of them waiting")
    desk.do("approve", device=name, name="bed-7")
    desk.site.enrolled("one")
    assert desk.do("show", device="bed-7") == "bed-7 is enrolled"


def test_an_admission_that_is_withdrawn_leaves_the_key_on_record():
    desk = Desk()
    key = desk.site.device("one").public_key.hex()
    desk.do("admit", public_key=key, name="bed-7")
    assert f"countersign device admit --public-key {key}" in desk.do("deny", device="bed-7")
    assert key in desk.site.registry.acts(1)[0].detail
