"""One request to a node: it ends in time, reads so much and no more, and follows nobody."""

from __future__ import annotations

import email.utils
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from countersign_gateway.anchoring import rpc
from countersign_gateway.anchoring.ledger import UpstreamDown
from countersign_gateway.anchoring.rpc import Node
from support.gateway.node_stand_in import Http, NodeStandIn

Write = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def serving(write: Write) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            try:
                write(self)
            except OSError:
                pass  # the other side has given up, as it should

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(answer: Http) -> Iterator[NodeStandIn]:
    stand_in = NodeStandIn(None, lambda _method, _parameters: answer)
    try:
        yield stand_in
    finally:
        stand_in.stop()


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "_MOST_BYTES", 1_000_000)
    written = 0

    def flood(handler: http.server.BaseHTTPRequestHandler) -> None:
        nonlocal written
        while True:
            written += handler.wfile.write(b" " * 65536)

    with serving(flood) as url, pytest.raises(UpstreamDown, match="more than 1000000 bytes"):
        Node(url).ask("eth_chainId", [])
    assert written < 20_000_000


def test_an_answer_that_trickles_ends_with_the_timeout() -> None:
    stopped = threading.Event()

    def trickle(handler: http.server.BaseHTTPRequestHandler) -> None:
        while not stopped.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    with serving(trickle) as url, pytest.raises(UpstreamDown, match="Timeout"):
        try:
            Node(url, timeout_s=0.4).ask("eth_chainId", [])
        finally:
            stopped.set()


def test_a_redirect_is_not_followed() -> None:
    with answering(Http(200, body=b'{"id":1,"result":"0x1"}')) as other:
        with (
            answering(Http(307, {"Location": other.url})) as first,
            pytest.raises(UpstreamDown, match="307"),
        ):
            Node(first.url + "/?key=token").ask("eth_chainId", [])
        assert other.calls.total() == 0


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("120", 120, 120),
        (" 7 ", 7, 7),
        ("999999999", 3600, 3600),
        (None, None, None),
        ("soon", None, None),
        ("-5", None, None),
        (lambda: email.utils.formatdate(time.time() + 90, usegmt=True), 80, 90),
        (lambda: email.utils.formatdate(time.time() - 90, usegmt=True), 0, 0),
    ],
)
def test_the_wait_that_a_node_asks_for(
    header: str | Callable[[], str] | None, least: float | None, most: float | None
) -> None:
    given = header() if callable(header) else header
    headers = {} if given is None else {"Retry-After": given}
    for status in (429, 503):
        with answering(Http(status, headers)) as node, pytest.raises(UpstreamDown) as down:
            Node(node.url).ask("eth_chainId", [])
        wait_s = down.value.retry_after_s
        if least is None or most is None:
            assert wait_s is None
        else:
            assert wait_s is not None and least <= wait_s <= most


def test_an_error_object_with_an_http_error_is_read() -> None:
    body = b'{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"execution reverted"}}'
    with answering(Http(400, body=body)) as node:
        assert Node(node.url).request("eth_call", [])["error"]["code"] == 3


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"result":' + b'{"a":[' * 100_000,
        b'{"result":' + b'["]","]",' * 100_000,
        b'{"result":1e999999}',
        b"\xff\xfe{",
        b"{}",
        b'"' + b'\\"' * 3_000_000,
        b'"\\' * 1_000_000,
        b'"',
    ],
)
def test_malformed_answers_are_no_answers(body: bytes) -> None:
    with answering(Http(200, body=body)) as node:
        try:
            answer = Node(node.url).request("eth_chainId", [])
        except UpstreamDown:
            return
    assert set(answer) == {"result"}
