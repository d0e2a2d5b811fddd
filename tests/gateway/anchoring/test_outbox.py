"""The outbox on a real chain: ordinary operation, and each fault."""

from __future__ import annotations

import itertools
import secrets

import pytest
from eth_account import Account

from countersign import merkle, messages
from countersign_gateway.anchoring.batcher import following
from countersign_gateway.anchoring.fees import GWEI, FeePolicy
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.registry.interface import OutboxState
from support.gateway.anchoring_site import Device, Site
from support.gateway.local_chain import LocalChain
from support.gateway.memory_registry import MemoryRegistry

pytestmark = pytest.mark.chain


def feed(site: Site, count: int = 4) -> Device:
    """Store `count` commitments of one new device. The site's batch_max is 4."""
    device = Device()
    site.registry.store([device.enrols(), *(device.checks_in() for _ in range(count - 1))])
    return device


def test_a_batch_goes_all_the_way(site: Site, chain: LocalChain) -> None:
    device = feed(site)
    assert site.tick()
    assert site.append(1).state is OutboxState.SENT
    assert len(site.registry.attempts(site.append(1).row_id)) == 1
    assert site.tick()
    assert site.append(1).state is OutboxState.INCLUDED
    assert site.anchored == []
    chain.finalize()
    assert site.tick()
    assert site.append(1).state is OutboxState.FINALIZED
    assert site.contacts == 3
    site.check_history()

    (anchored,) = site.anchored
    batch = site.registry.batch(1)
    assert batch is not None
    assert (anchored.sequence, anchored.root, anchored.size) == (1, batch.root, 4)
    assert len(site.replies) == 4
    for index, reply in enumerate(site.replies):
        assert (reply.device_id, reply.kind) == (device.device_id, "receipt")
        fields = messages.open_message(reply.payload).fields
        assert (fields["leaf_index"], fields["tree_size"]) == (index, 4)
        assert fields["transaction_hash"] == anchored.transaction_hash
        (commitment,) = site.registry.commitments(index, 1)
        assert merkle.verify_inclusion(
            commitment, index, 4, fields["inclusion_proof"], fields["batch_root"]
        )
    site.tick()
    assert len(site.replies) == 4


def test_a_backlog_is_anchored_in_order(site: Site) -> None:
    feed(site, 100)
    site.settle()
    assert site.registry.counts().anchored == 100
    assert [anchored.sequence for anchored in site.anchored] == list(range(1, 26))
    site.check_history()


def test_the_wrong_chain_is_no_contact(chain: LocalChain) -> None:
    nowhere = Site(chain)
    nowhere.ledger._codec.commitment_log = secrets.token_bytes(20)
    feed(nowhere)
    assert not nowhere.tick()
    assert nowhere.contacts == 0
    assert "there is no CommitmentLog" in nowhere.events("upstream_down")[0]["cause"]


def test_a_reorganisation_is_sent_again(site: Site, chain: LocalChain) -> None:
    feed(site)
    site.tick()
    site.tick()
    assert site.append(1).state is OutboxState.INCLUDED
    chain.automine(False)
    chain.reorg(1)
    assert chain.batches(site.key.address) == []
    site.tick()
    assert site.append(1).state is OutboxState.SENT
    assert site.events("ledger_went_back")
    chain.mine()
    site.settle()
    assert site.append(1).tries == 1, "the same bytes, not another transaction"
    site.check_history()


def test_a_reorganisation_that_moves_it_needs_nothing(site: Site, chain: LocalChain) -> None:
    feed(site)
    site.tick()
    site.tick()
    first_block = site.append(1).block_number
    chain.automine(False)
    chain.reorg(1)
    attempt = site.registry.attempts(site.append(1).row_id)[0]
    site.ledger.send(attempt.raw)
    chain.mine(3)
    chain.automine(True)
    site.settle()
    assert site.append(1).block_number != first_block
    site.check_history()


