"""Every backend keeps the registry's contract for batches and for the outbox."""

from __future__ import annotations

from dataclasses import replace

import pytest

from countersign_gateway.registry.interface import (
    LedgerBinding,
    OutboxKind,
    OutboxState,
    Registry,
    RegistryError,
)
from support.gateway.some_records import (
    append_row,
    attempt,
    batch_after,
    digest,
    enrolment,
    evidence,
)


def test_batches_follow_each_other(registry: Registry) -> None:
    registry.store([enrolment("a"), *(evidence("a", counter) for counter in range(2, 6))])
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
    registry.store([enrolment("a"), *(evidence("a", counter) for counter in range(2, 6))])
    registry.create_batch(batch_after(registry, 2))
    with pytest.raises(RegistryError):
        registry.create_batch(replace(batch_after(registry, 2), **wrong))
    assert registry.counts().batches == 1
    assert len(registry.outbox([OutboxState.PENDING], 10)) == 1


def test_a_registration_is_wanted_once(registry: Registry) -> None:
    registry.store([enrolment("a", 1, b"\1" * 64), enrolment("b")])
    device_id = digest("device", "a")
    (row,) = registry.outbox([OutboxState.PENDING], 10)
    assert (row.kind, row.subject, row.tries) == (OutboxKind.REGISTER, device_id, 0)
    registration = registry.signed_registration(device_id)
    assert registration is not None and registration.signature == b"\1" * 64
    assert registration.device.device_id == device_id
    assert registry.signed_registration(digest("device", "b")) is None

    registry.store([enrolment("a", 2, b"\2" * 64)])
    assert len(registry.outbox([OutboxState.PENDING], 10)) == 1
    registration = registry.signed_registration(device_id)
    assert registration is not None and registration.signature == b"\1" * 64

    registry.mark_failed(row.row_id, "reverted")
    assert registry.counts().outbox_failed == 1
    registry.store([enrolment("a", 3, b"\3" * 64)])
    (row,) = registry.outbox([OutboxState.PENDING], 10)
    assert row.kind is OutboxKind.REGISTER
    registration = registry.signed_registration(device_id)
    assert registration is not None and registration.signature == b"\3" * 64


def test_a_row_goes_through_its_states(registry: Registry) -> None:
    registry.store([enrolment("a"), evidence("a", 2)])
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
    registry.store([enrolment("a"), evidence("a", 2)])
    registry.create_batch(batch_after(registry, 1))
    registry.create_batch(batch_after(registry, 1))
    first, second = append_row(registry, 1), append_row(registry, 2)
    registry.store_signed(first, attempt(0))
    with pytest.raises(RegistryError):
        registry.store_signed(second, attempt(0, "other"))
    registry.mark_pending(first, "used up elsewhere")
    row = registry.outbox_row(OutboxKind.APPEND, (1).to_bytes(8, "big"))
    assert row is not None and (row.nonce, row.detail) == (None, "used up elsewhere")
    # The old transaction may still be mined, so its nonce stays taken.
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
    registry.store([enrolment("a")])
    registry.create_batch(batch_after(registry, 1))
    registry.store_signed(append_row(registry, 1), attempt(0))
    with pytest.raises(RegistryError):
        registry.store_signed(append_row(registry, 1), attempt(0))


def test_outbox_is_oldest_first_and_limited(registry: Registry) -> None:
    registry.store([enrolment(name, 1, b"\1" * 64) for name in range(5)])
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


def test_a_record_goes_on_under_another_account(registry: Registry) -> None:
    registry.store([enrolment("a", signature=bytes(64)), *(evidence("a", n) for n in range(2, 6))])
    with pytest.raises(RegistryError):
        registry.hand_over(bytes(20), 0)
    binding = LedgerBinding(1, b"\1" * 20, b"\2" * 20, b"\3" * 20)
    registry.bind_ledger(binding)
    assert registry.bound_ledger() == binding
    registry.create_batch(batch_after(registry, 2))
    registry.create_batch(batch_after(registry, 3))
    device, first, second = sorted(
        registry.outbox([OutboxState.PENDING], 10), key=lambda row: row.row_id
    )
    for nonce, row in enumerate((device, first, second)):
        registry.store_signed(row.row_id, attempt(nonce))
        registry.mark_sent(row.row_id)
    registry.mark_finalized(first.row_id, 7, digest("block"))
    with pytest.raises(RegistryError):
        registry.hand_over(b"\4" * 20, 0)
    registry.hand_over(b"\4" * 20, 1)
    assert registry.bound_ledger() == replace(binding, account=b"\4" * 20)
    assert registry.outbox([OutboxState.FINALIZED], 10) == [
        replace(
            first,
            state=OutboxState.FINALIZED,
            nonce=None,
            tries=1,
            block_number=7,
            transaction_hash=digest("block"),
        )
    ]
    pending = registry.outbox([OutboxState.PENDING], 10)
    assert [(row.row_id, row.nonce, row.tries) for row in pending] == [
        (device.row_id, None, 0),
        (second.row_id, None, 0),
    ]
    assert registry.attempts_from_nonce(0) == [] and (registry.next_nonce() or 0) <= 0
    assert len(registry.attempts(second.row_id)) == 1, "kept all the same"
    registry.store_signed(second.row_id, attempt(0, "again"))
    registry.hand_over(b"\5" * 20, 1)
    registry.store_signed(second.row_id, attempt(0, "once more"))
