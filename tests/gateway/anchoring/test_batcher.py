"""The batcher cuts batches, and a batch has receipts. These tests need no chain."""

from __future__ import annotations

import hashlib

import pytest

from countersign import merkle, messages
from countersign_gateway.anchoring.batcher import Batcher, following
from countersign_gateway.anchoring.fees import GWEI, FeePolicy, Fees, Offer
from countersign_gateway.anchoring.receipts import DamagedBatch, Receipts
from countersign_gateway.model import Anchored, Batch
from support.gateway.anchoring_site import Device
from support.gateway.memory_registry import MemoryRegistry


def filled(count: int) -> tuple[MemoryRegistry, Device]:
    registry, device = MemoryRegistry(), Device()
    if count:
        registry.store([device.enrols(), *(device.checks_in() for _ in range(count - 1))])
    return registry, device


def test_nothing_is_cut_from_nothing() -> None:
    registry, _ = filled(0)
    batcher = Batcher(registry, 4, 3.0)
    assert [batcher.step(now_s) for now_s in (0.0, 10.0, 20.0)] == [[], [], []]


def test_full_batches_are_cut_at_once_and_the_rest_by_age() -> None:
    registry, _ = filled(10)
    batcher = Batcher(registry, 4, 3.0)
    assert [batch.size for batch in batcher.step(100.0)] == [4, 4]
    assert batcher.step(102.9) == []
    (last,) = batcher.step(103.0)
    assert (last.sequence, last.first_position, last.size) == (3, 8, 2)
    assert batcher.step(200.0) == []


def test_ranges_are_contiguous_and_heads_chained_over_restarts() -> None:
    registry, device = filled(1)
    batches: list[Batch] = []
    for round_number in range(20):
        registry.store([device.checks_in() for _ in range(round_number % 6)])
        batcher = Batcher(registry, 4, 1.0)
        batches += batcher.step(0.0) + batcher.step(1.0)
        for batch in batches[-3:]:
            registry.mark_finalized(
                batch.sequence, 1, hashlib.sha256(b"%d" % batch.sequence).digest()
            )
    assert sum(batch.size for batch in batches) == registry.commitment_count()
    last = None
    for batch in batches:
        leaves = registry.commitments(batch.first_position, batch.size)
        assert batch == following(last, leaves)
        head = hashlib.sha256(
            batch.previous_head + batch.root + batch.size.to_bytes(4, "big")
        ).digest()
        assert (batch.root, batch.head) == (merkle.root(leaves), head)
        last = batch


def test_a_batch_has_a_size() -> None:
    with pytest.raises(ValueError, match="batch_max"):
        Batcher(MemoryRegistry(), 0, 1.0)


class NobodySigner:
    """A signer that makes invalid signatures."""

    gateway_id = bytes(32)

    def sign(self, digest: bytes) -> bytes:
        return digest * 2


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 33])
def test_every_receipt_proves_its_own_commitment(size: int) -> None:
    registry, device = filled(size)
    (batch,) = Batcher(registry, size, 1.0).step(0.0)
    anchored = Anchored(1, batch.root, size, 31337, bytes(20), 9, bytes(32))
    receipts = Receipts(registry, NobodySigner())
    replies = list(receipts.replies(batch, anchored))
    assert len(replies) == size
    for index, (reply, stored) in enumerate(zip(replies, registry.messages(0, size), strict=True)):
        fields = messages.open_message(reply.payload).fields
        assert reply.device_id == fields["device_id"] == device.device_id
        assert fields["subject"] == hashlib.sha256(stored.message).digest()
        assert fields["result_digest"] == hashlib.sha256(stored.result).digest()
        assert merkle.verify_inclusion(
            stored.commitment, index, size, fields["inclusion_proof"], batch.root
        )


def test_a_damaged_record_gives_no_receipts() -> None:
    registry, _ = filled(3)
    (batch,) = Batcher(registry, 3, 1.0).step(0.0)
    changed = Batch(1, 0, 3, bytes(32), batch.previous_head, batch.head)
    anchored = Anchored(1, bytes(32), 3, 31337, bytes(20), 9, bytes(32))
    receipts = Receipts(registry, NobodySigner())
    with pytest.raises(DamagedBatch):
        next(receipts.replies(changed, anchored))


def test_fees_grow_by_more_than_a_tenth_up_to_the_cap() -> None:
    cap = 100 * GWEI
    fees = Fees(FeePolicy(priority_fee=GWEI, cap=cap))
    offer = fees.offer(7 * GWEI)
    assert offer == Offer(15 * GWEI, GWEI, legacy=False)
    raises = 0
    while (raised := fees.raised((offer.max_fee, offer.priority_fee), 7 * GWEI)) is not None:
        assert raised.max_fee * 10 > offer.max_fee * 11
        assert raised.priority_fee * 10 > offer.priority_fee * 11
        assert raised.priority_fee <= raised.max_fee <= cap
        offer, raises = raised, raises + 1
    assert raises == 16


def test_fees_follow_the_base_fee_when_they_are_raised() -> None:
    fees = Fees(FeePolicy(priority_fee=GWEI, cap=500 * GWEI))
    raised = fees.raised((3 * GWEI, GWEI), 50 * GWEI)
    assert raised == Offer(101 * GWEI, GWEI + GWEI // 8 + 1, legacy=False)


def test_a_chain_without_a_base_fee_gets_one_price() -> None:
    assert Fees(FeePolicy()).offer(None) == Offer(GWEI, GWEI, legacy=True)
    assert Fees(FeePolicy(transactions="dynamic")).offer(None) == Offer(GWEI, GWEI, legacy=False)
    old = Fees(FeePolicy(transactions="legacy"))
    assert old.offer(5 * GWEI) == Offer(11 * GWEI, 11 * GWEI, legacy=True)
    raised = old.raised((11 * GWEI, 11 * GWEI), 5 * GWEI)
    assert raised is not None and raised.max_fee == raised.priority_fee > 12 * GWEI


def test_a_chain_without_fees_is_offered_none() -> None:
    free = Fees(FeePolicy(priority_fee=0))
    assert free.offer(0) == Offer(0, 0, legacy=False)
    assert free.offer(None) == Offer(0, 0, legacy=True)


def test_a_tip_below_the_floor_is_learnt_up_to_the_cap() -> None:
    fees = Fees(FeePolicy(priority_fee=0, cap=100 * GWEI))
    fees.learn(0, 25 * GWEI)
    assert fees.offer(7) == Offer(25 * GWEI + 14, 25 * GWEI, legacy=False)
    fees.learn(25 * GWEI, None)
    assert fees.offer(7).priority_fee == 50 * GWEI
    fees.learn(0, 10**24)
    assert fees.offer(7) == Offer(100 * GWEI, 100 * GWEI, legacy=False)
    unnamed = Fees(FeePolicy(priority_fee=0))
    unnamed.learn(0, None)
    assert unnamed.offer(0).priority_fee > 0