def test_fees_are_raised_and_both_transactions_kept(site: Site, chain: LocalChain) -> None:
    chain.automine(False)
    feed(site)
    site.tick()
    row = site.append(1)
    for _ in range(3):
        site.tick(61.0)
    attempts = site.registry.attempts(row.row_id)
    assert len(attempts) == 4 and len({found.transaction_hash for found in attempts}) == 4
    assert {found.nonce for found in attempts} == {row.nonce}
    for before, after in itertools.pairwise(attempts):
        assert after.max_fee * 10 >= before.max_fee * 11
        assert after.priority_fee * 10 >= before.priority_fee * 11
    chain.mine()
    site.settle()
    assert site.append(1).transaction_hash == attempts[-1].transaction_hash
    site.check_history()


def test_an_earlier_offer_that_is_mined_after_all(site: Site, chain: LocalChain) -> None:
    chain.automine(False)
    feed(site)
    site.tick()
    site.tick(61.0)
    first, second = site.registry.attempts(site.append(1).row_id)
    chain.rpc("anvil_dropTransaction", "0x" + second.transaction_hash.hex())
    site.ledger.send(first.raw)
    chain.mine()
    site.settle()
    assert site.append(1).transaction_hash == first.transaction_hash
    site.check_history()


def test_the_fee_cap_is_kept(chain: LocalChain) -> None:
    chain.automine(False)
    site = Site(chain, fees=FeePolicy(priority_fee=GWEI, cap=4 * GWEI))
    chain.fund(site.key.address)
    feed(site)
    for _ in range(20):
        site.tick(61.0)
    attempts = site.registry.attempts(site.append(1).row_id)
    assert all(found.max_fee <= 4 * GWEI for found in attempts)
    assert site.outbox.problem is not None and "fee cap" in site.outbox.problem
    chain.mine()
    site.settle()
    assert site.outbox.problem is None


def test_sending_twice_is_a_success(site: Site, chain: LocalChain) -> None:
    chain.automine(False)
    feed(site)
    site.tick()
    attempt = site.registry.attempts(site.append(1).row_id)[0]
    site.ledger.send(attempt.raw)
    site.ledger.send(attempt.raw)
    site.tick(20.0)
    assert site.outbox.problem is None
    chain.mine()
    site.settle()
    site.check_history()


def test_a_sender_that_died_before_it_could_note_the_sending(chain: LocalChain) -> None:
    registry = MemoryRegistry()
    site = Site(chain, registry)
    chain.fund(site.key.address)
    feed(site)
    send = site.ledger.send

    def die(raw: bytes) -> None:
        send(raw)
        raise KeyboardInterrupt

    site.ledger.send = die  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        site.tick()
    row = site.append(1)
    assert row.state is OutboxState.SIGNED
    again = Site(chain, registry, key=site.key)
    again.settle()
    assert again.append(1).tries == 1
    assert len(registry.attempts(row.row_id)) == 1
    again.check_history()


def test_a_transaction_that_the_node_forgot_is_sent_again(site: Site, chain: LocalChain) -> None:
    chain.automine(False)
    feed(site)
    site.tick()
    chain.rpc("anvil_dropAllTransactions")
    chain.mine()
    assert chain.nonce(site.key.address) == 0
    site.tick(20.0)
    chain.mine()
    site.settle()
    assert site.append(1).tries == 1
    site.check_history()


def test_a_nonce_used_elsewhere_costs_a_new_one(site: Site, chain: LocalChain) -> None:
    chain.automine(False)
    feed(site)
    site.tick()
    assert site.append(1).nonce == 0
    foreign = Account.from_key(site.key._account.key)
    chain.rpc("anvil_dropAllTransactions")
    chain.transact(foreign, bytes(20), "0x", nonce=0, maxFeePerGas=10**11)
    chain.mine()
    chain.automine(True)
    for _ in range(15):
        site.tick()
        chain.finalize()
    assert site.append(1).state is OutboxState.FINALIZED
    assert (site.append(1).nonce, site.append(1).tries) == (1, 2)
    assert site.events("ledger_retry")
    site.check_history()


