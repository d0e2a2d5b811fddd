"""The registry in memory, for tests and trials. Its content ends with the process.

It passes the same conformance suite as the durable registry, so tests may use it instead. It is as
long as that registry's interface, whose parts share one state here.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace

from countersign_gateway.model import (
    Act,
    Admission,
    Batch,
    Decision,
    DeviceRecord,
    Status,
)
from countersign_gateway.registry.enrolment import check_enrolment
from countersign_gateway.registry.interface import (
    Attempt,
    Counts,
    LedgerBinding,
    OutboxKind,
    OutboxRow,
    OutboxState,
    RegistryError,
    RegistryUnusable,
    SignedRegistration,
    Sizes,
    StoredMessage,
)
from support.gateway.memory_admissions import MemoryAdmissions

_OPEN = (OutboxState.PENDING, OutboxState.SIGNED, OutboxState.SENT)


class MemoryRegistry(MemoryAdmissions):
    """interface.Registry in dictionaries and lists."""

    def __init__(self, wall_s: Callable[[], float] = time.time) -> None:
        super().__init__(threading.RLock())
        self._wall_s = wall_s
        self._dropped = 0
        self._devices: dict[bytes, DeviceRecord] = {}
        self._signatures: dict[bytes, bytes] = {}
        self._messages: list[StoredMessage] = []
        self._by_counter: dict[tuple[bytes, int], bytes] = {}
        self._batches: list[Batch] = []
        self._receipted: set[int] = set()
        self._rows: list[OutboxRow] = []
        self._attempts: list[tuple[int, Attempt]] = []
        self._binding: LedgerBinding | None = None
        self._last_upstream_s: float | None = None

    def close(self) -> None:
        pass

    # --- devices and decisions -----------------------------------------------------------

    def device(self, device_id: bytes) -> DeviceRecord | None:
        return self._devices.get(device_id)

    def devices(self) -> Iterator[DeviceRecord]:
        with self._lock:
            return iter(list(self._devices.values()))

    def store(self, decisions: Sequence[Decision]) -> None:
        with self._lock:
            devices = dict(self._devices)
            position = len(self._messages)
            messages: list[StoredMessage] = []
            admissions: list[Admission] = []
            for decision in decisions:
                known = devices.get(decision.device_id)
                if decision.enrolment is not None:
                    check_enrolment(decision, decision.enrolment, known)
                    if known is None:
                        known = replace(decision.enrolment.device, counter=0)
                        admission = decision.enrolment.admission
                        if admission is not None:
                            admissions.append(admission)
                if known is None:
                    raise RegistryError("a decision for a device that is not enrolled")
                if decision.counter <= known.counter:
                    raise RegistryError("a device's counter must grow")
                if len(decision.commitment) != 32:
                    raise RegistryError("a commitment is 32 bytes")
                status = known.status if decision.status is None else decision.status
                _check_revoked(known, status)
                devices[decision.device_id] = replace(
                    known, status=status, counter=decision.counter
                )
                messages.append(
                    StoredMessage(
                        position + len(messages),
                        decision.device_id,
                        decision.counter,
                        decision.message,
                        decision.result,
                        decision.commitment,
                        int(self._wall_s()),
                    )
                )
            # No check can fail from here on, so a call is stored as a whole or not at all.
            self._devices = devices
            self._messages.extend(messages)
            for admission in admissions:
                self._put_admission(admission)
            for decision in decisions:
                digest = hashlib.sha256(decision.message).digest()
                self._by_counter[decision.device_id, decision.counter] = digest
                enrolment = decision.enrolment
                if enrolment is not None and enrolment.registration_signature is not None:
                    self._want_registration(decision.device_id, enrolment.registration_signature)

    def seen(self, device_id: bytes, counter: int, message_digest: bytes) -> bool:
        return self._by_counter.get((device_id, counter)) == message_digest

    def account_mark(self) -> Hashable:
        with self._lock:
            statuses = [device.status for device in self._devices.values()]
            return len(statuses), statuses.count(Status.REVOKED), len(self._acts)

    def prune(self, most: int, before_s: float | None = None) -> int:
        with self._lock:
            end = len(self._messages)
            if self._binding is not None:
                receipted = itertools.takewhile(
                    lambda batch: batch.sequence in self._receipted, self._batches
                )
                end = sum(batch.size for batch in receipted)
            end = min(end, self._dropped + most)
            dropped = 0
            believed = self._dropped
            for position in range(self._dropped, end):
                believed = self._believed(max(position, believed))
                if before_s is not None and (
                    believed == len(self._messages)
                    or self._messages[believed].recorded_s >= before_s
                ):
                    break
                stored = self._messages[position]
                self._by_counter.pop((stored.device_id, stored.counter), None)
                dropped += 1
            self._dropped += dropped
            return dropped

    def _believed(self, position: int) -> int:
        """The next position from this one on whose time is not in the future."""
        now_s = self._wall_s()
        while position < len(self._messages) and self._messages[position].recorded_s > now_s:
            position += 1
        return position

    def sizes(self) -> Sizes:
        kept = self._messages[self._dropped :]
        return Sizes(sum(len(one.message) + len(one.result) for one in kept), 0)

    def set_status(self, device_id: bytes, status: Status, act: Act | None = None) -> None:
        with self._lock:
            known = self._devices.get(device_id)
            if known is None:
                raise RegistryError("no such device")
            _check_revoked(known, status)
            self._devices[device_id] = replace(known, status=status)
            if act is not None:
                self._acts.append(act)

    def raise_counter(self, device_id: bytes, counter: int, act: Act) -> None:
        with self._lock:
            known = self._devices.get(device_id)
            if known is None or counter <= known.counter:
                raise RegistryError("no such device, or a counter that does not grow")
            self._devices[device_id] = replace(known, counter=counter)
            self._acts.append(act)

    # --- totals --------------------------------------------------------------------------

    def last_upstream_s(self) -> float | None:
        return self._last_upstream_s

    def note_upstream(self, wall_s: float) -> None:
        self._last_upstream_s = wall_s

    def counts(self) -> Counts:
        with self._lock:
            appends = [row for row in self._rows if row.kind is OutboxKind.APPEND]
            anchored = list(
                itertools.takewhile(lambda row: row.state is OutboxState.FINALIZED, appends)
            )
            return Counts(
                devices=len(self._devices),
                commitments=len(self._messages),
                batched=sum(batch.size for batch in self._batches),
                batches=len(self._batches),
                anchored=sum(batch.size for batch in self._batches[: len(anchored)]),
                anchored_batches=len(anchored),
                registered=sum(
                    row.kind is OutboxKind.REGISTER and row.state is OutboxState.FINALIZED
                    for row in self._rows
                ),
                outbox_open=sum(row.state < OutboxState.FINALIZED for row in self._rows),
                outbox_failed=sum(row.state is OutboxState.FAILED for row in self._rows),
            )

    # --- commitments and batches ---------------------------------------------------------

    def commitment_count(self) -> int:
        return len(self._messages)

    def commitments(self, first_position: int, count: int) -> list[bytes]:
        with self._lock:
            stored = self._messages[first_position : first_position + count]
        found = [message.commitment for message in stored]
        if len(found) != count:
            raise RegistryError(f"of {count} commitments from {first_position}, {len(found)} exist")
        return found

    def messages(self, first_position: int, count: int) -> Iterator[StoredMessage]:
        with self._lock:
            first = max(first_position, self._dropped)
            return iter(self._messages[first : first_position + count])

    def last_batch(self) -> Batch | None:
        return self._batches[-1] if self._batches else None

    def batch(self, sequence: int) -> Batch | None:
        with self._lock:
            return self._batches[sequence - 1] if 1 <= sequence <= len(self._batches) else None

    def create_batch(self, batch: Batch) -> None:
        with self._lock:
            last = self.last_batch()
            expected = (1, 0, bytes(32))
            if last is not None:
                expected = (last.sequence + 1, last.first_position + last.size, last.head)
            if (batch.sequence, batch.first_position, batch.previous_head) != expected:
                raise RegistryError("a batch must follow the last one")
            if batch.size < 1 or batch.first_position + batch.size > len(self._messages):
                raise RegistryError("a batch must cover durable commitments")
            self._batches.append(batch)
            self._want(OutboxKind.APPEND, batch.sequence.to_bytes(8, "big"))

    # --- outbox --------------------------------------------------------------------------

    def bind_ledger(self, binding: LedgerBinding) -> None:
        with self._lock:
            if self._binding not in (None, binding):
                raise RegistryUnusable("the record anchors to another ledger")
            self._binding = binding

    def bound_ledger(self) -> LedgerBinding | None:
        return self._binding

    def hand_over(self, account: bytes, after_sequence: int) -> None:
        with self._lock:
            if self._binding is None:
                raise RegistryError("the record is bound to no ledger account")
            for row in self._rows:
                final = row.state is OutboxState.FINALIZED
                if row.kind is OutboxKind.APPEND and row.sequence > after_sequence and final:
                    raise RegistryError("a later batch is final under the present account")
            self._binding = replace(self._binding, account=account)
            self._attempts = [
                (owner, replace(attempt, nonce=min(attempt.nonce, -1 - attempt.nonce)))
                for owner, attempt in self._attempts
            ]
            for row in list(self._rows):
                later = (
                    row.sequence > after_sequence
                    if row.kind is OutboxKind.APPEND
                    else row.state not in (OutboxState.FINALIZED, OutboxState.FAILED)
                )
                self._put(replace(row, nonce=None))
                if later:
                    detail = "goes on under another ledger account"
                    self._put(replace(row, nonce=None, tries=0))
                    self._mark(row.row_id, OutboxState.PENDING, detail=detail)

    def outbox(
        self, states: Sequence[OutboxState], limit: int, kind: OutboxKind | None = None
    ) -> list[OutboxRow]:
        with self._lock:
            return [row for row in self._rows if row.state in states and kind in (None, row.kind)][
                :limit
            ]

    def outbox_row(self, kind: OutboxKind, subject: bytes) -> OutboxRow | None:
        with self._lock:
            for row in self._rows:
                if row.kind is kind and row.subject == subject:
                    return row
        return None

    def outbox_from_nonce(self, nonce: int) -> list[OutboxRow]:
        with self._lock:
            found = [(row.nonce, row) for row in self._rows if row.nonce is not None]
        return [row for number, row in sorted(found, key=lambda pair: pair[0]) if number >= nonce]

    def attempts(self, row_id: int) -> list[Attempt]:
        with self._lock:
            return [attempt for owner, attempt in self._attempts if owner == row_id]

    def attempts_from_nonce(self, nonce: int) -> list[Attempt]:
        with self._lock:
            found = [attempt for _, attempt in self._attempts if attempt.nonce >= nonce]
        return sorted(found, key=lambda attempt: attempt.nonce)

    def next_nonce(self) -> int | None:
        with self._lock:
            return max((attempt.nonce + 1 for _, attempt in self._attempts), default=None)

    def store_signed(self, row_id: int, attempt: Attempt) -> None:
        with self._lock:
            row = self._row(row_id)
            if row.state not in _OPEN:
                raise RegistryError("only an open row can be signed")
            for owner, other in self._attempts:
                if other.nonce == attempt.nonce and owner != row_id:
                    raise RegistryError("another row has used this nonce")
                if other.transaction_hash == attempt.transaction_hash:
                    raise RegistryError("this transaction is stored already")
            self._attempts.append((row_id, attempt))
            tries = row.tries + (row.nonce != attempt.nonce)
            self._put(replace(row, state=OutboxState.SIGNED, nonce=attempt.nonce, tries=tries))

    def mark_sent(self, row_id: int) -> None:
        self._mark(row_id, OutboxState.SENT)

    def mark_included(self, row_id: int, block_number: int, transaction_hash: bytes) -> None:
        self._mark(row_id, OutboxState.INCLUDED, block_number, transaction_hash)

    def mark_finalized(self, row_id: int, block_number: int, transaction_hash: bytes) -> None:
        self._mark(row_id, OutboxState.FINALIZED, block_number, transaction_hash)

    def mark_pending(self, row_id: int, detail: str) -> None:
        self._mark(row_id, OutboxState.PENDING, detail=detail)

    def mark_failed(self, row_id: int, detail: str) -> None:
        self._mark(row_id, OutboxState.FAILED, detail=detail)

    def signed_registration(self, device_id: bytes) -> SignedRegistration | None:
        with self._lock:
            signature = self._signatures.get(device_id)
            if signature is None:
                return None
            return SignedRegistration(self._devices[device_id], signature)

    # --- receipts ------------------------------------------------------------------------

    def unreceipted(self) -> list[int]:
        with self._lock:
            return sorted(
                row.sequence
                for row in self._rows
                if row.kind is OutboxKind.APPEND
                and row.state is OutboxState.FINALIZED
                and row.sequence not in self._receipted
            )

    def note_receipted(self, sequence: int) -> None:
        with self._lock:
            if self.batch(sequence) is None:
                raise RegistryError("no such batch")
            self._receipted.add(sequence)

    # --- inside --------------------------------------------------------------------------

    def _want(self, kind: OutboxKind, subject: bytes) -> None:
        row_id = len(self._rows) + 1
        self._rows.append(
            OutboxRow(row_id, kind, subject, OutboxState.PENDING, None, 0, None, None, "")
        )

    def _want_registration(self, device_id: bytes, signature: bytes) -> None:
        row = self.outbox_row(OutboxKind.REGISTER, device_id)
        if row is not None and row.state is not OutboxState.FAILED:
            return
        self._signatures[device_id] = signature
        if row is None:
            self._want(OutboxKind.REGISTER, device_id)
        else:
            self._put(replace(row, state=OutboxState.PENDING, nonce=None, tries=0))

    def _mark(
        self,
        row_id: int,
        state: OutboxState,
        block_number: int | None = None,
        transaction_hash: bytes | None = None,
        detail: str = "",
    ) -> None:
        with self._lock:
            row = self._row(row_id)
            self._put(
                replace(
                    row,
                    state=state,
                    block_number=block_number,
                    transaction_hash=transaction_hash,
                    detail=detail,
                    nonce=None if state is OutboxState.PENDING else row.nonce,
                )
            )

    def _row(self, row_id: int) -> OutboxRow:
        if not 1 <= row_id <= len(self._rows):
            raise RegistryError("no such outbox row")
        return self._rows[row_id - 1]

    def _put(self, row: OutboxRow) -> None:
        self._rows[row.row_id - 1] = row


def _check_revoked(known: DeviceRecord, status: Status) -> None:
    if known.status is Status.REVOKED and status is not Status.REVOKED:
        raise RegistryError("a revoked device stays revoked")
