"""What a node makes up never becomes a signed receipt: not of one alone, nor of a minority."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from countersign_gateway.anchoring import answers
from countersign_gateway.anchoring.ledger import UpstreamDown
from countersign_gateway.anchoring.quorum import Quorum
from countersign_gateway.anchoring.receipt_trie import receipts_root
from countersign_gateway.registry.interface import OutboxState
from support.gateway.anchoring_site import Device, Site
from support.gateway.local_chain import CHAIN_ID, LocalChain
from support.gateway.node_stand_in import Answer, Http, Liar, NodeStandIn

pytestmark = pytest.mark.chain


class Nodes:
    """Stand-ins that a test starts, and that stop with it."""

    def __init__(self, chain: LocalChain) -> None:
        self._chain = chain
        self._made: list[NodeStandIn] = []

    def honest(self) -> NodeStandIn:
        return self._add(NodeStandIn(self._chain.rpc_url))

    def liar(self) -> NodeStandIn:
        chain = self._chain
        made_up = Liar(CHAIN_ID, chain.commitment_log, chain.device_registry)
        return self._add(NodeStandIn(None, made_up))

    def dead(self) -> NodeStandIn:
        return self._add(NodeStandIn(None, lambda _method, _parameters: Http(503)))

    def stop(self) -> None:
        for node in self._made:
            node.stop()

    def _add(self, node: NodeStandIn) -> NodeStandIn:
        self._made.append(node)
        return node


@pytest.fixture
def nodes(chain: LocalChain) -> Iterator[Nodes]:
    made = Nodes(chain)
    yield made
    made.stop()


def site_of(chain: LocalChain, agree: int, *nodes: NodeStandIn) -> Site:
    site = Site(chain, urls=[node.url for node in nodes], agree=agree)
    chain.fund(site.key.address)
    return site


def feed(site: Site, owner: Any = None) -> Device:
    device = Device() if owner is None else Device(bytes.fromhex(owner.address[2:]))
    signature = None if owner is None else device.registration_signature(site.chain.device_registry)
    site.registry.store([device.enrols(signature), *(device.checks_in() for _ in range(7))])
    return device


def test_a_program_without_a_chain_gets_no_receipt(chain: LocalChain, nodes: Nodes) -> None:
    liar = nodes.liar()
    site = site_of(chain, 1, liar)
    device = feed(site, chain.funded_account())
    for _ in range(60):
        site.tick()
    assert liar.calls["eth_sendRawTransaction"] >= 3 and liar.calls["eth_getBlockReceipts"]
    assert (site.replies, site.anchored) == ([], [])
    assert site.registry.counts().anchored == site.registry.counts().registered == 0
    assert site.registration(device).state is not OutboxState.FINALIZED
    assert site.outbox.problem is not None and "no node proves" in site.outbox.problem


@pytest.mark.parametrize("place", range(3))
def test_a_minority_that_lies_changes_nothing(chain: LocalChain, nodes: Nodes, place: int) -> None:
    several = [nodes.honest(), nodes.honest()]
    several.insert(place, nodes.liar())
    site = site_of(chain, 2, *several)
    device = feed(site, chain.owner_appointing(site.key.address))
    site.settle()
    assert site.registration(device).state is OutboxState.FINALIZED
    assert len(site.replies) == 8
    assert all(anchored.block_number != Liar.BLOCK for anchored in site.anchored)
    site.check_history()


def test_a_liar_beside_one_honest_node_stops_it_and_no_more(
    chain: LocalChain, nodes: Nodes
) -> None:
    site = site_of(chain, 2, nodes.liar(), nodes.honest())
    feed(site)
    answered = [site.tick() for _ in range(60)]
    assert not any(answered[1:]), "so the verdicts say degraded"
    assert site.replies == []
    assert "agree" in site.events("upstream_down")[0]["cause"]


def test_liars_that_are_a_majority_still_prove_nothing(chain: LocalChain, nodes: Nodes) -> None:
    site = site_of(chain, 2, nodes.liar(), nodes.honest(), nodes.liar())
    feed(site)
    for _ in range(60):
        site.tick()
    assert site.replies == []


def test_a_node_that_is_down_is_done_without(chain: LocalChain, nodes: Nodes) -> None:
    dead = nodes.dead()
    site = site_of(chain, 2, dead, nodes.honest(), nodes.honest())
    feed(site)
    site.settle()
    assert len(site.replies) == 8
    assert dead.calls.total() <= 3, "it rests instead of slowing each question down"


@pytest.mark.parametrize("part", ["logs", "status", "order", "fewer", "another"])
def test_receipts_that_differ_from_the_block_prove_nothing(
    chain: LocalChain, nodes: Nodes, part: str
) -> None:
    node = nodes.honest()
    site = site_of(chain, 1, node)

    def interfere(method: str, parameters: list[Any]) -> Answer:
        if method != "eth_getBlockReceipts":
            return None
        receipts = chain.rpc(method, *parameters)
        if part == "logs":
            receipts[0]["logs"][0]["data"] = "0x" + "11" * 96
        elif part == "status":
            receipts[0]["status"] = "0x0"
        elif part == "order":
            receipts.append(receipts.pop(0) | {"cumulativeGasUsed": "0x1"})
        elif part == "fewer":
            receipts.pop()
        else:
            receipts = chain.rpc(method, hex(int(parameters[0], 16) - 1))
        return {"result": receipts}

    node.interfere = interfere
    feed(site)
    for _ in range(20):
        site.tick()
        chain.finalize()
    assert site.replies == []
    node.interfere = lambda _method, _parameters: None
    site.settle()
    assert len(site.replies) == 8


def test_a_node_without_block_receipts_gives_them_one_by_one(
    chain: LocalChain, nodes: Nodes
) -> None:
    node = nodes.honest()
    node.interfere = lambda method, _parameters: (
        {"error": {"code": -32601, "message": "the method does not exist"}}
        if method == "eth_getBlockReceipts"
        else None
    )
    site = site_of(chain, 1, node)
    feed(site)
    site.settle()
    assert len(site.replies) == 8


def test_the_root_is_that_of_real_blocks(chain: LocalChain) -> None:
    """Blocks of 0 to 300 transactions: indexes of one and two bytes of RLP, short and long logs."""
    owner = chain.funded_account()
    for size in (0, 1, 2, 16, 17, 127, 128, 129, 300):
        chain.automine(False)
        nonce = chain.nonce(bytes.fromhex(owner.address[2:]))
        for i in range(size):
            data = "0x" if i % 3 else chain.users().encode_abi("register", [b"\1" * 32])
            to = bytes(20) if i % 3 else chain.user_id
            chain.transact(
                owner, to, data, nonce=nonce + i, type=2, gas=90_000, maxFeePerGas=10**11
            )
        chain.mine()
        block = chain.rpc("eth_getBlockByNumber", "latest", False)
        assert len(block["transactions"]) == size
        receipts = chain.rpc("eth_getBlockReceipts", block["number"])
        assert receipts_root(receipts) == answers.data(block["receiptsRoot"])
    chain.automine(True)


class _Says:
    def __init__(self, value: int | None) -> None:
        self.value = value

    def check(self) -> None:
        if self.value is None:
            raise UpstreamDown("down")


@pytest.mark.parametrize(
    ("values", "agree", "answer"),
    [
        ([1], 1, 1),
        ([1, 2, 1], 2, 1),
        ([2, 1, 1], 2, 1),
        ([None, 1, 1], 2, 1),
        ([1, 2, 3], 2, None),
        ([1, 2], 2, None),
        ([None, None, 1], 2, None),
        ([1, 1, 2, 2, 2], 3, 2),
    ],
)
def test_a_quorum_answers_what_enough_say(
    values: list[int | None], agree: int, answer: int | None
) -> None:
    quorum = Quorum([_Says(value) for value in values], agree, lambda: 0.0)
    if answer is not None:
        assert quorum.exact(lambda node: node.value, "it") == answer
        return
    with pytest.raises(UpstreamDown):
        quorum.exact(lambda node: node.value, "it")


def test_a_number_is_reached_if_enough_reach_it() -> None:
    two_of_three = Quorum([_Says(1)] * 3, 2, lambda: 0.0)
    assert two_of_three.reached([10, 11, 424242]) == 11, "a liar moves nothing forward"
    assert two_of_three.reached([10, 11, 0]) == 10, "and holds nothing back"