def test_a_key_that_was_used_before(chain: LocalChain) -> None:
    key = LedgerKey(secrets.token_bytes(32))
    chain.fund(key.address)
    foreign = Account.from_key(key._account.key)
    for _ in range(3):
        chain.transact(foreign, bytes(20), "0x")
    site = Site(chain, key=key)
    feed(site)
    site.settle()
    assert site.append(1).nonce == 3
    site.check_history()


def test_a_gap_in_the_nonces_is_filled(site: Site, chain: LocalChain) -> None:
    """A foreign transaction used our key; ours follows it, and a reorganisation removes it."""
    chain.automine(False)
    foreign = Account.from_key(site.key._account.key)
    chain.transact(foreign, bytes(20), "0x")
    chain.mine()
    feed(site)
    site.tick()
    assert site.append(1).nonce == 1
    chain.rpc("anvil_dropAllTransactions")
    chain.reorg(1)
    chain.rpc("anvil_dropAllTransactions")
    assert chain.nonce(site.key.address) == 0
    chain.automine(True)
    site.settle()
    assert site.events("ledger_nonce_gap")
    site.check_history()
    feed(site, 8)
    site.settle()
    site.check_history()


def test_a_record_that_lost_its_last_rows_adopts_what_is_there(chain: LocalChain) -> None:
    """The record is an older copy with the same commitments: the ledger has the batch already."""
    key = LedgerKey(secrets.token_bytes(32))
    chain.fund(key.address)
    device = Device()
    decisions = [device.enrols(), *(device.checks_in() for _ in range(3))]
    first = Site(chain, key=key)
    first.registry.store(decisions)
    first.settle()
    second = Site(chain, key=key)
    second.registry.store(decisions)
    second.settle()
    assert (second.append(1).nonce, second.append(1).tries) == (None, 0)
    assert second.append(1).transaction_hash == first.append(1).transaction_hash
    assert len(second.replies) == 4
    second.check_history()


def test_another_history_for_the_key_is_not_written_over(chain: LocalChain) -> None:
    key = LedgerKey(secrets.token_bytes(32))
    chain.fund(key.address)
    first = Site(chain, key=key)
    feed(first, 8)
    first.settle()
    history = chain.batches(key.address)

    second = Site(chain, key=key)
    feed(second, 12)
    for _ in range(10):
        assert second.tick(), "the ledger answers"
        chain.finalize()
    assert second.contacts == 0, "and takes nothing: the verdicts become degraded"
    assert second.worker.not_anchoring_since_s is not None
    assert len(second.events("not_anchoring")) == 1
    assert chain.batches(key.address) == history
    assert second.outbox.problem is not None and "not in this record" in second.outbox.problem
    assert second.registry.counts().anchored == 0
    assert second.registry.counts().outbox_open == 3, "held, not dropped"
    assert second.events("ledger_problem")


def test_without_money_it_waits_and_says_so(chain: LocalChain) -> None:
    site = Site(chain)
    feed(site)
    for _ in range(3):
        site.tick()
    assert site.outbox.problem is not None and "refuses nonce 0" in site.outbox.problem
    assert site.worker.not_anchoring_since_s is not None and site.contacts == 0
    chain.fund(site.key.address)
    site.settle()
    assert site.outbox.problem is None
    assert site.worker.not_anchoring_since_s is None and site.contacts > 0
    assert site.events("anchoring_again")
    site.check_history()


def test_two_gateways_do_not_disturb_each_other(chain: LocalChain) -> None:
    sites = [Site(chain), Site(chain)]
    for site in sites:
        chain.fund(site.key.address)
        feed(site, 8)
    for _ in range(6):
        for site in sites:
            site.tick()
        chain.finalize()
    for site in sites:
        site.settle()
        site.check_history()


def test_the_head_is_the_chain_s_head(site: Site, chain: LocalChain) -> None:
    feed(site, 12)
    site.settle()
    last = None
    for sequence in range(1, 4):
        batch = site.registry.batch(sequence)
        assert batch is not None
        last = following(last, site.registry.commitments(batch.first_position, batch.size))
        assert last == batch
    assert last is not None
    assert chain.tip(site.key.address) == (3, last.head)
