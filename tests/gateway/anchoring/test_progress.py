"""A chain that answers and stands still is no contact: the verdicts become degraded."""

from __future__ import annotations

import pytest

from countersign_gateway.anchoring.progress import NO_BLOCK, NOT_IN, Progress
from support.gateway.anchoring_site import Device, Site
from support.gateway.local_chain import LocalChain

WALL_S = 1_800_000_000.0


def steady(stalled_after_s: float = 10.0, settle_within_s: float = 100.0) -> Progress:
    return Progress("steady", stalled_after_s=stalled_after_s, settle_within_s=settle_within_s)


def on_demand() -> Progress:
    return Progress("on_demand", stalled_after_s=10.0, settle_within_s=100.0)


# ---- the rule ---------------------------------------------------------------------------------


def test_what_is_seen_first_may_be_old_and_is_no_progress() -> None:
    progress = steady()
    assert not progress.goes_on(0.0, 7, waited=False)
    assert progress.undecided(1.0), "ask again soon"
    assert not progress.goes_on(5.0, 7, waited=False)
    assert progress.stalled(10.0) is None
    assert progress.stalled(11.0) == (NO_BLOCK, 11.0)
    assert not progress.undecided(11.0), "a chain that stands still is not asked every second"
    assert progress.goes_on(12.0, 8, waited=False)
    assert progress.stalled(12.0) is None


def test_a_steady_chain_that_stands_still_is_stalled_since_its_last_block() -> None:
    progress = steady()
    progress.goes_on(0.0, 7, waited=False)
    assert progress.goes_on(4.0, 8, waited=False)
    assert not progress.goes_on(8.0, 8, waited=False)
    assert progress.stalled(16.0) == (NO_BLOCK, 12.0)


def test_a_head_that_goes_to_and_fro_is_no_progress() -> None:
    progress = steady()
    progress.goes_on(0.0, 7, waited=False)
    assert progress.goes_on(1.0, 8, waited=False)
    for second in range(2, 11):
        assert not progress.goes_on(second, 7 + second % 2, waited=False)


def test_a_chain_restored_from_an_older_state_goes_on_from_there() -> None:
    progress = steady()
    progress.goes_on(0.0, 700, waited=False)
    progress.goes_on(1.0, 701, waited=False)
    assert not progress.goes_on(20.0, 5, waited=False)
    assert progress.goes_on(21.0, 6, waited=False)


def test_an_on_demand_chain_is_quiet_while_nothing_waits() -> None:
    progress = on_demand()
    for second in range(0, 1000, 50):
        assert progress.goes_on(second, 7, waited=False)
        assert progress.stalled(second) is None


def test_an_on_demand_chain_takes_what_waits_or_is_stalled() -> None:
    progress = on_demand()
    assert progress.goes_on(0.0, 7, waited=False)
    assert not progress.goes_on(1.0, 7, waited=True)
    assert progress.goes_on(2.0, 8, waited=True)
    assert not progress.goes_on(13.0, 8, waited=True)
    assert progress.stalled(13.0) == (NOT_IN, 11.0)


def test_a_batch_that_is_open_for_too_long_is_no_progress() -> None:
    progress = steady()
    for second in range(101):
        progress.note_batches(second, 1, 1 + second)
        assert progress.goes_on(second, second, waited=False) == (second > 0)
    progress.note_batches(101.0, 1, 102)
    assert not progress.goes_on(101.0, 101, waited=False)
    _, since_s = progress.stalled(101.0) or ("", 0.0)
    assert since_s == 101.0
    # Batch 52 was first seen at second 51.
    progress.note_batches(102.0, 52, 102)
    assert progress.goes_on(102.0, 102, waited=False)
    progress.note_batches(153.0, 52, 102)
    assert not progress.goes_on(153.0, 153, waited=False)
    progress.note_batches(154.0, None, 102)
    assert progress.goes_on(154.0, 154, waited=False)


def test_a_long_outage_costs_no_memory() -> None:
    progress = steady()
    for second in range(20_000):
        progress.note_batches(second, 1, 1 + second)
    assert len(progress._open) <= 102


# ---- on a chain -------------------------------------------------------------------------------


@pytest.mark.chain
def test_what_gets_into_no_block_degrades_a_site_on_an_on_demand_chain(chain: LocalChain) -> None:
    site = Site(chain, stalled_after_s=10.0)
    site.worker._wall_s = lambda: WALL_S
    chain.fund(site.key.address)
    for _ in range(30):
        site.tick()
    assert site.contacts > 0 and not site.events("not_anchoring"), "quiet, and nothing waits"
    chain.automine(False)
    device = Device()
    site.registry.store([device.enrols(), *(device.checks_in() for _ in range(3))])
    site.tick()
    contacts = site.contacts
    for _ in range(15):
        assert site.tick(), "the nodes answer"
    assert site.contacts == contacts
    (told,) = site.events("not_anchoring")
    assert told["cause"] == NOT_IN
    assert site.worker.not_anchoring_since_s == WALL_S - 11
    assert told["since_s"] == int(WALL_S - 11)
    chain.mine()
    chain.automine(True)
    site.settle()
    assert site.contacts > contacts
    assert site.worker.not_anchoring_since_s is None and site.events("anchoring_again")


@pytest.mark.chain
def test_an_idle_site_sees_that_a_steady_chain_stands_still(chain: LocalChain) -> None:
    site = Site(chain, blocks="steady", stalled_after_s=120.0)
    chain.fund(site.key.address)
    for _ in range(3):
        site.tick()
    assert site.contacts == 0, "no new block yet in this run"
    for minute in range(1, 4):
        chain.mine()
        site.tick(61.0)
        assert site.contacts == minute
    for _ in range(3):
        assert site.tick(61.0), "the nodes answer"
    assert site.contacts == 3
    (told,) = site.events("not_anchoring")
    assert told["cause"] == NO_BLOCK
    chain.mine()
    site.tick(61.0)
    assert site.contacts == 4 and site.worker.not_anchoring_since_s is None


@pytest.mark.chain
def test_a_chain_that_makes_no_block_final_degrades_the_site(chain: LocalChain) -> None:
    site = Site(chain, finality=5, settle_within_s=20.0)
    chain.fund(site.key.address)
    device = Device()
    site.registry.store([device.enrols(), *(device.checks_in() for _ in range(3))])
    for _ in range(20):
        site.tick()
    contacts = site.contacts
    assert contacts > 10 and not site.events("not_anchoring")
    for _ in range(5):
        site.tick()
    assert site.contacts <= contacts + 1
    assert site.events("not_anchoring")
    chain.mine(5)
    site.settle()
    assert site.worker.not_anchoring_since_s is None and site.contacts > contacts + 1
