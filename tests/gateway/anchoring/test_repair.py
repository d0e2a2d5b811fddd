"""`gateway repair`: after a stolen ledger key or an old backup it goes on, and loses nothing."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from countersign import merkle
from countersign_cli.auditing.ledger_audit import audit
from countersign_gateway.anchoring.batcher import following
from countersign_gateway.anchoring.fees import FeePolicy, Fees
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.anchoring.repair import Repair, RepairError
from countersign_gateway.model import Decision
from countersign_gateway.registry.interface import OutboxState
from countersign_gateway.statements.keys import read_key_file
from countersign_workshop.ledger.deployment import address_text
from support.gateway.anchoring_site import Device, Site
from support.gateway.local_chain import CHAIN_ID, LocalChain
from support.gateway.memory_registry import MemoryRegistry

pytestmark = pytest.mark.chain


class Bench:
    """A site whose ledger key is in a file, and the repairs of it."""

    def __init__(self, chain: LocalChain, folder: Path) -> None:
        self.chain = chain
        self.key_file = folder / "ledger.key"
        self.said: list[str] = []
        self.site = Site(chain, key=LedgerKey.load_or_create(self.key_file))
        chain.fund(self.site.key.address)

    @property
    def next_file(self) -> Path:
        return self.key_file.with_name("ledger.key.next")

    def repair(self, *, apply: bool = True, new_ledger_key: bool = False) -> bool:
        self.said = []
        work = Repair(
            self.site.registry,
            self.site.ledger,
            self.site.gateway_key,
            self.key_file,
            CHAIN_ID,
            Fees(FeePolicy()),
            say=self.said.append,
            wait=self.chain.finalize,
        )
        return work.run(apply=apply, new_ledger_key=new_ledger_key)

    def restart(self, registry: MemoryRegistry | None = None) -> Site:
        """The gateway again, with the key that is now in the file."""
        before = self.site
        self.site = Site(
            self.chain,
            registry or before.registry,
            key=LedgerKey(read_key_file(self.key_file)),
        )
        self.site.gateway_key = before.gateway_key
        return self.site

    def fund_next(self) -> bytes:
        address = LedgerKey.load_or_create(self.next_file).address
        self.chain.fund(address)
        return address

    def junk(self) -> None:
        """What a thief of the ledger key does: one append."""
        sequence, head = self.chain.tip(self.site.key.address)
        data = self.chain.log().encode_abi(
            "append", [sequence + 1, head, secrets.token_bytes(32), 1]
        )
        self.chain.transact(self.site.key._account, self.chain.commitment_log, data)
        self.chain.finalize()

    def check(self) -> None:
        """Every commitment of the record is on the ledger, in the gateway's log, once."""
        result = audit(
            self.chain.rpc_url,
            address_text(self.chain.commitment_log),
            address_text(self.site.key.address),
            self.site.registry,
        )
        assert result.faults == ()
        assert (result.lost, result.duplicated) == (0, 0)
        assert result.anchored == self.site.registry.commitment_count()


@pytest.fixture
def bench(chain: LocalChain, tmp_path: Path) -> Bench:
    return Bench(chain, tmp_path)


def decisions(count: int) -> list[Decision]:
    device = Device()
    return [device.enrols(), *(device.checks_in() for _ in range(count - 1))]


def feed(site: Site, count: int = 4) -> list[Decision]:
    fed = decisions(count)
    site.registry.store(fed)
    return fed


def test_a_healthy_site_claims_its_log(bench: Bench) -> None:
    feed(bench.site)
    bench.site.settle()
    assert not bench.repair(apply=False)
    assert "Record and ledger agree." in bench.said
    assert "No gateway has claimed this log, so nobody could close it." in bench.said
    assert bench.site.ledger.gateway_key(bench.site.key.address) is None, "it only looked"
    assert bench.repair()
    claimed_by = bench.site.ledger.gateway_key(bench.site.key.address)
    assert claimed_by == bench.site.gateway_key.public_key
    assert bench.repair(apply=False), "nothing is left"
    feed(bench.site)
    bench.site.settle()
    bench.check()


@pytest.mark.parametrize("claimed", [True, False], ids=["claimed", "unclaimed"])
@pytest.mark.parametrize("waiting", [0, 8])
def test_a_thiefs_append_is_left_behind(bench: Bench, claimed: bool, waiting: int) -> None:
    if claimed:
        bench.repair()
    feed(bench.site, 8)
    bench.site.settle()
    bench.junk()
    feed(bench.site, waiting) if waiting else None
    for _ in range(5):
        bench.site.tick(60.0)
    assert bench.site.worker.not_anchoring_since_s is not None
    assert not bench.repair(apply=False)
    assert any("Batch 3 on the ledger is not in this record" in line for line in bench.said)
    old = bench.site.key.address
    new = bench.fund_next()
    assert bench.repair()
    site = bench.restart()
    assert site.key.address == new and not bench.next_file.exists()
    assert LedgerKey.from_file(bench.key_file.with_name(f"ledger.key.{old.hex()}")).address == old
    feed(site, 4)
    site.settle()
    assert site.worker.not_anchoring_since_s is None
    assert len({anchored.sequence for anchored in site.anchored}) == 1 + waiting // 4
    bench.check()
    assert bench.repair(apply=False)


