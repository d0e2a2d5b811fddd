"""One request and one answer on a connection, each a JSON object on a line of bounded length.

{"act": "suspend", "arguments": {"device": "bed-7"}}
{"ok": true, "answer": {…}}        {"ok": false, "fault": "a sentence"}
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from countersign_gateway.control import strict_json

# An admission list of 1 MiB in base64 fits, and the list of some 50,000 devices.
MOST_REQUEST_BYTES = 2 * 1024 * 1024
MOST_ANSWER_BYTES = 32 * 1024 * 1024


class NotUnderstood(Exception):
    """The line is no request, or no answer. The text is a sentence that quotes nothing."""


def send(connection: socket.socket, value: dict[str, Any]) -> None:
    connection.sendall(json.dumps(value).encode("ascii") + b"\n")


def receive(connection: socket.socket, most: int, within_s: float) -> dict[str, Any]:
    """The object on the next line. NotUnderstood, TimeoutError, or another OSError."""
    deadline_s = time.monotonic() + within_s
    data = bytearray()
    while not data.endswith(b"\n"):
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("no whole line came in time")
        connection.settimeout(left_s)
        more = connection.recv(65536)
        if not more:
            raise NotUnderstood("the line ended before it was whole")
        data += more
        if len(data) > most:
            raise NotUnderstood("the line is too long")
    if data.index(b"\n") != len(data) - 1:
        raise NotUnderstood("there is more than one line")
    return parse(bytes(data))


def parse(line: bytes) -> dict[str, Any]:
    """The object on a line. NotUnderstood unless it is one, with no key twice and no fractions."""
    try:
        value = strict_json.loads(line.decode("utf-8"))
    except ValueError:
        raise NotUnderstood("the line is not JSON as this socket takes it") from None
    if not isinstance(value, dict):
        raise NotUnderstood("the line is not one JSON object")
    return value
