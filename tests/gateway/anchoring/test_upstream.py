"""Anchoring with a chain that is down, returns in an older state, or answers malformed data."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign_gateway.anchoring.evm import EvmLedger
from countersign_gateway.anchoring.ledger import Effect, UpstreamDown
from countersign_gateway.registry.interface import OutboxState
from support.gateway.anchoring_site import Device, Site
from support.gateway.local_chain import LocalChain

pytestmark = pytest.mark.chain


@pytest.fixture
def own_chain(tmp_path: Path) -> Iterator[LocalChain]:
    """A chain for one test. It keeps its state if `stop` stops it."""
    chain = LocalChain(tmp_path, state_interval_s=3600)
    yield chain
    chain.stop()


def feed(site: Site, count: int) -> None:
    device = Device()
    site.registry.store([device.enrols(), *(device.checks_in() for _ in range(count - 1))])


def test_a_chain_that_is_down_at_the_start(own_chain: LocalChain) -> None:
    site = Site(own_chain)
    own_chain.fund(site.key.address)
    own_chain.stop()
    feed(site, 8)
    for _ in range(5):
        assert not site.tick()
    assert site.contacts == 0
    assert site.states() == [OutboxState.PENDING] * 2, "batches are cut all the same"
    assert len(site.events("upstream_down")) == 1, "said once, not every second"
    own_chain.start()
    site.settle()
    assert site.contacts > 0 and site.events("upstream_back")
    site.check_history()


def test_an_outage_gathers_into_full_batches(own_chain: LocalChain) -> None:
    site = Site(own_chain, batch_max=100, batch_age_s=1.0)
    own_chain.fund(site.key.address)
    own_chain.stop()
    device = Device()
    site.registry.store([device.enrols()])
    for _ in range(60):
        site.registry.store([device.checks_in()])
        site.tick()
    cut = site.registry.counts()
    assert cut.batches == 4 and cut.batched < 20
    own_chain.start()
    site.settle()
    assert site.registry.counts().anchored == 61
    assert site.registry.counts().batches == 5
    site.check_history()


def test_a_chain_that_lost_its_last_blocks_is_told_again(
    own_chain: LocalChain, tmp_path: Path
) -> None:
    site = Site(own_chain)
    own_chain.fund(site.key.address)
    feed(site, 8)
    site.settle()
    own_chain.stop()  # the state is saved here
    own_chain.start()
    feed(site, 12)
    site.settle()
    assert len(own_chain.batches(site.key.address)) == 5
    own_chain.kill()
    own_chain.start()
    assert len(own_chain.batches(site.key.address)) == 2, "the chain took back final blocks"
    feed(site, 4)
    site.settle()
    assert len(site.events("ledger_went_back")) == 3
    assert site.registry.counts().anchored == 24
    assert [site.append(sequence).tries for sequence in range(1, 7)] == [1] * 6
    site.check_history()


def test_killed_in_the_middle_of_sending(own_chain: LocalChain) -> None:
    site = Site(own_chain)
    own_chain.fund(site.key.address)
    own_chain.stop()
    own_chain.start()
    own_chain.automine(False)
    feed(site, 40)
    site.tick()
    own_chain.kill()
    assert not site.tick()
    own_chain.start()
    site.settle()
    site.check_history()


class _Nonsense(http.server.BaseHTTPRequestHandler):
    answer = b""
    status = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"null"),
        (200, b"{}"),
        (200, b'{"jsonrpc":"2.0","id":1,"result":null}'),
        (200, b'{"jsonrpc":"2.0","id":1,"result":7}'),
        (200, b'{"jsonrpc":"2.0","id":1,"result":"zz"}'),
        (200, b'{"jsonrpc":"2.0","id":1,"result":{"number":[]}}'),
        (200, b'{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal"}}'),
        (200, b'{"jsonrpc":"2.0","id":1,"error":"internal"}'),
        (503, b"busy"),
        (401, b"who are you"),
    ],
)
def test_nonsense_is_no_answer(status: int, answer: bytes) -> None:
    handler = type("Handler", (_Nonsense,), {"answer": answer, "status": status})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        ledger = EvmLedger(
            [f"http://127.0.0.1:{server.server_port}/?key=a-token-nobody-should-see"],
            chain_id=1,
            commitment_log=bytes(20),
            device_registry=bytes(20),
        )
        questions = (
            ledger.check,
            ledger.head,
            lambda: ledger.account_nonce(bytes(20)),
            lambda: ledger.tip(bytes(20)),
            lambda: ledger.device_owner(bytes(32)),
            lambda: ledger.inclusion(bytes(32), Effect(bytes(20), (bytes(32),), None), 1),
            lambda: ledger.effect_inclusion(Effect(bytes(20), (bytes(32),), None), 1),
        )
        for question in questions:
            with pytest.raises(UpstreamDown) as caught:
                question()
            assert "a-token" not in str(caught.value) + repr(ledger)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_node_that_does_not_answer_is_given_up() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), _Nonsense)  # it listens and never answers
    ledger = EvmLedger(
        [f"http://127.0.0.1:{server.server_port}"],
        chain_id=1,
        commitment_log=bytes(20),
        device_registry=bytes(20),
        timeout_s=0.2,
    )
    with pytest.raises(UpstreamDown, match="Timeout"):
        ledger.head()
    server.server_close()
