"""Every backend keeps the registry's contract for admissions, wishes, acts and budgets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from countersign_gateway.model import Act, Admission, Enrolment, EnrolmentWish, Status
from countersign_gateway.registry.interface import Registry, RegistryError, WishState
from support.gateway.some_records import device_record, digest, enrolment, evidence

ACT = Act(1.5, 2.5, 1000, "admit", None, "a list")


def admission(device: str, **changes: object) -> Admission:
    entry = Admission(
        device_id=digest("device", device),
        suite=1,
        public_key=digest("key", device),
        next_key_digest=None,
        name=device,
        device_class=1,
        owner=None,
        valid_until_s=None,
        admitted_by="somebody",
        admitted_s=7,
    )
    return replace(entry, **changes)  # type: ignore[arg-type]


def wish(name: str) -> EnrolmentWish:
    return EnrolmentWish(
        digest("device", name), 1, digest("key", name), digest("next", name), 2, 1000
    )


def kept(
    registry: Registry, wished: EnrolmentWish, most: int = 2, share: int = 9, since_s: int = 0
) -> WishState:
    return WishState(registry.keep_wish(wished, most, share, since_s))


def test_admissions_are_kept_replaced_and_withdrawn(registry: Registry) -> None:
    full = admission("b", next_key_digest=bytes(32), owner=bytes(20), valid_until_s=9)
    registry.admit([admission("a"), full], ACT)
    assert registry.admissions() == [admission("a"), full]
    registry.admit([admission("a", name="renamed")], ACT)
    assert registry.admission(digest("device", "a")) == admission("a", name="renamed")
    assert registry.admission(digest("device", "c")) is None
    registry.withdraw(digest("device", "a"), ACT)
    assert registry.admissions() == [full]
    with pytest.raises(RegistryError):
        registry.withdraw(digest("device", "a"), ACT)
    assert len(registry.acts(10)) == 3


def test_an_enrolment_stores_the_admission_that_it_brings(registry: Registry) -> None:
    first = enrolment("a")
    assert first.enrolment is not None
    brought = Enrolment(first.enrolment.device, None, admission("a"))
    registry.store([replace(first, enrolment=brought)])
    assert registry.admission(digest("device", "a")) == admission("a")
    with pytest.raises(RegistryError):
        second = replace(
            enrolment("b"), enrolment=Enrolment(device_record("b"), None, admission("b"))
        )
        registry.store([second, evidence("b", 1)])
    assert registry.admission(digest("device", "b")) is None


def test_wishes_are_bounded_and_end_by_a_decision(registry: Registry) -> None:
    assert kept(registry, wish("a")) is WishState.WAITING
    assert kept(registry, wish("b")) is WishState.WAITING
    assert kept(registry, wish("c")) is WishState.FULL
    assert kept(registry, replace(wish("a"), asked_s=2000)) is WishState.WAITING
    assert registry.wishes() == [wish("a"), wish("b")]
    registry.deny(digest("device", "a"), 1, ACT)
    assert kept(registry, wish("a")) is WishState.DENIED
    with pytest.raises(RegistryError):
        registry.deny(digest("device", "a"), 1, ACT)
    registry.admit([admission("b")], ACT)
    assert registry.wishes() == []
    assert registry.denied_wishes() == [wish("a")]
    # The oldest denial is forgotten beyond the bound.
    kept(registry, wish("c"))
    registry.deny(digest("device", "c"), 1, ACT)
    assert kept(registry, wish("c")) is WishState.DENIED
    assert kept(registry, wish("a")) is WishState.WAITING


def test_a_source_has_a_share_and_old_wishes_wait_no_more(registry: Registry) -> None:
    line, other = replace(wish("a"), source="line"), replace(wish("b"), source="lobby-01")
    assert kept(registry, line, 3, 1) is WishState.WAITING
    assert kept(registry, replace(wish("c"), source="line"), 3, 1) is WishState.FULL
    assert kept(registry, other, 3, 1) is WishState.WAITING
    assert registry.wishes() == [line, other]
    assert (registry.waiting(1000), registry.waiting(1001)) == (2, 0)
    assert registry.wishes(1001) == []
    # An old wish takes no place. Its device waits anew, behind those that came since.
    new = replace(wish("c"), source="line", asked_s=1500)
    assert kept(registry, new, 3, 1, 1001) is WishState.WAITING
    again = replace(other, asked_s=2000)
    assert kept(registry, again, 3, 1, 1001) is WishState.WAITING
    assert registry.wishes() == [new, again]
    # What was denied stays denied.
    registry.deny(new.device_id, 5, ACT)
    assert kept(registry, replace(new, asked_s=9000), 3, 1, 8000) is WishState.DENIED


def test_acts_are_kept_with_what_they_did(registry: Registry) -> None:
    registry.store([enrolment("a", 3)])
    device_id = digest("device", "a")
    acts = [replace(ACT, name=f"act {n}", device_id=device_id) for n in range(3)]
    registry.record(acts[0])
    registry.set_status(device_id, Status.SUSPENDED, acts[1])
    registry.raise_counter(device_id, 50, acts[2])
    assert registry.acts(2) == [acts[2], acts[1]]
    known = registry.device(device_id)
    assert known is not None and (known.status, known.counter) == (Status.SUSPENDED, 50)
    registry.store([evidence("a", 51)])
    for unknown, counter in ((device_id, 51), (digest("device", "b"), 5)):
        with pytest.raises(RegistryError):
            registry.raise_counter(unknown, counter, ACT)
    with pytest.raises(RegistryError):
        registry.set_status(digest("device", "b"), Status.ACTIVE, ACT)
    assert len(registry.acts(10)) == 3


def test_a_denial_stands_until_an_act_names_the_device(registry: Registry) -> None:
    one, two = digest("device", "a"), digest("device", "b")
    for name, device_id in (
        ("admit", one),
        ("deny", one),
        ("admit", None),
        ("deny", two),
        ("rename", two),
    ):
        registry.record(replace(ACT, name=name, device_id=device_id))
    assert registry.denied() == {one, two}
    registry.record(replace(ACT, name="approve", device_id=two))
    assert registry.denied() == {one}
    assert (registry.is_denied(one), registry.is_denied(two)) == (True, False)
    registry.record(replace(ACT, name="admit", device_id=one))
    assert registry.denied() == frozenset()


def test_what_was_spent_is_remembered(registry: Registry) -> None:
    assert registry.spent("enrolments") == (0, 0)
    registry.note_spent("enrolments", 20000, 3)
    registry.note_spent("gas", 20000, 1 << 40)
    registry.note_spent("enrolments", 20001, 1)
    assert registry.spent("enrolments") == (20001, 1)
    assert registry.spent("gas") == (20000, 1 << 40)
