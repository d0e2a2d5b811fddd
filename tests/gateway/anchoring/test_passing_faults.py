"""What a node says in passing never fails a row: it is asked again, later, and not too often."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from countersign_gateway.anchoring.fees import GWEI, FeePolicy
from countersign_gateway.anchoring.pace import Pace
from countersign_gateway.registry.interface import OutboxState
from support.gateway.anchoring_site import Device, Site
from support.gateway.local_chain import LocalChain
from support.gateway.node_stand_in import Answer, Http, NodeStandIn

pytestmark = pytest.mark.chain


@pytest.fixture
def node(chain: LocalChain) -> Iterator[NodeStandIn]:
    made = NodeStandIn(chain.rpc_url)
    yield made
    made.stop()


def site_behind(node: NodeStandIn, chain: LocalChain, **settings: Any) -> Site:
    site = Site(chain, urls=[node.url], **settings)
    chain.fund(site.key.address)
    return site


def enrol(site: Site, owner: Any) -> Device:
    device = Device(bytes.fromhex(owner.address[2:]))
    signature = device.registration_signature(site.chain.device_registry)
    site.registry.store([device.enrols(signature)])
    return device


def feed(site: Site, count: int = 4) -> None:
    device = Device()
    site.registry.store([device.enrols(), *(device.checks_in() for _ in range(count - 1))])


def error(code: int, message: str, **more: Any) -> Answer:
    return {"error": {"code": code, "message": message, **more}}


@pytest.mark.parametrize(
    "fault",
    [
        error(-32005, "rate limited"),
        error(-32000, "header not found"),
        error(-32603, "internal error"),
        error(-32000, "execution timeout"),
        error(3, "execution reverted"),
        error(3, "execution reverted: out of gas", data="0x08c379a0"),
        error(-32000, "VM Exception while processing transaction: revert", data="0xdeadbeef"),
        Http(429, {"Retry-After": "2"}),
        Http(503),
        Http(None),
        Http(200, body=b"<html>"),
    ],
    ids=str,
)
def test_a_passing_fault_of_a_call_fails_no_registration(
    node: NodeStandIn, chain: LocalChain, fault: Answer
) -> None:
    site = site_behind(node, chain)
    owner = chain.owner_appointing(site.key.address)
    tip_call = site.ledger._codec.tip_call(site.key.address)[:4].hex()

    def interfere(method: str, parameters: list[Any]) -> Answer:
        asked = method == "eth_call" and parameters[0]["data"][2:10] != tip_call
        return fault if asked else None

    node.interfere = interfere
    device = enrol(site, owner)
    for _ in range(8):
        site.tick()
        chain.finalize()
    assert site.registration(device).state is OutboxState.PENDING
    node.interfere = lambda _method, _parameters: None
    site.tick(900.0)
    site.settle()
    assert site.registration(device).state is OutboxState.FINALIZED
    assert site.registry.counts().outbox_failed == 0


def test_an_unknown_revert_is_asked_less_and_less_often(
    node: NodeStandIn, chain: LocalChain
) -> None:
    site = site_behind(node, chain)
    owner = chain.owner_appointing(site.key.address)
    asked: list[float] = []

    def interfere(method: str, parameters: list[Any]) -> Answer:
        if method == "eth_call" and "from" in parameters[0]:
            asked.append(site.now_s)
            return error(3, "execution reverted")
        return None

    node.interfere = interfere
    enrol(site, owner)
    for _ in range(4000):
        site.tick()
        if site.now_s < 20:
            chain.finalize()
        if len(asked) >= 7:
            break
    waits = [after - before for before, after in itertools.pairwise(asked)]
    assert waits[0] < 2 * 30 and waits == sorted(waits) and waits[4] >= 8 * waits[0]


def test_retry_after_is_kept(node: NodeStandIn, chain: LocalChain) -> None:
    site = site_behind(node, chain)
    feed(site)
    node.interfere = lambda _method, _parameters: Http(429, {"Retry-After": "120"})
    assert not site.tick()
    before = node.calls.total()
    for _ in range(119):
        assert not site.tick()
    assert node.calls.total() == before
    node.interfere = lambda _method, _parameters: None
    site.tick(2.0)
    assert node.calls.total() > before
    site.settle()


def test_without_an_answer_it_asks_ever_more_rarely(chain: LocalChain) -> None:
    node = NodeStandIn(None)
    site = Site(chain, urls=[node.url])
    for _ in range(600):
        assert not site.tick()
    assert 15 <= node.calls.total() <= 30
    node.stop()


def test_an_idle_site_makes_few_calls(node: NodeStandIn, chain: LocalChain) -> None:
    """The measure is an hour of ticks, one a second, at the default settings."""
    site = site_behind(node, chain)
    feed(site)
    site.settle()
    site.tick()
    node.calls.clear()
    contacts = site.contacts
    for _ in range(3600):
        assert site.tick()
    print(f"an idle hour: {dict(node.calls)}, {24 * node.calls.total()} a day")
    assert 24 * node.calls.total() < 3000
    assert site.contacts - contacts >= 59, "and it stays online"
    node.calls.clear()
    feed(site)
    site.tick()
    assert node.calls["eth_sendRawTransaction"] == 1, "and it is quick when there is work"


def test_a_site_whose_owner_never_appoints_it_is_idle_too(
    node: NodeStandIn, chain: LocalChain
) -> None:
    site = site_behind(node, chain)
    enrol(site, chain.funded_account())
    for _ in range(3600):
        site.tick()
        if site.now_s < 20:
            chain.finalize()
    node.calls.clear()
    for _ in range(3600):
        site.tick()
    assert 24 * node.calls.total() < 3000


def test_a_foreign_append_is_noticed_while_idle(node: NodeStandIn, chain: LocalChain) -> None:
    site = site_behind(node, chain)
    feed(site)
    site.settle()
    for _ in range(5):
        site.tick(60.0)
    junk = chain.log().encode_abi("append", [2, site.registry.batch(1).head, b"\1" * 32, 1])
    chain.transact(site.key._account, chain.commitment_log, junk)
    site.tick(60.0)
    assert site.outbox.problem is not None


@pytest.mark.parametrize(
    "refusal",
    [
        "transaction underpriced: gas tip cap 0, minimum needed 2000000000",
        "transaction underpriced",
        "Gas price below configured minimum gas price",
        "FeeTooLow, MaxFeePerGas too low",
    ],
)
def test_a_tip_below_the_floor_is_learnt_from_the_refusal(
    node: NodeStandIn, chain: LocalChain, refusal: str
) -> None:
    site = site_behind(node, chain, fees=FeePolicy(priority_fee=0))
    offered: list[int] = []

    def interfere(method: str, parameters: list[Any]) -> Answer:
        if method != "eth_sendRawTransaction":
            return None
        (row,) = site.registry.outbox([OutboxState.SIGNED, OutboxState.SENT], 1)
        offered.append(site.registry.attempts(row.row_id)[-1].priority_fee)
        return error(-32000, refusal) if offered[-1] < 2 * GWEI else None

    node.interfere = interfere
    feed(site)
    site.settle()
    assert offered[0] == 0 and offered[-1] >= 2 * GWEI
    assert len(offered) <= 12
    node.interfere = lambda _method, _parameters: None
    feed(site)
    site.settle()
    assert site.registry.attempts(site.append(2).row_id)[0].priority_fee >= 2 * GWEI
    site.check_history()


def test_a_floor_above_the_cap_waits_and_says_so(node: NodeStandIn, chain: LocalChain) -> None:
    site = site_behind(node, chain, fees=FeePolicy(priority_fee=GWEI, cap=3 * GWEI))
    node.interfere = lambda method, _parameters: (
        error(-32000, "transaction underpriced") if method == "eth_sendRawTransaction" else None
    )
    feed(site)
    for _ in range(40):
        site.tick()
    assert site.outbox.problem is not None and "fee cap" in site.outbox.problem
    attempts = site.registry.attempts(site.append(1).row_id)
    assert all(attempt.max_fee <= 3 * GWEI for attempt in attempts) and len(attempts) < 8
    node.interfere = lambda _method, _parameters: None
    site.settle()


def test_a_chain_without_a_base_fee_gets_old_transactions(
    node: NodeStandIn, chain: LocalChain
) -> None:
    site = site_behind(node, chain, fees=FeePolicy(priority_fee=20 * GWEI))
    raws: list[str] = []

    def interfere(method: str, parameters: list[Any]) -> Answer:
        if method == "eth_sendRawTransaction":
            raws.append(parameters[0])
        if method == "eth_getBlockByNumber":
            block = chain.rpc(method, *parameters)
            del block["baseFeePerGas"]
            return {"result": block}
        return None

    node.interfere = interfere
    feed(site)
    site.settle()
    # An old transaction is a list (RLP: 0xf8 and above); a typed one starts with its type.
    assert raws and all(int(raw[2:4], 16) >= 0xF8 for raw in raws)
    site.check_history()


def test_finality_by_depth_and_at_once(node: NodeStandIn, chain: LocalChain) -> None:
    at_once = site_behind(node, chain, finality="instant")
    feed(at_once)
    at_once.tick()
    at_once.tick()
    assert at_once.append(1).state is OutboxState.FINALIZED
    deep = site_behind(node, chain, finality=5)
    feed(deep)
    deep.tick()
    for _ in range(6):
        assert deep.append(1).state is not OutboxState.FINALIZED
        deep.tick()
        chain.mine()
    deep.tick()
    assert deep.append(1).state is OutboxState.FINALIZED


def test_the_pace_waits_longer_after_each_failure() -> None:
    pace, now_s, asked = Pace(), 0.0, []
    while now_s < 200:
        if pace.due(now_s, busy=True):
            asked.append(now_s)
            pace.failed(now_s, None)
        now_s += 1.0
    assert asked == [0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181]
    pace.failed(now_s, 300.0)
    assert not pace.due(now_s + 299, busy=True) and pace.due(now_s + 300, busy=True)
