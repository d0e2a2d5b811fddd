# ruff: noqa: S608 (only constants of this module are put into the SQL)
"""The outbox in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from countersign_gateway.registry.interface import (
    Attempt,
    OutboxKind,
    OutboxRow,
    OutboxState,
    RegistryError,
    SignedRegistration,
)
from countersign_gateway.registry.sqlite.devices import DEVICE_COLUMNS, device_from_row
from countersign_gateway.registry.sqlite.tables import Tables

_SELECT_ROW = (
    "SELECT row_id, kind, batch, device_id, state, nonce, tries, block_number, transaction_hash,"
    " detail FROM outbox LEFT JOIN devices ON number = device"
)
_SELECT_ATTEMPT = "SELECT transaction_hash, raw, nonce, max_fee, priority_fee FROM attempts"


class OutboxTables(Tables):
    """interface.Outbox."""

    def outbox(
        self, states: Sequence[OutboxState], limit: int, kind: OutboxKind | None = None
    ) -> list[OutboxRow]:
        # One indexed look-up for each state: a year of finalized rows must not be scanned.
        rows: list[OutboxRow] = []
        with self._connections.read() as reader:
            for state in states:
                found = reader.execute(
                    f"{_SELECT_ROW} WHERE state = ?1 AND (?2 IS NULL OR kind = ?2)"
                    " ORDER BY row_id LIMIT ?3",
                    (int(state), None if kind is None else int(kind), limit),
                ).fetchall()
                rows.extend(_row(values) for values in found)
        rows.sort(key=lambda row: row.row_id)
        return rows[:limit]

    def outbox_row(self, kind: OutboxKind, subject: bytes) -> OutboxRow | None:
        with self._connections.read() as reader:
            if kind is OutboxKind.APPEND:
                return _one(reader, "batch = ?", int.from_bytes(subject, "big"))
            return _one(
                reader, "device = (SELECT number FROM devices WHERE device_id = ?)", subject
            )

    def outbox_from_nonce(self, nonce: int) -> list[OutboxRow]:
        with self._connections.read() as reader:
            rows = reader.execute(
                f"{_SELECT_ROW} WHERE nonce >= ? ORDER BY nonce", (nonce,)
            ).fetchall()
        return [_row(values) for values in rows]

    def attempts(self, row_id: int) -> list[Attempt]:
        with self._connections.read() as reader:
            rows = reader.execute(
                f"{_SELECT_ATTEMPT} WHERE row_id = ? ORDER BY attempt", (row_id,)
            ).fetchall()
        return [Attempt(*values) for values in rows]

    def attempts_from_nonce(self, nonce: int) -> list[Attempt]:
        with self._connections.read() as reader:
            rows = reader.execute(
                f"{_SELECT_ATTEMPT} WHERE nonce >= ? ORDER BY nonce, attempt", (nonce,)
            ).fetchall()
        return [Attempt(*values) for values in rows]

    def next_nonce(self) -> int | None:
        with self._connections.read() as reader:
            highest: int | None = reader.execute("SELECT max(nonce) FROM attempts").fetchone()[0]
        return None if highest is None else highest + 1

    def store_signed(self, row_id: int, attempt: Attempt) -> None:
        with self._connections.write() as writer:
            row = _one(writer, "row_id = ?", row_id)
            if row is None or row.state not in (
                OutboxState.PENDING,
                OutboxState.SIGNED,
                OutboxState.SENT,
            ):
                raise RegistryError("only an open row can be signed")
            writer.execute(
                "INSERT INTO attempts (row_id, transaction_hash, raw, nonce, max_fee,"
                " priority_fee, recorded_s) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    row_id,
                    attempt.transaction_hash,
                    attempt.raw,
                    attempt.nonce,
                    attempt.max_fee,
                    attempt.priority_fee,
                    int(self._connections.wall_s()),
                ),
            )
            writer.execute(
                "UPDATE outbox SET state = ?, tries = tries + (nonce IS NOT ?), nonce = ?"
                " WHERE row_id = ?",
                (int(OutboxState.SIGNED), attempt.nonce, attempt.nonce, row_id),
            )

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
        with self._connections.read() as reader:
            row = reader.execute(
                f"SELECT {DEVICE_COLUMNS}, registration_signature"
                " FROM devices JOIN counters ON device = number WHERE device_id = ?",
                (device_id,),
            ).fetchone()
        if row is None or row[10] is None:
            return None
        return SignedRegistration(device_from_row(row), row[10])

    # --- inside --------------------------------------------------------------------------

    def _mark(
        self,
        row_id: int,
        state: OutboxState,
        block_number: int | None = None,
        transaction_hash: bytes | None = None,
        detail: str = "",
    ) -> None:
        # A row that needs a new nonce, or left its block again, has no block number.
        forget_nonce = state is OutboxState.PENDING
        with self._connections.write() as writer:
            changed = writer.execute(
                "UPDATE outbox SET state = ?, block_number = ?, transaction_hash = ?, detail = ?,"
                " nonce = CASE WHEN ? THEN NULL ELSE nonce END WHERE row_id = ?",
                (int(state), block_number, transaction_hash, detail, forget_nonce, row_id),
            ).rowcount
            if changed != 1:
                raise RegistryError("no such outbox row")


def want(writer: sqlite3.Connection, kind: OutboxKind, subject: int, recorded_s: int) -> None:
    """Add a PENDING row; `subject` is a batch's sequence or a device's row number.

    recorded_s: seconds since the epoch.
    """
    column = "batch" if kind is OutboxKind.APPEND else "device"
    writer.execute(
        f"INSERT INTO outbox (kind, {column}, recorded_s) VALUES (?, ?, ?)",
        (int(kind), subject, recorded_s),
    )


def want_registration(
    writer: sqlite3.Connection, device: int, signature: bytes, recorded_s: int
) -> None:
    """Add a registration to the outbox, unless it has one that did not fail."""
    row = _one(writer, "device = ?", device)
    if row is not None and row.state is not OutboxState.FAILED:
        return
    writer.execute(
        "UPDATE devices SET registration_signature = ? WHERE number = ?", (signature, device)
    )
    if row is None:
        want(writer, OutboxKind.REGISTER, device, recorded_s)
    else:
        writer.execute(
            "UPDATE outbox SET state = ?, nonce = NULL, tries = 0 WHERE row_id = ?",
            (int(OutboxState.PENDING), row.row_id),
        )


def _one(connection: sqlite3.Connection, condition: str, value: object) -> OutboxRow | None:
    values = connection.execute(f"{_SELECT_ROW} WHERE {condition}", (value,)).fetchone()
    return None if values is None else _row(values)


def _row(values: tuple[Any, ...]) -> OutboxRow:
    row_id, kind, batch, device_id, state = values[:5]
    subject = batch.to_bytes(8, "big") if kind == OutboxKind.APPEND else device_id
    return OutboxRow(row_id, OutboxKind(kind), subject, OutboxState(state), *values[5:])
