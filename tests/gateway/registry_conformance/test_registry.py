"""What every backend of the registry promises (registry/interface.py), asked of each."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace

import pytest

from countersign_gateway.records import BatchRecord, Decision, DeviceRecord, Enrolment, Status
from countersign_gateway.registry.interface import (
    Attempt,
    LedgerBinding,
    OutboxKind,
    OutboxState,
    Registry,
    RegistryError,
    RegistryUnusable,
)


def digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def device_record(name: object, counter: int = 1) -> DeviceRecord:
    return DeviceRecord(
        device_id=digest("device", name),
        suite=1,
        public_key=digest("key", name),
        post_quantum_digest=bytes(32),
        next_key_digest=digest("next", name),
        owner=bytes(20),
        device_class=1,
        environment=2,
        status=Status.ENROLLED,
        counter=counter,
    )


def enrolment(name: object, counter: int = 1, signature: bytes | None = None) -> Decision:
    record = device_record(name, counter)
    return replace(
        evidence(name, counter), enrolment=Enrolment(record, signature), status=Status.ENROLLED
    )


def evidence(name: object, counter: int, status: Status | None = None) -> Decision:
    return Decision(
        device_id=digest("device", name),
        counter=counter,
        message=b"message %s %d" % (repr(name).encode(), counter),
        result=b"result %s %d" % (repr(name).encode(), counter),
        commitment=digest("commitment", name, counter),
        status=status,
    )


def batch_after(registry: Registry, size: int) -> BatchRecord:
    last = registry.last_batch()
    sequence = 1 if last is None else last.sequence + 1
    return BatchRecord(
        sequence=sequence,
        first_position=0 if last is None else last.first_position + last.size,
        size=size,
        root=digest("root", sequence),
        previous_head=bytes(32) if last is None else last.head,
        head=digest("head", sequence),
    )


def attempt(nonce: int, salt: object = 0) -> Attempt:
    return Attempt(digest("tx", nonce, salt), b"raw", nonce, 100, 10)


def append_row(registry: Registry, sequence: int) -> int:
    row = registry.outbox_row(OutboxKind.APPEND, sequence.to_bytes(8, "big"))
    assert row is not None
    return row.row_id


# --- devices and decisions ---------------------------------------------------------------


def test_an_empty_record(registry: Registry) -> None:
    assert registry.device(bytes(32)) is None
    assert list(registry.devices()) == []
    assert registry.commitment_count() == 0
    assert registry.last_batch() is None
    assert registry.last_upstream_s() is None
    assert registry.next_nonce() is None
    registry.record([])
    assert registry.counts().commitments == 0


def test_an_enrolment_makes_the_device_known(registry: Registry) -> None:
    registry.record([enrolment("a", 7)])
    assert registry.device(digest("device", "a")) == device_record("a", 7)
    assert list(registry.devices()) == [device_record("a", 7)]


def test_evidence_moves_counter_and_status(registry: Registry) -> None:
    registry.record([enrolment("a"), evidence("a", 2, Status.ACTIVE), evidence("a", 9)])
    expected = replace(device_record("a"), counter=9, status=Status.ACTIVE)
    assert registry.device(digest("device", "a")) == expected
    assert list(registry.devices()) == [expected]


def test_positions_follow_the_order_of_decisions(registry: Registry) -> None:
    decisions = [enrolment("a"), enrolment("b"), evidence("a", 2)]
    registry.record(decisions)
    registry.record([evidence("b", 2)])
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
    registry.record([enrolment("a"), *(evidence("a", counter) for counter in range(2, 1203))])
    stored = list(registry.messages(100, 1102))
    assert [message.position for message in stored] == list(range(100, 1202))


def test_commitments_that_are_not_there_are_an_error(registry: Registry) -> None:
    registry.record([enrolment("a")])
    with pytest.raises(RegistryError):
        registry.commitments(0, 2)


@pytest.mark.parametrize("counter", [0, 3, 4])
def test_a_counter_that_does_not_grow_stores_nothing(registry: Registry, counter: int) -> None:
    registry.record([enrolment("a"), evidence("a", 4)])
    with pytest.raises(RegistryError):
        registry.record([evidence("a", 5), enrolment("b"), evidence("a", counter)])
    assert registry.commitment_count() == 2
    assert registry.device(digest("device", "b")) is None
    known = registry.device(digest("device", "a"))
    assert known is not None and known.counter == 4
    registry.record([evidence("a", 5)])
    assert registry.commitment_count() == 3


def test_a_counter_is_not_used_twice_in_one_call(registry: Registry) -> None:
    registry.record([enrolment("a")])
    with pytest.raises(RegistryError):
        registry.record([evidence("a", 2), evidence("a", 2)])
    assert registry.commitment_count() == 1


def test_a_stranger_is_not_recorded(registry: Registry) -> None:
    with pytest.raises(RegistryError):
        registry.record([evidence("a", 1)])
    assert registry.commitment_count() == 0


def test_a_commitment_of_another_length_is_an_error(registry: Registry) -> None:
    with pytest.raises(RegistryError):
        registry.record([replace(enrolment("a"), commitment=b"short")])
    assert registry.device(digest("device", "a")) is None


def test_enrolling_again_keeps_the_binding_and_the_status(registry: Registry) -> None:
    registry.record([enrolment("a"), evidence("a", 2, Status.SUSPENDED)])
    again = replace(device_record("a", 3), owner=bytes([1]) * 20, device_class=2, environment=1)
    decision = replace(evidence("a", 3), enrolment=Enrolment(again, None))
    registry.record([decision])
    known = replace(device_record("a", 3), status=Status.SUSPENDED)
    assert registry.device(digest("device", "a")) == known
    assert list(registry.devices()) == [known]


@pytest.mark.parametrize("field", ["public_key", "next_key_digest", "post_quantum_digest"])
def test_enrolling_again_with_another_key_is_an_error(registry: Registry, field: str) -> None:
    registry.record([enrolment("a")])
    again = replace(device_record("a", 2), **{field: digest("other")})
    with pytest.raises(RegistryError):
        registry.record([replace(evidence("a", 2), enrolment=Enrolment(again, None))])
    assert registry.device(digest("device", "a")) == device_record("a")


def test_an_enrolment_must_be_of_its_decision(registry: Registry) -> None:
    with pytest.raises(RegistryError):
        registry.record([replace(evidence("a", 2), enrolment=Enrolment(device_record("b"), None))])
    with pytest.raises(RegistryError):
        registry.record(
            [replace(evidence("a", 2), enrolment=Enrolment(device_record("a", 3), None))]
        )


def test_seen_knows_a_replay_from_a_reused_counter(registry: Registry) -> None:
    registry.record([enrolment("a"), evidence("a", 2), evidence("a", 5)])
    device_id = digest("device", "a")
    accepted = hashlib.sha256(evidence("a", 2).message).digest()
    assert registry.seen(device_id, 2, accepted)
    assert not registry.seen(device_id, 2, digest("other"))
    assert not registry.seen(device_id, 3, accepted)
    assert not registry.seen(digest("device", "b"), 2, accepted)


def test_status_is_set_and_revoked_is_final(registry: Registry) -> None:
    registry.record([enrolment("a")])
    device_id = digest("device", "a")
    for status in (Status.ACTIVE, Status.QUARANTINED, Status.REVOKED, Status.REVOKED):
        registry.set_status(device_id, status)
        known = registry.device(device_id)
        assert known is not None and known.status is status
    with pytest.raises(RegistryError):
        registry.set_status(device_id, Status.ACTIVE)
    with pytest.raises(RegistryError):
        registry.record([evidence("a", 2, Status.ACTIVE)])
    assert registry.commitment_count() == 1
    with pytest.raises(RegistryError):
        registry.set_status(digest("device", "b"), Status.ACTIVE)


def test_upstream_contact(registry: Registry) -> None:
    registry.note_upstream(1_700_000_000.5)
    assert registry.last_upstream_s() == 1_700_000_000.5
    registry.note_upstream(1_700_000_001)
    assert registry.last_upstream_s() == 1_700_000_001


def test_readers_see_whole_calls_only(registry: Registry) -> None:
    """A reader beside the writer never sees half of a record(), nor a device going back."""
    registry.record([enrolment("a")])
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

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for first in range(2, 402, 10):
            registry.record([evidence("a", counter) for counter in range(first, first + 10)])
    finally:
        stop.set()
        reader.join()
    assert not faults, faults[0]


# --- batches -----------------------------------------------------------------------------


def test_batches_follow_each_other(registry: Registry) -> None:
    registry.record([enrolment("a"), *(evidence("a", counter) for counter in range(2, 6))])
    first = batch_after(registry, 2)
    registry.create_batch(first)
    second = batch_after(registry, 3)
    registry.create_batch(second)
    assert registry.last_batch() == second
    assert (registry.batch(1), registry.batch(2), registry.batch(3)) == (first, second, None)
    rows = registry.outbox([OutboxState.PENDING], 10)
    assert [(row.kind, row.sequence) for row in rows] == [
        (OutboxKind.APPEND, 1),
        (OutboxKind.APPEND, 2),
    ]
    counts = registry.counts()
    assert (counts.batched, counts.batches, counts.anchored) == (5, 2, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sequence": 1},
        {"sequence": 3},
        {"first_position": 1},
        {"first_position": 3},
        {"previous_head": bytes(32)},
        {"size": 0},
        {"size": 9},
    ],
)
def test_a_batch_that_does_not_follow_is_an_error(
    registry: Registry, wrong: dict[str, object]
) -> None:
    registry.record([enrolment("a"), *(evidence("a", counter) for counter in range(2, 6))])
    registry.create_batch(batch_after(registry, 2))
    with pytest.raises(RegistryError):
        registry.create_batch(replace(batch_after(registry, 2), **wrong))
    assert registry.counts().batches == 1
    assert len(registry.outbox([OutboxState.PENDING], 10)) == 1


# --- outbox ------------------------------------------------------------------------------


def test_a_registration_is_wanted_once(registry: Registry) -> None:
    registry.record([enrolment("a", 1, b"\1" * 64), enrolment("b")])
    device_id = digest("device", "a")
    (row,) = registry.outbox([OutboxState.PENDING], 10)
    assert (row.kind, row.subject, row.tries) == (OutboxKind.REGISTER, device_id, 0)
    registration = registry.registration(device_id)
    assert registration is not None and registration.signature == b"\1" * 64
    assert registration.record.device_id == device_id
    assert registry.registration(digest("device", "b")) is None

    registry.record([enrolment("a", 2, b"\2" * 64)])
    assert len(registry.outbox([OutboxState.PENDING], 10)) == 1
    registration = registry.registration(device_id)
    assert registration is not None and registration.signature == b"\1" * 64

    registry.mark_failed(row.row_id, "reverted")
    assert registry.counts().outbox_failed == 1
    registry.record([enrolment("a", 3, b"\3" * 64)])
    (row,) = registry.outbox([OutboxState.PENDING], 10)
    assert row.kind is OutboxKind.REGISTER
    registration = registry.registration(device_id)
    assert registration is not None and registration.signature == b"\3" * 64


def test_a_row_goes_through_its_states(registry: Registry) -> None:
    registry.record([enrolment("a"), evidence("a", 2)])
    registry.create_batch(batch_after(registry, 2))
    row_id = append_row(registry, 1)

    def state() -> OutboxState:
        row = registry.outbox_row(OutboxKind.APPEND, (1).to_bytes(8, "big"))
        assert row is not None
        return row.state

    assert state() is OutboxState.PENDING
    registry.store_signed(row_id, attempt(5))
    assert state() is OutboxState.SIGNED and registry.next_nonce() == 6
    registry.mark_sent(row_id)
    assert state() is OutboxState.SENT
    registry.store_signed(row_id, attempt(5, "more fees"))
    assert state() is OutboxState.SIGNED
    assert registry.attempts(row_id) == [attempt(5), attempt(5, "more fees")]
    registry.mark_included(row_id, 9, digest("tx", 5, 0))
    assert state() is OutboxState.INCLUDED
    registry.mark_sent(row_id)
    row = registry.outbox_row(OutboxKind.APPEND, (1).to_bytes(8, "big"))
    assert row is not None and (row.block_number, row.transaction_hash) == (None, None)
    assert registry.unreceipted() == []
    registry.mark_finalized(row_id, 10, digest("tx", 5, 0))
    row = registry.outbox_row(OutboxKind.APPEND, (1).to_bytes(8, "big"))
    assert row is not None
    assert (row.state, row.nonce, row.tries) == (OutboxState.FINALIZED, 5, 1)
    assert (row.block_number, row.transaction_hash) == (10, digest("tx", 5, 0))
    assert registry.counts().anchored == 2
    assert registry.unreceipted() == [1]
    registry.note_receipted(1)
    assert registry.unreceipted() == []
    with pytest.raises(RegistryError):
        registry.store_signed(row_id, attempt(6))


def test_a_nonce_serves_one_row(registry: Registry) -> None:
    registry.record([enrolment("a"), evidence("a", 2)])
    registry.create_batch(batch_after(registry, 1))
    registry.create_batch(batch_after(registry, 1))
    first, second = append_row(registry, 1), append_row(registry, 2)
    registry.store_signed(first, attempt(0))
    with pytest.raises(RegistryError):
        registry.store_signed(second, attempt(0, "other"))
    registry.mark_pending(first, "used up elsewhere")
    row = registry.outbox_row(OutboxKind.APPEND, (1).to_bytes(8, "big"))
    assert row is not None and (row.nonce, row.detail) == (None, "used up elsewhere")
    # The old transaction may still be out there: its nonce stays taken.
    with pytest.raises(RegistryError):
        registry.store_signed(second, attempt(0, "other"))
    registry.store_signed(second, attempt(1))
    registry.store_signed(first, attempt(2))
    assert [row.row_id for row in registry.outbox_from_nonce(1)] == [second, first]
    assert [found.nonce for found in registry.attempts_from_nonce(0)] == [0, 1, 2]
    assert registry.attempts(first) == [attempt(0), attempt(2)]
    row = registry.outbox_row(OutboxKind.APPEND, (1).to_bytes(8, "big"))
    assert row is not None and row.tries == 2


def test_the_same_transaction_is_not_stored_twice(registry: Registry) -> None:
    registry.record([enrolment("a")])
    registry.create_batch(batch_after(registry, 1))
    registry.store_signed(append_row(registry, 1), attempt(0))
    with pytest.raises(RegistryError):
        registry.store_signed(append_row(registry, 1), attempt(0))


def test_outbox_is_oldest_first_and_limited(registry: Registry) -> None:
    registry.record([enrolment(name, 1, b"\1" * 64) for name in range(5)])
    rows = registry.outbox([OutboxState.PENDING], 3)
    assert [row.subject for row in rows] == [digest("device", name) for name in range(3)]
    registry.store_signed(rows[1].row_id, attempt(0))
    both = registry.outbox([OutboxState.SIGNED, OutboxState.PENDING], 3)
    assert [row.row_id for row in both] == [row.row_id for row in rows]


def test_unknown_rows_and_batches_are_errors(registry: Registry) -> None:
    with pytest.raises(RegistryError):
        registry.mark_sent(1)
    with pytest.raises(RegistryError):
        registry.store_signed(1, attempt(0))
    with pytest.raises(RegistryError):
        registry.note_receipted(1)
    assert registry.outbox_row(OutboxKind.APPEND, (1).to_bytes(8, "big")) is None


def test_the_ledger_never_changes_under_a_record(registry: Registry) -> None:
    binding = LedgerBinding(31337, bytes(20), b"\1" * 20, b"\2" * 20)
    registry.bind_ledger(binding)
    registry.bind_ledger(binding)
    with pytest.raises(RegistryUnusable):
        registry.bind_ledger(replace(binding, commitment_log=b"\3" * 20))
