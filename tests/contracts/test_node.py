"""HTTP_PROXY does not come between us and a node on this machine."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from countersign_contracts import loopback, node


@pytest.fixture
def server() -> Iterator[http.server.HTTPServer]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b'{"jsonrpc":"2.0","id":0,"result":"0x7a69"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    made = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_a_node_on_loopback_is_reached_directly(
    server: http.server.HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for host in ("127.0.0.1", "localhost"):
        provider = node.http_provider(f"http://{host}:{server.server_port}")
        assert provider.make_request("eth_chainId", [])["result"] == "0x7a69"


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://127.0.0.1:8545", True),
        ("http://127.9.9.9:8545", True),
        ("http://[::1]:8545", True),
        ("http://localhost:8545", True),
        ("http://localhost.example:8545", False),
        ("https://node.example", False),
        ("http://10.0.0.1", False),
        ("nonsense", False),
    ],
)
def test_what_is_this_machine(url: str, is_loopback: bool) -> None:
    assert loopback.is_loopback(url) is is_loopback
