"""A day's gas is bounded, batches outlast registrations, and who is refused waits for the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account

from countersign_gateway.registry.interface import OutboxState
from support.gateway.anchoring_site import Device, Site
from support.gateway.local_chain import LocalChain
from support.gateway.site_under_test import FakeClock

pytestmark = pytest.mark.chain

DAY_S = 86400
APPEND = 210_000  # gas limits
REGISTER = 500_000


class Spender:
    """Sites that share one record and its account: each is a restart of the one before."""

    def __init__(self, chain: LocalChain) -> None:
        self.chain = chain
        self.wall = FakeClock()
        self.wall.now_s = 20_000.0 * DAY_S
        self.last: Site | None = None

    def start(self, gas_per_day: int) -> Site:
        before = self.last
        site = self.last = Site(
            self.chain,
            None if before is None else before.registry,
            key=None if before is None else before.key,
            gas_per_day=gas_per_day,
            wall_s=self.wall,
        )
        self.chain.fund(site.key.address)
        return site


@pytest.fixture
def spender(chain: LocalChain) -> Spender:
    return Spender(chain)


@pytest.fixture
def owner(chain: LocalChain) -> Iterator[Any]:
    yield chain.funded_account()


def feed(site: Site, batches: int) -> None:
    device = Device()
    site.registry.store([device.enrols(), *(device.checks_in() for _ in range(4 * batches - 1))])


def go(site: Site, rounds: int = 6) -> None:
    for _ in range(rounds):
        site.tick()
        site.chain.finalize()


def registering(site: Site, owner: Any, count: int) -> list[Device]:
    site.chain.register_owner(owner)
    site.chain.appoint(owner, site.key.address, True)
    devices = [Device(bytes.fromhex(owner.address[2:])) for _ in range(count)]
    for device in devices:
        signature = device.registration_signature(site.chain.device_registry)
        site.registry.store([device.enrols(signature)])
    return devices


def test_batches_wait_for_the_next_day_and_none_fails(spender: Spender) -> None:
    site = spender.start(5 * APPEND)
    feed(site, 8)
    go(site)
    assert site.states() == [OutboxState.FINALIZED] * 5 + [OutboxState.PENDING] * 3
    assert site.worker.not_anchoring_since_s is not None
    (told,) = site.events("not_anchoring")
    assert "gas_per_day" in told["cause"] and "next day" in told["cause"]
    contacts = site.contacts
    go(site)
    assert site.contacts == contacts, "verdicts become degraded"
    spender.wall.now_s += DAY_S
    site.settle()
    assert site.registry.counts().anchored == 32
    assert site.worker.not_anchoring_since_s is None and site.contacts > contacts
    site.check_history()


def test_a_restart_and_a_clock_that_is_set_back_refill_nothing(spender: Spender) -> None:
    site = spender.start(5 * APPEND)
    feed(site, 6)
    go(site)
    again = spender.start(5 * APPEND)
    spender.wall.now_s -= 2 * DAY_S
    go(again)
    assert again.states() == [OutboxState.FINALIZED] * 5 + [OutboxState.PENDING]


def test_an_alarm_sounds_at_four_fifths(spender: Spender) -> None:
    site = spender.start(10 * APPEND)
    feed(site, 7)
    go(site)
    assert site.alarms.status()["counts"] == {}
    feed(site, 3)
    go(site)
    (alarm,) = site.events("alarm")
    assert (alarm["kind"], alarm["budget"]) == ("budget", "gas")
    assert (alarm["spent"], alarm["limit"]) == (8 * APPEND, 10 * APPEND)


def test_enrolments_cannot_starve_batches(spender: Spender, owner: Any) -> None:
    site = spender.start(4 * REGISTER)  # the last quarter takes two batches
    devices = registering(site, owner, 8)
    go(site)
    states = [site.registration(device).state for device in devices]
    assert states == [OutboxState.FINALIZED] * 2 + [OutboxState.PENDING] * 6
    assert site.registry.counts().anchored == 8, "two batches"
    assert site.worker.not_anchoring_since_s is None, "who waits is no batch"
    assert "registrations wait" in (site.outbox.problem or "")
    feed(site, 2)
    go(site)
    assert site.registry.counts().anchored == 16
    for _ in range(3):
        spender.wall.now_s += DAY_S
        go(site)
    assert {site.registration(device).state for device in devices} == {OutboxState.FINALIZED}


def test_a_replacement_costs_nothing_more(spender: Spender, chain: LocalChain) -> None:
    site = spender.start(5 * APPEND)
    chain.automine(False)
    feed(site, 5)
    site.tick()
    for _ in range(3):
        site.tick(61.0)
    assert len(site.registry.attempts(site.append(1).row_id)) == 4
    assert site.registry.spent("gas")[1] == 5 * APPEND
    chain.mine()
    chain.automine(True)
    site.settle()


def test_a_site_without_gas_asks_the_nodes_no_more_often_than_an_idle_one(spender: Spender) -> None:
    site = spender.start(5 * APPEND)
    feed(site, 5)
    go(site)
    assert not site.outbox.busy(site.now_s)
    feed(site, 1)
    assert site.outbox.busy(site.now_s) is False, "nothing is cut yet"
    site.tick()
    assert site.worker.not_anchoring_since_s is not None, "told at once"
    assert not site.outbox.busy(site.now_s)
    spender.wall.now_s += DAY_S
    assert site.outbox.busy(site.now_s)
    site.settle()


def test_a_gap_in_the_nonces_is_filled_when_there_is_gas(
    spender: Spender, chain: LocalChain
) -> None:
    """As test_a_gap_in_the_nonces_is_filled, when the row's first nonce took the day's gas."""
    site = spender.start(APPEND)
    chain.automine(False)
    chain.transact(Account.from_key(site.key._account.key), bytes(20), "0x")
    chain.mine()
    feed(site, 1)
    site.tick()
    assert site.append(1).nonce == 1
    chain.rpc("anvil_dropAllTransactions")
    chain.reorg(1)
    chain.rpc("anvil_dropAllTransactions")
    chain.automine(True)
    go(site)
    assert site.append(1).nonce == 1 and site.append(1).state is not OutboxState.FAILED
    assert "all wait for nonce 0" in (site.outbox.problem or "")
    assert site.worker.not_anchoring_since_s is not None
    spender.wall.now_s += DAY_S
    site.settle()
    assert site.registry.counts().anchored == 4
    site.check_history()
