"""Under load, another process reads evidence and checks its signature, ahead of the pipeline.

Reading a message and verifying its signature take half of the time that a message takes. Neither
depends on what other messages change, since a device's key is fixed with its identity. A second
process can therefore do that half early, and Python uses a second core. The pipeline's thread still
decides everything else about a message, in order. Messages other than plain evidence of a known
device pass on unread. So do all messages while there is no worker: the pipeline then reads them.

    intake ─▶ feeder ─▶ worker process ─▶ collector ─▶ examined ─▶ the pipeline
                 └────────── few messages ────────────────▲

A quiet site, or one with a single core, never starts the worker, and pays one more queue. See
decision 0014.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, BinaryIO

from countersign import messages
from countersign.messages.envelope import Definition
from countersign_gateway.ingress.intake import Intake
from countersign_gateway.model import DeviceRecord, Envelope
from countersign_gateway.operations.log import EventLog
from countersign_gateway.verification import worker

_EVIDENCE: Definition = messages.BY_TYPE[messages.EVIDENCE]
AT_ONCE = 256
# If fewer messages than this wait, the pipeline reads them sooner than a worker could.
WORTH_A_WORKER = 32
RESTART_S = 10.0


@dataclass(frozen=True, slots=True)
class Examined(Envelope):
    """Evidence that the worker has read ahead; the verifier uses it as a findings.Reading.

    fields: its claims by name; well-formed, in the one encoding that is allowed. genuine: whether
    it names the topic's device and the holder of `checked_key` signed it. The verifier decides
    whether that is the device's key.
    """

    fields: dict[str, Any]
    checked_key: bytes
    genuine: bool

    @property
    def definition(self) -> Definition:
        return _EVIDENCE

    def signed_by(self, public_key: bytes) -> bool:
        return self.genuine and public_key == self.checked_key


@dataclass(frozen=True, slots=True)
class _Batch:
    """asked: the index of each envelope that was given to the worker, and its device's key."""

    envelopes: list[Envelope]
    asked: list[tuple[int, bytes]]


class ReadAhead:
    """One thread runs `run`. device: the registry's method of that name, safe from any thread."""

    def __init__(
        self,
        device: Callable[[bytes], DeviceRecord | None],
        log: EventLog,
        cores: int | None = None,
    ) -> None:
        self._device = device
        self._log = log
        self._cores = cores or os.cpu_count() or 1
        self._worker: _Worker | None = None
        self._not_before_s = 0.0

    def run(self, intake: Intake, examined: Intake) -> None:
        """Pass on all envelopes, as taken, until `intake` is closed and empty; close `examined`."""
        try:
            while True:
                envelopes = intake.take(AT_ONCE, timeout_s=1.0)
                if envelopes:
                    self._hand_on(envelopes, examined)
                elif intake.closed:
                    return
        finally:
            self._dismiss()
            examined.close()

    def _hand_on(self, envelopes: list[Envelope], examined: Intake) -> None:
        busy = len(envelopes) + len(examined) >= WORTH_A_WORKER
        working = self._worker is not None and not self._worker.idle
        # While the worker has envelopes, all others must queue behind them to keep the order.
        if (busy or working) and self._hired(examined):
            batch = self._batch(envelopes)
            if self._worker is not None and self._worker.give(batch):
                return
            # The worker has died. `_dismiss` waits until all its batches are passed on.
            self._dismiss()
            self._not_before_s = time.monotonic() + RESTART_S
            self._log.event("verification_worker_lost", retry_s=RESTART_S)
            return
        examined.put_all(envelopes)

    def _batch(self, envelopes: list[Envelope]) -> tuple[_Batch, list[worker.Question]]:
        asked, questions = [], []
        for number, envelope in enumerate(envelopes):
            if envelope.kind == "evidence" and envelope.device_id is not None:
                device = self._device(envelope.device_id)
                if device is not None:
                    asked.append((number, device.public_key))
                    questions.append((envelope.device_id, device.public_key, envelope.payload))
        return _Batch(envelopes, asked), questions

    def _hired(self, examined: Intake) -> bool:
        """Whether there is a worker; starts one first if that is due."""
        due = self._cores > 1 and time.monotonic() >= self._not_before_s
        if self._worker is None and due:
            try:
                self._worker = _Worker(examined)
            except OSError as error:
                self._not_before_s = time.monotonic() + RESTART_S
                self._log.event("verification_worker_missing", error=type(error).__name__)
        return self._worker is not None

    def _dismiss(self) -> None:
        if self._worker is not None:
            self._worker.finish()
            self._worker = None


class _Worker:
    """One worker process and the thread that collects its answers."""

    def __init__(self, examined: Intake) -> None:
        """OSError if no process can be started."""
        self._examined = examined
        self._given = 0  # batches; only the feeder writes it
        self._handed_on = 0  # batches; only the collector writes it
        self._batches: SimpleQueue[_Batch | None] = SimpleQueue()
        self._process = subprocess.Popen(
            # -P: the worker must not import from the folder that the gateway runs in.
            [sys.executable, "-P", "-m", worker.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._collector = threading.Thread(target=self._collect, name="collector", daemon=True)
        self._collector.start()

    @property
    def idle(self) -> bool:
        return self._given == self._handed_on

    def give(self, batch: tuple[_Batch, list[worker.Question]]) -> bool:
        """Send a batch; the collector passes it on in any case. False if the worker has died."""
        entry, questions = batch
        self._given += 1
        self._batches.put(entry)
        try:
            worker.write(_stream(self._process.stdin), questions)
        except OSError:
            return False
        return True

    def finish(self) -> None:
        """Let the worker answer the batches that it has, then end it."""
        try:
            _stream(self._process.stdin).close()
        except OSError:
            pass  # the worker has died, and the bytes on their way to it are lost
        self._batches.put(None)
        self._collector.join()
        self._process.kill()
        self._process.wait()
        _stream(self._process.stdout).close()

    def _collect(self) -> None:
        answering = True
        while (batch := self._batches.get()) is not None:
            envelopes = batch.envelopes
            if answering:
                try:
                    envelopes = _answered(batch, worker.read(_stream(self._process.stdout)))
                except (EOFError, OSError, TypeError, ValueError):
                    # The feeder notices at its next write; the other batches pass on unexamined.
                    answering = False
                    self._process.kill()
            self._examined.put_all(envelopes)
            self._handed_on += 1


def _answered(batch: _Batch, answers: list[worker.Answer]) -> list[Envelope]:
    envelopes = list(batch.envelopes)
    for (number, public_key), answer in zip(batch.asked, answers, strict=True):
        if answer is not None:
            genuine, claims = answer
            plain = envelopes[number]
            envelopes[number] = Examined(
                plain.device_id,
                plain.kind,
                plain.payload,
                plain.acknowledge,
                claims,
                public_key,
                genuine,
                origin=plain.origin,
                account=plain.account,
            )
    return envelopes


def _stream(stream: Any) -> BinaryIO:
    """A pipe of a process that was started with pipes."""
    piped: BinaryIO = stream
    return piped
