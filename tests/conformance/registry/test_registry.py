"""Every backend keeps the registry's contract (registry/interface) for devices and decisions."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace

import pytest

from countersign_gateway.model import Enrolment, Status
from countersign_gateway.registry.interface import (
    LedgerBinding,
    Registry,
    RegistryError,
    RegistryUnusable,
)
from support.gateway.some_records import device_record, digest, enrolment, evidence


def test_an_empty_record(registry: Registry) -> None:
    assert registry.device(bytes(32)) is None
    assert list(registry.devices()) == []
    assert registry.commitment_count() == 0
    assert registry.last_batch() is None
    assert registry.last_upstream_s() is None
    assert registry.next_nonce() is None
    registry.store([])
    assert registry.counts().commitments == 0


def test_an_enrolment_makes_the_device_known(registry: Registry) -> None:
    registry.store([enrolment("a", 7)])
    assert registry.device(digest("device", "a")) == device_record("a", 7)
    assert list(registry.devices()) == [device_record("a", 7)]


def test_evidence_moves_counter_and_status(registry: Registry) -> None:
    registry.store([enrolment("a"), evidence("a", 2, Status.ACTIVE), evidence("a", 9)])
    expected = replace(device_record("a"), counter=9, status=Status.ACTIVE)
    assert registry.device(digest("device", "a")) == expected
    assert list(registry.devices()) == [expected]


def test_positions_follow_the_order_of_decisions(registry: Registry) -> None:
    decisions = [enrolment("a"), enrolment("b"), evidence("a", 2)]
    registry.store(decisions)
    registry.store([evidence("b", 2)])
    decisions.append(evidence("b", 2))
    assert registry.commitment_count() == 4
    assert registry.commitments(0, 4) == [decision.commitment for decision in decisions]
    stored = list(registry.messages(1, 3))
    assert [message.position for message in stored] == [1, 2, 3]
    for message, decision in zip(stored, decisions[1:], strict=True):
        assert (message.device_id, message.counter) == (decision.device_id, decision.counter)
        assert (message.message, message.result) == (decision.message, decision.result)
        assert message.commitment == decision.commitment


def test_messages_are_read_in_slices_without_loss(registry: Registry) -> None:
    registry.store([enrolment("a"), *(evidence("a", counter) for counter in range(2, 1203))])
    stored = list(registry.messages(100, 1102))
    assert [message.position for message in stored] == list(range(100, 1202))


def test_commitments_that_are_not_there_are_an_error(registry: Registry) -> None:
    registry.store([enrolment("a")])
    with pytest.raises(RegistryError):
        registry.commitments(0, 2)


@pytest.mark.parametrize("counter", [0, 3, 4])
def test_a_counter_that_does_not_grow_stores_nothing(registry: Registry, counter: int) -> None:
    registry.store([enrolment("a"), evidence("a", 4)])
    with pytest.raises(RegistryError):
        registry.store([evidence("a", 5), enrolment("b"), evidence("a", counter)])
    assert registry.commitment_count() == 2
    assert registry.device(digest("device", "b")) is None
    known = registry.device(digest("device", "a"))
    assert known is not None and known.counter == 4
    registry.store([evidence("a", 5)])
    assert registry.commitment_count() == 3


def test_a_counter_is_not_used_twice_in_one_call(registry: Registry) -> None:
    registry.store([enrolment("a")])
    with pytest.raises(RegistryError):
        registry.store([evidence("a", 2), evidence("a", 2)])
    assert registry.commitment_count() == 1


def test_a_stranger_is_not_recorded(registry: Registry) -> None:
    with pytest.raises(RegistryError):
        registry.store([evidence("a", 1)])
    assert registry.commitment_count() == 0


def test_a_commitment_of_another_length_is_an_error(registry: Registry) -> None:
    with pytest.raises(RegistryError):
        registry.store([replace(enrolment("a"), commitment=b"short")])
    assert registry.device(digest("device", "a")) is None


def test_enrolling_again_keeps_the_binding_and_the_status(registry: Registry) -> None:
    registry.store([enrolment("a"), evidence("a", 2, Status.SUSPENDED)])
    again = replace(device_record("a", 3), owner=bytes([1]) * 20, device_class=2, environment=1)
    decision = replace(evidence("a", 3), enrolment=Enrolment(again, None))
    registry.store([decision])
    known = replace(device_record("a", 3), status=Status.SUSPENDED)
    assert registry.device(digest("device", "a")) == known
    assert list(registry.devices()) == [known]


@pytest.mark.parametrize("field", ["public_key", "next_key_digest", "post_quantum_digest"])
def test_enrolling_again_with_another_key_is_an_error(registry: Registry, field: str) -> None:
    registry.store([enrolment("a")])
    again = replace(device_record("a", 2), **{field: digest("other")})
    with pytest.raises(RegistryError):
        registry.store([replace(evidence("a", 2), enrolment=Enrolment(again, None))])
    assert registry.device(digest("device", "a")) == device_record("a")


def test_an_enrolment_must_be_of_its_decision(registry: Registry) -> None:
    with pytest.raises(RegistryError):
        registry.store([replace(evidence("a", 2), enrolment=Enrolment(device_record("b"), None))])
    with pytest.raises(RegistryError):
        registry.store(
            [replace(evidence("a", 2), enrolment=Enrolment(device_record("a", 3), None))]
        )


def test_seen_knows_a_replay_from_a_reused_counter(registry: Registry) -> None:
    registry.store([enrolment("a"), evidence("a", 2), evidence("a", 5)])
    device_id = digest("device", "a")
    accepted = hashlib.sha256(evidence("a", 2).message).digest()
    assert registry.seen(device_id, 2, accepted)
    assert not registry.seen(device_id, 2, digest("other"))
    assert not registry.seen(device_id, 3, accepted)
    assert not registry.seen(digest("device", "b"), 2, accepted)


def test_status_is_set_and_revoked_is_final(registry: Registry) -> None:
    registry.store([enrolment("a")])
    device_id = digest("device", "a")
    for status in (Status.ACTIVE, Status.QUARANTINED, Status.REVOKED, Status.REVOKED):
        registry.set_status(device_id, status)
        known = registry.device(device_id)
        assert known is not None and known.status is status
    with pytest.raises(RegistryError):
        registry.set_status(device_id, Status.ACTIVE)
    with pytest.raises(RegistryError):
        registry.store([evidence("a", 2, Status.ACTIVE)])
    assert registry.commitment_count() == 1
    with pytest.raises(RegistryError):
        registry.set_status(digest("device", "b"), Status.ACTIVE)


def test_upstream_contact(registry: Registry) -> None:
    registry.note_upstream(1_700_000_000.5)
    assert registry.last_upstream_s() == 1_700_000_000.5
    registry.note_upstream(1_700_000_001)
    assert registry.last_upstream_s() == 1_700_000_001


def test_readers_see_whole_calls_only(registry: Registry) -> None:
    """A concurrent reader never sees half of a `store`, nor a counter that decreases."""
    registry.store([enrolment("a")])
    stop = threading.Event()
    faults: list[str] = []

    def read() -> None:
        last = 0
        while not stop.is_set():
            known = registry.device(digest("device", "a"))
            counter = 0 if known is None else known.counter
            if counter < last or (counter - 1) % 10:
                faults.append(f"counter {counter} after {last}")
            last = counter

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        for first in range(2, 402, 10):
            registry.store([evidence("a", counter) for counter in range(first, first + 10)])
    finally:
        stop.set()
        reader.join()
    assert not faults, faults[0]


def test_the_ledger_never_changes_under_a_record(registry: Registry) -> None:
    binding = LedgerBinding(31337, bytes(20), b"\1" * 20, b"\2" * 20)
    registry.bind_ledger(binding)
    registry.bind_ledger(binding)
    with pytest.raises(RegistryUnusable):
        registry.bind_ledger(replace(binding, commitment_log=b"\3" * 20))
