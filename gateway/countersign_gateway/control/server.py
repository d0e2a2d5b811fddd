"""Takes acts on the socket, and has the pipeline's thread carry them out.

    connection ─▶ who is it? ─▶ one request ─▶ queue ─▶ [pipeline] perform ─▶ one answer

One thread serves one connection at a time, each for a bounded time, so the gateway gives people a
bounded share of itself. A process of another user cannot open the socket; if it got hold of one
that is open, the kernel still tells who it is.
"""

from __future__ import annotations

import os
import queue
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from pathlib import Path
from typing import Any

from countersign_gateway.control import address, wire
from countersign_gateway.control.acts import ACTS, READING, perform
from countersign_gateway.control.people import Caller, People, Refused
from countersign_gateway.operations.log import EventLog

REQUEST_S = 5.0
PERFORM_S = 20.0
_PAUSE_S = 0.2


class ControlServer:
    """`start`, then `carry_out` from the pipeline's thread whenever `wake` was called; `stop`."""

    def __init__(
        self, folder: Path, people: People, log: EventLog, wake: Callable[[], None]
    ) -> None:
        self._folder = folder
        self._people = people
        self._log = log
        self._wake = wake
        self._asked: queue.SimpleQueue[tuple[Future[dict[str, Any]], Caller, dict[str, Any]]] = (
            queue.SimpleQueue()
        )
        self._stopping = threading.Event()
        self._server: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)

    def start(self) -> None:
        """Listen. OSError if the folder cannot be used."""
        self._server = address.listen(self._folder)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown(socket.SHUT_RDWR)  # ends the thread's `accept`
        if self._thread.is_alive():
            self._thread.join(REQUEST_S + PERFORM_S)
        if self._server is not None:
            self._server.close()
            (self._folder / address.NAME).unlink(missing_ok=True)

    def carry_out(self) -> None:
        """Perform what was asked for. The pipeline's thread calls it between two groups."""
        while not self._asked.empty():
            promise, caller, request = self._asked.get()
            if not promise.set_running_or_notify_cancel():
                continue  # nobody waits for it any more
            try:
                promise.set_result(perform(self._people, caller, **request))
            except Refused as refused:
                promise.set_exception(refused)
            except Exception as error:  # noqa: BLE001 - the pipeline goes on
                self._log.fault("act_fault", error)
                promise.set_exception(Refused("the gateway met a fault of its own; see its log"))

    def _serve(self) -> None:
        if self._server is None:
            raise RuntimeError("start comes first")
        while not self._stopping.is_set():
            try:
                connection, _ = self._server.accept()
            except OSError as error:
                if not self._stopping.wait(_PAUSE_S):
                    self._log.fault("control_fault", error)
                continue
            with connection:
                try:
                    self._answer(connection)
                except OSError as error:
                    self._log.event("control_connection_lost", error=type(error).__name__)
                except Exception as error:  # noqa: BLE001 - the next one is served
                    self._log.fault("control_fault", error)

    def _answer(self, connection: socket.socket) -> None:
        caller = _caller(connection)
        try:
            request = wire.receive(connection, wire.MOST_REQUEST_BYTES, REQUEST_S)
            if caller.uid not in (0, os.geteuid()):
                raise Refused("this user may not act here")
            answer = self._performed(caller, request)
        except (Refused, wire.NotUnderstood) as refused:
            said = "\n".join(str(sentence) for sentence in refused.args)
            self._log.event("act_refused", uid=caller.uid, pid=caller.pid, why=said[:500])
            wire.send(connection, {"ok": False, "fault": said})
            return
        connection.settimeout(REQUEST_S)
        wire.send(connection, {"ok": True, "answer": answer})

    def _performed(self, caller: Caller, request: dict[str, Any]) -> dict[str, Any]:
        name, arguments = request.get("act"), request.get("arguments")
        if set(request) != {"act", "arguments"} or not isinstance(arguments, dict):
            raise wire.NotUnderstood("a request has act and arguments, and nothing else")
        if not isinstance(name, str) or name not in ACTS:
            raise Refused("there is no such act")
        promise: Future[dict[str, Any]] = Future()
        self._asked.put((promise, caller, {"name": name, "arguments": arguments}))
        self._wake()
        try:
            answer = promise.result(PERFORM_S)
        except NotInTime:
            if promise.cancel():
                raise Refused("the gateway is too busy: nothing was done; try again") from None
            answer = promise.result(PERFORM_S)
        if name not in READING:
            said = str(answer.get("said", ""))
            self._log.event("act", act=name, uid=caller.uid, pid=caller.pid, said=said)
        return answer


def _caller(connection: socket.socket) -> Caller:
    pid, uid, _ = struct.unpack(
        "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    )
    return Caller(uid, pid)