def test_the_new_account_needs_money_first(bench: Bench) -> None:
    bench.repair()
    feed(bench.site, 8)
    bench.site.settle()
    bench.junk()
    with pytest.raises(RepairError, match="money for gas"):
        bench.repair()
    assert bench.site.registry.bound_ledger().account == bench.site.key.address
    bench.fund_next()
    assert bench.repair()
    bench.restart()
    bench.check()


def test_a_record_that_is_older_makes_the_same_batches_again(
    bench: Bench, chain: LocalChain
) -> None:
    """The commitments are all there; the batches of the lost hours are cut as on the ledger."""
    fed = feed(bench.site, 4)
    bench.site.settle()
    fed += feed(bench.site, 3)
    for _ in range(5):
        bench.site.tick(5.0)  # by age: a batch of 3
    bench.site.settle()
    older = MemoryRegistry()
    older.store(fed[:4])
    older.create_batch(following(None, older.commitments(0, 4)))
    bench.restart(older)
    older.store(fed[4:])
    fed_later = decisions(9)
    older.store(fed_later)
    assert not bench.repair(apply=False)
    assert any("make the very same batches" in line for line in bench.said)
    assert bench.repair()
    site = bench.restart()
    site.settle()
    assert older.batch(2).size == 3
    assert site.registry.counts().anchored == 16
    bench.check()


def test_a_record_that_lost_commitments_goes_on_under_another_account(bench: Bench) -> None:
    bench.repair()
    fed = feed(bench.site, 4)
    bench.site.settle()
    feed(bench.site, 4)
    bench.site.settle()
    older = MemoryRegistry()
    older.store(fed)
    older.create_batch(following(None, older.commitments(0, 4)))
    site = bench.restart(older)
    older.store(decisions(6))
    for _ in range(5):
        site.tick()
        site.chain.finalize()
    assert site.outbox.problem is not None and "is not in this record" in site.outbox.problem
    bench.fund_next()
    assert bench.repair()
    assert any("The last common batch is 1" in line for line in bench.said)
    site = bench.restart()
    site.settle()
    assert site.registry.counts().anchored == 10
    bench.check()


def test_a_ledger_key_is_replaced_although_nothing_is_wrong(bench: Bench) -> None:
    bench.repair()
    feed(bench.site, 8)
    bench.site.settle()
    bench.fund_next()
    assert bench.repair(new_ledger_key=True)
    site = bench.restart()
    feed(site, 4)
    site.settle()
    assert site.append(3).state is OutboxState.FINALIZED
    bench.check()


def test_batches_under_way_are_waited_for(bench: Bench, chain: LocalChain) -> None:
    bench.repair()
    chain.automine(False)
    feed(bench.site, 4)
    bench.site.tick()
    bench.fund_next()
    chain.automine(True)
    with pytest.raises(RepairError, match="under way"):
        bench.repair(new_ledger_key=True)


class PowerCut(BaseException):
    pass


@pytest.mark.parametrize("blow_at", range(1, 6))
def test_a_repair_that_is_cut_is_continued(
    bench: Bench, blow_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(bench.site, 8)
    bench.site.settle()
    bench.junk()
    feed(bench.site, 4)
    bench.fund_next()
    effects = 0

    def guarded(effect: Callable[..., object]) -> Callable[..., object]:
        def cut(*arguments: object, **named: object) -> object:
            nonlocal effects
            effects += 1
            result = effect(*arguments, **named)
            if effects == blow_at:
                raise PowerCut
            return result

        return cut

    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        patch.setattr(bench.site.ledger, "send", guarded(bench.site.ledger.send))
        patch.setattr(bench.site.registry, "hand_over", guarded(bench.site.registry.hand_over))
        patch.setattr("os.rename", guarded(__import__("os").rename))
        bench.repair()
    bench.repair()
    site = bench.restart()
    site.settle()
    bench.check()
    assert bench.repair(apply=False)


def test_another_gateways_log_is_left_alone(bench: Bench) -> None:
    bench.repair()
    feed(bench.site, 8)
    bench.site.settle()
    bench.junk()
    bench.site.gateway_key = type(bench.site.gateway_key)(secrets.token_bytes(32))
    with pytest.raises(RepairError, match="Another gateway's key"):
        bench.repair()


def test_a_failed_append_is_tried_again(bench: Bench) -> None:
    bench.repair()
    feed(bench.site, 4)
    bench.site.worker._batcher.step(0.0)
    bench.site.registry.mark_failed(bench.site.append(1).row_id, "the ledger said no")
    assert not bench.repair(apply=False)
    assert any("Batch 1 failed: the ledger said no." in line for line in bench.said)
    assert bench.repair()
    bench.site.settle()
    bench.check()
    root = merkle.root(bench.site.registry.commitments(0, 4))
    assert bench.site.registry.batch(1).root == root
