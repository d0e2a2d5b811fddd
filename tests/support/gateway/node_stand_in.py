"""A program that answers JSON-RPC in a node's place: it counts, fails as told, and may lie."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import rlp
from eth_account import Account
from web3 import Web3

from countersign_contracts import load

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Http:
    """An answer that is no JSON-RPC. status None: the connection is dropped without one."""

    status: int | None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Answer = dict[str, Any] | Http | None
Interference = Callable[[str, list[Any]], Answer]


class NodeStandIn:
    """Listens on a free port of this machine. What `interfere` leaves (None) goes to `behind`.

    `calls` counts the requests by method. Call `stop` in the end.
    """

    def __init__(self, behind: str | None, interfere: Interference | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self.interfere = interfere or (lambda _method, _parameters: None)
        self.behind = behind
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.stand_in = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, body: bytes) -> Http:
        question = json.loads(body)
        self.calls[question["method"]] += 1
        given = self.interfere(question["method"], question["params"])
        if isinstance(given, Http):
            return given
        if given is None:
            if self.behind is None:
                return Http(502)
            request = urllib.request.Request(
                self.behind, body, {"Content-Type": "application/json"}
            )
            with _DIRECT.open(request, timeout=10) as response:
                return Http(200, body=response.read())
        answer = {"jsonrpc": "2.0", "id": question["id"], **given}
        return Http(200, body=json.dumps(answer).encode())


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: two would wait for an acknowledgement in between

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = cast(NodeStandIn, self.server.stand_in).answer(body)  # type: ignore[attr-defined]
        if answer.status is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class Liar:
    """Plays a chain that does not exist: all that it was sent is in a final block at once, with the
    very events that the contracts would have emitted."""

    BLOCK = 424242

    def __init__(self, chain_id: int, commitment_log: bytes, device_registry: bytes) -> None:
        self._chain_id = chain_id
        self._log = "0x" + commitment_log.hex()
        self._devices = "0x" + device_registry.hex()
        self._web3 = Web3()
        self._abi: dict[str, Any] = {
            self._log: self._web3.eth.contract(abi=load("CommitmentLog")["abi"]),
            self._devices: self._web3.eth.contract(abi=load("DeviceID")["abi"]),
        }
        self._sent: dict[str, dict[str, Any]] = {}
        self._tip = (0, bytes(32))

    def __call__(self, method: str, parameters: list[Any]) -> Answer:
        answer = getattr(self, f"_{method}", None)
        return (
            {"error": {"code": -32601, "message": "no such method"}}
            if answer is None
            else {"result": answer(*parameters)}
        )

    def _eth_chainId(self) -> str:
        return hex(self._chain_id)

    def _eth_getCode(self, *_: Any) -> str:
        return "0x60"

    def _eth_getBlockByNumber(self, *_: Any) -> dict[str, Any]:
        return {
            "number": hex(self.BLOCK),
            "baseFeePerGas": "0x7",
            "hash": "0x" + "ab" * 32,
            "receiptsRoot": "0x" + "cd" * 32,
            "transactions": list(self._sent),
        }

    def _eth_getTransactionCount(self, *_: Any) -> str:
        return hex(len(self._sent))

    def _eth_sendRawTransaction(self, raw: str) -> str:
        transaction = bytes.fromhex(raw[2:])
        transaction_hash = "0x" + bytes(Web3.keccak(transaction)).hex()
        fields = rlp.decode(transaction[1:])
        to = "0x" + fields[5].hex()
        sender = self._account(transaction)
        function, named = self._abi[to].decode_function_input(fields[7])
        if function.fn_name == "append":
            head = hashlib.sha256(
                named["previousHead"] + named["root"] + named["size"].to_bytes(4, "big")
            ).digest()
            self._tip = (named["sequence"], head)
            topics = [_topic(self._abi[to], "BatchAnchored"), sender, _word(named["sequence"])]
            data = named["root"] + _word(named["size"]) + head
        else:
            owner = bytes.fromhex(named["registration"]["owner"][2:]).rjust(32, b"\0")
            topics = [_topic(self._abi[to], "DeviceAdded"), named["deviceId"], owner, sender]
            data = _word(named["registration"]["deviceClass"])
        self._sent[transaction_hash] = {
            "transactionHash": transaction_hash,
            "blockNumber": hex(self.BLOCK),
            "status": "0x1",
            "type": "0x2",
            "cumulativeGasUsed": "0x5208",
            "logsBloom": "0x" + bytes(256).hex(),
            "logs": [
                {
                    "address": to,
                    "topics": ["0x" + topic.hex() for topic in topics],
                    "data": "0x" + data.hex(),
                    "blockNumber": hex(self.BLOCK),
                    "transactionHash": transaction_hash,
                }
            ],
        }
        return transaction_hash

    def _eth_getTransactionReceipt(self, transaction_hash: str) -> dict[str, Any] | None:
        return self._sent.get(transaction_hash)

    def _eth_getBlockReceipts(self, *_: Any) -> list[dict[str, Any]]:
        return list(self._sent.values())

    def _eth_getLogs(self, *_: Any) -> list[dict[str, Any]]:
        return [log for receipt in self._sent.values() for log in receipt["logs"]]

    def _eth_call(self, call: dict[str, str], *_: Any) -> str:
        if call["to"] == self._log:
            return "0x" + (_word(self._tip[0]) + self._tip[1]).hex()
        return "0x" + bytes(32).hex()

    def _account(self, transaction: bytes) -> bytes:
        return bytes.fromhex(Account.recover_transaction(transaction)[2:]).rjust(32, b"\0")


def _topic(contract: Any, event: str) -> bytes:
    abi = contract.events[event]().abi
    types = ",".join(field["type"] for field in abi["inputs"])
    return bytes(Web3.keccak(text=f"{event}({types})"))


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")
