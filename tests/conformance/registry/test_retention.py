"""Every backend drops old messages, and keeps all that proves what was committed."""

from __future__ import annotations

import time

import pytest

from countersign import merkle
from countersign_gateway.model import Batch
from countersign_gateway.registry.interface import (
    LedgerBinding,
    OutboxKind,
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


def filled(registry: Registry, count: int) -> None:
    registry.store([enrolment("a")])
    registry.store([evidence("a", counter) for counter in range(2, count + 1)])


def finalize(registry: Registry, sequence: int) -> None:
    row = append_row(registry, sequence)
    registry.store_signed(row, attempt(sequence))
    registry.mark_finalized(row, 7, attempt(sequence).transaction_hash)


def kept(registry: Registry) -> list[int]:
    return [one.position for one in registry.messages(0, registry.commitment_count())]


def test_without_a_ledger_the_oldest_go_first(registry: Registry) -> None:
    filled(registry, 10)
    assert registry.prune(3) == 3
    assert kept(registry) == list(range(3, 10))
    assert registry.prune(100) == 7
    assert registry.prune(100) == 0
    assert registry.commitment_count() == 10
    registry.store([evidence("a", 11)])
    assert kept(registry) == [10]


def test_only_what_is_old_enough_goes(registry: Registry) -> None:
    filled(registry, 5)
    now_s = time.time()
    assert registry.prune(100, before_s=now_s - 100) == 0
    assert len(kept(registry)) == 5
    (first, *_) = registry.messages(0, 5)
    assert now_s - 60 < first.recorded_s <= now_s
    assert registry.prune(100, before_s=now_s + 100) == 5


def test_what_has_no_receipt_yet_stays_however_old_it_is(registry: Registry) -> None:
    registry.bind_ledger(LedgerBinding(31337, bytes(20), b"\1" * 20, b"\2" * 20))
    filled(registry, 12)
    assert registry.prune(100) == 0, "no batch covers it"
    for _ in range(2):
        registry.create_batch(batch_after(registry, 4))
    assert registry.prune(100) == 0, "no batch is final"
    finalize(registry, 1)
    assert registry.prune(100) == 0, "its receipts were not handed out"
    registry.note_receipted(1)
    assert registry.prune(100) == 4
    assert kept(registry) == list(range(4, 12))
    finalize(registry, 2)
    registry.note_receipted(2)
    assert registry.prune(100) == 4
    assert kept(registry) == list(range(8, 12))


def test_every_commitment_stays_provable(registry: Registry) -> None:
    filled(registry, 9)
    leaves = registry.commitments(0, 9)
    batch = Batch(1, 0, 9, merkle.root(leaves), bytes(32), digest("head"))
    registry.create_batch(batch)
    assert registry.prune(100) == 9
    assert registry.commitments(0, 9) == leaves
    tree = merkle.Tree(registry.commitments(0, 9))
    assert tree.root == batch.root
    for index, leaf in enumerate(leaves):
        proof = tree.inclusion_proof(index)
        assert merkle.verify_inclusion(leaf, index, 9, proof, batch.root)
    assert registry.batch(1) == batch
    assert registry.outbox_row(OutboxKind.APPEND, (1).to_bytes(8, "big")) is not None


def test_a_replay_of_what_was_dropped_is_still_refused(registry: Registry) -> None:
    filled(registry, 5)
    registry.prune(100)
    known = registry.device(digest("device", "a"))
    assert known is not None and known.counter == 5
    assert not registry.seen(known.device_id, 3, b"any")
    with pytest.raises(RegistryError):
        registry.store([evidence("a", 3)])


def test_dropping_makes_the_record_smaller(registry: Registry) -> None:
    filled(registry, 2000)
    before = registry.sizes().used_bytes
    while registry.prune(500):
        pass
    assert registry.sizes().used_bytes < before
