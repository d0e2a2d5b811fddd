"""JSON-RPC over HTTP to one node. Only this file opens connections to a ledger.

A request is made once and never repeated here. It ends within the timeout, whatever the node does,
and an answer is read up to a limit. Proxies of the environment are not used for a node on this
machine, and no redirect is followed: it could lead an access token to another host.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from datetime import UTC, datetime
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from countersign_contracts.loopback import is_loopback
from countersign_gateway.anchoring import answers
from countersign_gateway.anchoring.ledger import UpstreamDown

# The receipts of a full block are about 2 MB.
_MOST_BYTES = 32 * 1024 * 1024
_CHUNK_BYTES = 65536
_LONGEST_REST_S = 3600.0
# Receipts are nested five deep.
_DEEPEST = 32
# A string, or what is left of one: a quotation mark that stands alone must not be searched twice.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
# What these say passes by itself: too many requests, a gateway's or server's own trouble.
_BUSY = (429, 502, 503, 504)


class Node:
    """One endpoint. `url` may hold an access token, so neither errors nor repr show it."""

    def __init__(self, url: str, timeout_s: float = 5.0) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = not is_loopback(url)
        self._requests = 0

    def __repr__(self) -> str:
        return "Node()"

    def request(self, method: str, parameters: list[Any]) -> dict[str, Any]:
        """One round trip: the answer with its `result` or `error`. UpstreamDown without one."""
        self._requests += 1
        question = {"jsonrpc": "2.0", "id": self._requests, "method": method, "params": parameters}
        try:
            answer = _parsed(self._post(method, question))
        # The text of these exceptions shows the URL.
        except requests.RequestException as error:
            raise UpstreamDown(f"{method}: {type(error).__name__}") from None
        except (OSError, HTTPError, ValueError) as error:
            raise UpstreamDown(f"{method}: {type(error).__name__}") from None
        if not isinstance(answer, dict):
            raise UpstreamDown(f"{method}: not a JSON-RPC answer")
        if answer.get("error") is not None:
            return {"error": answer["error"]}
        if "result" not in answer:
            raise UpstreamDown(f"{method}: not a JSON-RPC answer")
        return {"result": answer["result"]}

    def ask(self, method: str, parameters: list[Any]) -> Any:
        """The result of a request. UpstreamDown if the node answers with an error, whichever."""
        answer = self.request(method, parameters)
        if "error" in answer:
            raise UpstreamDown(f"{method}: {answers.message(answer['error'])}")
        return answer["result"]

    def _post(self, method: str, question: dict[str, Any]) -> bytes:
        deadline_s = time.monotonic() + self._timeout_s
        with self._session.post(
            self._url, json=question, timeout=self._timeout_s, stream=True, allow_redirects=False
        ) as response:
            if response.status_code != 200 and response.status_code in _BUSY:
                raise UpstreamDown(
                    f"{method}: HTTP status {response.status_code}",
                    retry_after_s=_retry_after_s(response.headers.get("Retry-After")),
                )
            body = bytearray()
            # read1 returns what has arrived; iter_content would wait for a whole chunk, however
            # long a node takes over it.
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise UpstreamDown(f"{method}: an answer of more than {_MOST_BYTES} bytes")
                if time.monotonic() > deadline_s:
                    raise UpstreamDown(f"{method}: Timeout while it answered")
            # Some nodes put a JSON-RPC error into an answer with status 400 or 500.
            if response.status_code != 200 and not bytes(body).lstrip().startswith(b"{"):
                raise UpstreamDown(f"{method}: HTTP status {response.status_code}")
        return bytes(body)


def _parsed(body: bytes) -> Any:
    """The JSON value of `body`. ValueError if it is none, or is nested deeper than any answer.

    py_ecc, which eth_account brings, raises Python's limit of recursion to 100,000. A body of that
    many brackets would then overflow the stack, and end the process.
    """
    depth = 0
    for bracket in _STRING.sub(b"", body).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > _DEEPEST:
            raise ValueError("nested too deep")
    return json.loads(body)


def _retry_after_s(header: str | None) -> float | None:
    """The seconds of a Retry-After header (RFC 9110 section 10.2.3), at most an hour."""
    if header is None:
        return None
    if header.strip().isdecimal():
        seconds = float(header)
    else:
        try:
            moment = email.utils.parsedate_to_datetime(header)
        except ValueError:
            return None
        if moment.tzinfo is None:
            return None
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_REST_S)
