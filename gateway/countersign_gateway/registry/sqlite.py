# ruff: noqa: S608 (only constants of these modules are put into the SQL)
"""The durable record in one SQLite file: devices, decisions, commitments and batches.

The outbox half of the interface is in sqlite_outbox.py; tables and what the database enforces
are in schema.py; opening is in connection.py.

Messages are never pruned yet. When they are: only below the first batch without receipts, and
`seen` then answers False for what is gone (OUT_OF_ORDER in place of REPLAYED; refused alike).
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from countersign_gateway.model import Batch, Decision, DeviceRecord, Status
from countersign_gateway.registry.connection import Connections
from countersign_gateway.registry.enrolment import check_enrolment
from countersign_gateway.registry.interface import (
    Counts,
    OutboxKind,
    OutboxState,
    RegistryError,
    StoredMessage,
)
from countersign_gateway.registry.sqlite_outbox import (
    DEVICE_COLUMNS,
    OutboxTables,
    device_from_row,
)

_BATCH_COLUMNS = "sequence, first_position, size, root, previous_head, head"
_SLICE = 500
_UPSTREAM_PERSIST_S = 10

# Devices kept in memory, some 700 bytes each: a site has hundreds to thousands.
_CACHED_DEVICES = 65_536


class SqliteRegistry(OutboxTables):
    """interface.Registry on SQLite."""

    def __init__(self, path: Path, gateway_id: bytes) -> None:
        """Open or create the record. Raises RegistryUnusable; see connection.Connections."""
        super().__init__(Connections(path, gateway_id))
        self._cache_lock = threading.Lock()
        self._cache: dict[bytes, tuple[int, DeviceRecord]] = {}
        self._cache_generation = 0
        with self._connections.read() as reader:
            row = reader.execute("SELECT last_upstream_s FROM gateway").fetchone()
        self._last_upstream_s: float | None = row[0]
        self._persisted_upstream_s: float | None = row[0]

    def close(self) -> None:
        self._connections.close()

    # --- devices and decisions -----------------------------------------------------------

    def device(self, device_id: bytes) -> DeviceRecord | None:
        found = self._numbered(device_id)
        return None if found is None else found[1]

    def devices(self) -> Iterator[DeviceRecord]:
        with self._connections.read() as reader:
            rows = reader.execute(
                f"SELECT {DEVICE_COLUMNS} FROM devices JOIN counters ON device = number"
                " ORDER BY number"
            ).fetchall()
        return (device_from_row(row) for row in rows)

    def store(self, decisions: Sequence[Decision]) -> None:
        if not decisions:
            return
        # Devices as this call leaves them; they reach the cache only once they are durable.
        touched: dict[bytes, tuple[int, DeviceRecord]] = {}
        with self._connections.write() as writer:
            position = _next_position(writer)
            counters, commitments, messages = [], [], []
            for decision in decisions:
                number, known = self._enter(writer, decision, touched)
                counters.append((decision.counter, number))
                commitments.append((position, decision.commitment))
                messages.append(
                    (position, number, decision.counter, decision.message, decision.result)
                )
                touched[decision.device_id] = (number, _after(known, decision))
                position += 1
            moved = writer.executemany(
                "UPDATE counters SET counter = ? WHERE device = ?", counters
            ).rowcount
            if moved != len(decisions):
                raise RegistryError("a device has no counter row")
            writer.executemany("INSERT INTO commitments VALUES (?, ?)", commitments)
            writer.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?)", messages)
            writer.executemany(
                "UPDATE devices SET status = ? WHERE number = ?",
                [
                    (int(decision.status), touched[decision.device_id][0])
                    for decision in decisions
                    if decision.status is not None
                ],
            )
        self._cache_write(touched)

    def seen(self, device_id: bytes, counter: int, message_digest: bytes) -> bool:
        found = self._numbered(device_id)
        if found is None:
            return False
        with self._connections.read() as reader:
            row = reader.execute(
                "SELECT message FROM messages WHERE device = ? AND counter = ?",
                (found[0], counter),
            ).fetchone()
        return row is not None and hashlib.sha256(row[0]).digest() == message_digest

    def set_status(self, device_id: bytes, status: Status) -> None:
        with self._connections.write() as writer:
            found = self._read_device(writer, device_id)
            if found is None:
                raise RegistryError("no such device")
            number, device = found
            writer.execute("UPDATE devices SET status = ? WHERE number = ?", (int(status), number))
        self._cache_write({device_id: (number, replace(device, status=status))})

    def last_upstream_s(self) -> float | None:
        return self._last_upstream_s

    def note_upstream(self, wall_s: float) -> None:
        self._last_upstream_s = wall_s
        persisted = self._persisted_upstream_s
        if persisted is not None and abs(wall_s - persisted) < _UPSTREAM_PERSIST_S:
            return
        with self._connections.write() as writer:
            writer.execute("UPDATE gateway SET last_upstream_s = ?", (wall_s,))
        self._persisted_upstream_s = wall_s

    def counts(self) -> Counts:
        with self._connections.read() as reader:
            # Appends become final in order, so the first open one says how far they are; only
            # open rows are read, however long the history.
            row = reader.execute(
                "WITH waiting (batch) AS (SELECT min(batch) FROM outbox"
                "   WHERE state IN (1, 2, 3, 4, 6) AND kind = ?1),"
                " last (sequence, position) AS (SELECT max(sequence), first_position + size"
                "   FROM batches)"
                " SELECT (SELECT count(*) FROM devices),"
                " (SELECT coalesce(max(position) + 1, 0) FROM commitments),"
                " coalesce(last.position, 0), coalesce(last.sequence, 0),"
                " coalesce((SELECT first_position FROM batches"
                "   WHERE sequence = waiting.batch), last.position, 0),"
                " coalesce(waiting.batch - 1, last.sequence, 0),"
                " (SELECT count(*) FROM outbox WHERE state = ?3 AND kind = ?2),"
                " (SELECT count(*) FROM outbox WHERE state IN (1, 2, 3, 4)),"
                " (SELECT count(*) FROM outbox WHERE state = ?4)"
                " FROM waiting, last",
                (
                    int(OutboxKind.APPEND),
                    int(OutboxKind.REGISTER),
                    int(OutboxState.FINALIZED),
                    int(OutboxState.FAILED),
                ),
            ).fetchone()
        return Counts(*row)

    # --- commitments and batches ---------------------------------------------------------

    def commitment_count(self) -> int:
        with self._connections.read() as reader:
            return _next_position(reader)

    def commitments(self, first_position: int, count: int) -> list[bytes]:
        with self._connections.read() as reader:
            rows = reader.execute(
                "SELECT commitment FROM commitments WHERE position >= ? AND position < ?"
                " ORDER BY position",
                (first_position, first_position + count),
            ).fetchall()
        if len(rows) != count:
            raise RegistryError(f"of {count} commitments from {first_position}, {len(rows)} exist")
        return [row[0] for row in rows]

    def messages(self, first_position: int, count: int) -> Iterator[StoredMessage]:
        end = first_position + count
        for start in range(first_position, end, _SLICE):
            with self._connections.read() as reader:
                rows = reader.execute(
                    "SELECT position, device_id, counter, message, result, commitment"
                    " FROM messages JOIN devices ON device = number"
                    " JOIN commitments USING (position)"
                    " WHERE position >= ? AND position < ? ORDER BY position",
                    (start, min(start + _SLICE, end)),
                ).fetchall()
            for row in rows:
                yield StoredMessage(*row)

    def last_batch(self) -> Batch | None:
        with self._connections.read() as reader:
            row = reader.execute(
                f"SELECT {_BATCH_COLUMNS} FROM batches ORDER BY sequence DESC LIMIT 1"
            ).fetchone()
        return None if row is None else Batch(*row)

    def batch(self, sequence: int) -> Batch | None:
        with self._connections.read() as reader:
            row = reader.execute(
                f"SELECT {_BATCH_COLUMNS} FROM batches WHERE sequence = ?", (sequence,)
            ).fetchone()
        return None if row is None else Batch(*row)

    def create_batch(self, batch: Batch) -> None:
        with self._connections.write() as writer:
            writer.execute(
                f"INSERT INTO batches ({_BATCH_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    batch.sequence,
                    batch.first_position,
                    batch.size,
                    batch.root,
                    batch.previous_head,
                    batch.head,
                ),
            )
            self._want(writer, OutboxKind.APPEND, batch.sequence)

    # --- inside --------------------------------------------------------------------------

    def _enter(
        self,
        writer: sqlite3.Connection,
        decision: Decision,
        touched: dict[bytes, tuple[int, DeviceRecord]],
    ) -> tuple[int, DeviceRecord]:
        """The decision's device with its row number, entered first if the decision enrols it."""
        found = touched.get(decision.device_id) or self._numbered(decision.device_id, writer)
        enrolment = decision.enrolment
        if enrolment is None:
            if found is None:
                raise RegistryError("a decision for a device that is not enrolled")
            return found
        check_enrolment(decision, enrolment, None if found is None else found[1])
        if found is None:
            number = _insert_device(writer, enrolment.device)
            found = (number, enrolment.device)
        if enrolment.registration_signature is not None:
            self._want_registration(writer, found[0], enrolment.registration_signature)
        return found

    def _numbered(
        self, device_id: bytes, connection: sqlite3.Connection | None = None
    ) -> tuple[int, DeviceRecord] | None:
        """The device with its row number, from memory or through `connection` (else the reader)."""
        with self._cache_lock:
            cached = self._cache.get(device_id)
            generation = self._cache_generation
        if cached is not None:
            return cached
        if connection is not None:
            return self._read_device(connection, device_id)
        with self._connections.read() as reader:
            found = self._read_device(reader, device_id)
        if found is not None:
            with self._cache_lock:
                # Only if nothing was written meanwhile: what was read may be older than that.
                if generation == self._cache_generation:
                    self._cache_put(device_id, found)
        return found

    def _cache_write(self, devices: dict[bytes, tuple[int, DeviceRecord]]) -> None:
        with self._cache_lock:
            self._cache_generation += 1
            for device_id, found in devices.items():
                self._cache_put(device_id, found)

    def _cache_put(self, device_id: bytes, found: tuple[int, DeviceRecord]) -> None:
        if device_id not in self._cache and len(self._cache) >= _CACHED_DEVICES:
            del self._cache[next(iter(self._cache))]
        self._cache[device_id] = found

    @staticmethod
    def _read_device(
        connection: sqlite3.Connection, device_id: bytes
    ) -> tuple[int, DeviceRecord] | None:
        row = connection.execute(
            f"SELECT number, {DEVICE_COLUMNS} FROM devices JOIN counters ON device = number"
            " WHERE device_id = ?",
            (device_id,),
        ).fetchone()
        return None if row is None else (row[0], device_from_row(row[1:]))


def _after(known: DeviceRecord, decision: Decision) -> DeviceRecord:
    """The device once the decision is durable."""
    status = known.status if decision.status is None else decision.status
    return DeviceRecord(
        known.device_id,
        known.suite,
        known.public_key,
        known.post_quantum_digest,
        known.next_key_digest,
        known.owner,
        known.device_class,
        known.environment,
        status,
        decision.counter,
    )


def _insert_device(writer: sqlite3.Connection, device: DeviceRecord) -> int:
    number = writer.execute(
        "INSERT INTO devices (device_id, suite, public_key, post_quantum_digest, next_key_digest,"
        " owner, device_class, environment, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            device.device_id,
            device.suite,
            device.public_key,
            device.post_quantum_digest,
            device.next_key_digest,
            device.owner,
            device.device_class,
            device.environment,
            int(device.status),
        ),
    ).lastrowid
    if number is None:
        raise RegistryError("the device was given no row")
    writer.execute("INSERT INTO counters (device, counter) VALUES (?, 0)", (number,))
    return number


def _next_position(connection: sqlite3.Connection) -> int:
    value: int = connection.execute(
        "SELECT coalesce(max(position) + 1, 0) FROM commitments"
    ).fetchone()[0]
    return value
