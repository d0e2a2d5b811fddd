"""The anchoring thread: cut batches, move the outbox, hand out receipts.

`step` does one round and takes the time as an argument, so that a test can drive it; `run` repeats
it in a loop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from countersign_gateway.anchoring.batcher import Batcher
from countersign_gateway.anchoring.ledger import Rejected, UpstreamDown
from countersign_gateway.anchoring.outbox import Outbox
from countersign_gateway.anchoring.pace import Pace
from countersign_gateway.anchoring.progress import Progress
from countersign_gateway.anchoring.receipts import Receipts
from countersign_gateway.model import Reply
from countersign_gateway.operations.log import EventLog
from countersign_gateway.registry.interface import Batches, ReceiptsOwed


class WorkerRegistry(Batches, ReceiptsOwed, Protocol):
    """The part of the registry that the worker needs."""


class AnchoringWorker:
    """The work of the stage's only thread."""

    def __init__(
        self,
        *,
        registry: WorkerRegistry,
        batcher: Batcher,
        outbox: Outbox,
        receipts: Receipts,
        progress: Progress,
        log: EventLog,
        on_contact: Callable[[], None],
        on_reply: Callable[[Reply], None],
        pace: Pace | None = None,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        """on_contact: called when the chain goes on, and nothing keeps batches off it.
        wall_s: seconds since the epoch, for people only. on_reply: takes each
        receipt of a final batch; receipts come again if the process dies before all of the batch
        were handed out. Both are called on this thread.
        """
        self._registry = registry
        self._batcher = batcher
        self._outbox = outbox
        self._receipts = receipts
        self._progress = progress
        self._log = log
        self._on_contact = on_contact
        self._on_reply = on_reply
        self._pace = pace or Pace()
        self._wall_s = wall_s
        self._down_reason: str | None = None
        # Unix seconds since when no batch could reach the ledger; None while batches can.
        self.not_anchoring_since_s: float | None = None

    def step(self, now_s: float) -> bool:
        """Do one round at `now_s` (monotonic seconds). Returns whether the ledger answered.

        A round in which the ledger need not be asked yet returns what the last one did. The round
        cuts batches and hands out receipts in either case.
        """
        for batch in self._batcher.step(now_s):
            self._log.event("batch", batch=batch.sequence, size=batch.size, root=batch.root)
        answered = self._reach_ledger(now_s)
        for sequence in self._registry.unreceipted():
            self._hand_out(sequence)
        return answered

    def run(self, stop: threading.Event, interval_s: float = 1.0) -> None:
        """Step until `stop` is set. A fault ends one round, never the thread."""
        while not stop.is_set():
            try:
                self.step(time.monotonic())
            except Exception as error:  # noqa: BLE001 - the next round starts from the record
                self._log.fault("anchoring_fault", error)
                self._outbox.disconnected()
            stop.wait(interval_s)

    def _reach_ledger(self, now_s: float) -> bool:
        busy = self._outbox.busy(now_s)
        if not self._pace.due(now_s, busy=busy or self._progress.undecided(now_s)):
            return self._down_reason is None
        looking = busy or self._pace.look_due(now_s)
        waited = self._outbox.awaits_block()
        try:
            if looking or not self._outbox.confirm(with_head=self._progress.needs_head):
                looking = True
                self._outbox.step(now_s)
        except UpstreamDown as down:
            self._pace.failed(now_s, down.retry_after_s)
            self._note_down(str(down))
            return False
        except Rejected as rejected:
            # A wrong chain, or one without our contracts, counts as no ledger.
            self._pace.failed(now_s, None)
            self._note_down(rejected.reason)
            return False
        self._pace.answered(now_s, looked=looking)
        if self._down_reason is not None:
            self._log.event("upstream_back")
            self._down_reason = None
        newest = self._registry.last_batch()
        if newest is not None:
            self._progress.note_batches(now_s, self._outbox.oldest_open(), newest.sequence)
        head = self._outbox.head
        goes_on = self._progress.goes_on(now_s, head.latest if head else None, waited=waited)
        stalled = self._progress.stalled(now_s)
        if self._outbox.anchoring_blocked:
            # A ledger that answers and takes nothing is no ledger: the verdicts become degraded.
            self._note_not_anchoring(self._outbox.problem or "")
        elif stalled is not None:
            # A chain that answers and stands still takes nothing either.
            self._note_not_anchoring(*stalled)
        elif goes_on:
            self._note_anchoring()
            self._on_contact()
        return True

    def _note_down(self, reason: str) -> None:
        if reason != self._down_reason:
            self._log.event("upstream_down", cause=reason)
        self._down_reason = reason
        self._note_not_anchoring(reason)
        self._outbox.disconnected()

    def _note_not_anchoring(self, reason: str, elapsed_s: float = 0.0) -> None:
        if self.not_anchoring_since_s is None:
            self.not_anchoring_since_s = since_s = self._wall_s() - elapsed_s
            self._log.event("not_anchoring", cause=reason, since_s=int(since_s))

    def _note_anchoring(self) -> None:
        if self.not_anchoring_since_s is not None:
            self._log.event("anchoring_again", since_s=int(self.not_anchoring_since_s))
            self.not_anchoring_since_s = None

    def _hand_out(self, sequence: int) -> None:
        batch = self._registry.batch(sequence)
        if batch is None:
            raise LookupError("a finalized append without its batch")
        anchored = self._outbox.anchored(sequence)
        for reply in self._receipts.replies(batch, anchored):
            self._on_reply(reply)
        self._registry.note_receipted(sequence)
        self._log.event(
            "anchored",
            batch=sequence,
            size=batch.size,
            block=anchored.block_number,
            transaction=anchored.transaction_hash,
        )
