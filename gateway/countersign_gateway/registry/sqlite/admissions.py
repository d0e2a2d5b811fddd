# ruff: noqa: S608 (only constants of this module are put into the SQL)
"""Admissions, wishes, acts and budgets in SQLite.

An admission is read for each request to enrol, by its primary key, so a flood of requests from
strangers costs a look-up each and writes nothing once the wishes are full.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from countersign_gateway.model import Act, Admission, EnrolmentWish
from countersign_gateway.registry.interface import RegistryError, WishState
from countersign_gateway.registry.sqlite.tables import Tables

_ADMISSION = (
    "device_id, suite, public_key, next_key_digest, name, device_class, owner, valid_until_s,"
    " admitted_by, admitted_s"
)
_WISH = "device_id, suite, public_key, next_key_digest, environment, asked_s, source"
_DENYING = "('deny', 'admit', 'approve')"
_ACT = "at_s, at_monotonic_s, uid, name, device_id, detail"


class AdmissionTables(Tables):
    """interface.Admissions, Wishes, Acts and Budgets."""

    def admission(self, device_id: bytes) -> Admission | None:
        with self._connections.read() as reader:
            row = reader.execute(
                f"SELECT {_ADMISSION} FROM admissions WHERE device_id = ?", (device_id,)
            ).fetchone()
        return None if row is None else Admission(*row)

    def admissions(self) -> list[Admission]:
        with self._connections.read() as reader:
            rows = reader.execute(f"SELECT {_ADMISSION} FROM admissions ORDER BY rowid").fetchall()
        return [Admission(*row) for row in rows]

    def admit(self, admissions: Sequence[Admission], act: Act) -> None:
        with self._connections.write() as writer:
            for admission in admissions:
                insert_admission(writer, admission)
            insert_act(writer, act)

    def withdraw(self, device_id: bytes, act: Act) -> None:
        with self._connections.write() as writer:
            gone = writer.execute("DELETE FROM admissions WHERE device_id = ?", (device_id,))
            if gone.rowcount != 1:
                raise RegistryError("no such admission")
            insert_act(writer, act)

    def keep_wish(self, wish: EnrolmentWish, most: int, share: int, since_s: int) -> WishState:
        with self._connections.read() as reader:
            row = reader.execute(
                "SELECT denied FROM wishes WHERE device_id = ? AND (denied = 1 OR asked_s >= ?)",
                (wish.device_id, since_s),
            ).fetchone()
            waiting, alike = reader.execute(
                "SELECT count(*), count(CASE WHEN source = ? THEN 1 END) FROM wishes"
                " WHERE denied = 0 AND asked_s >= ?",
                (wish.source, since_s),
            ).fetchone()
        if row is not None:
            return WishState(row[0])
        if waiting >= most or alike >= share:
            return WishState.FULL
        with self._connections.write() as writer:
            writer.execute("DELETE FROM wishes WHERE denied = 0 AND asked_s < ?", (since_s,))
            writer.execute(
                f"INSERT INTO wishes ({_WISH}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    wish.device_id,
                    wish.suite,
                    wish.public_key,
                    wish.next_key_digest,
                    wish.environment,
                    wish.asked_s,
                    wish.source,
                ),
            )
        return WishState.WAITING

    def wishes(self, since_s: int = 0) -> list[EnrolmentWish]:
        return self._wishes(WishState.WAITING, since_s)

    def denied_wishes(self) -> list[EnrolmentWish]:
        return self._wishes(WishState.DENIED, 0)

    def _wishes(self, state: WishState, since_s: int) -> list[EnrolmentWish]:
        with self._connections.read() as reader:
            rows = reader.execute(
                f"SELECT {_WISH} FROM wishes WHERE denied = ? AND asked_s >= ? ORDER BY number",
                (int(state), since_s),
            ).fetchall()
        return [EnrolmentWish(*row) for row in rows]

    def waiting(self, since_s: int = 0) -> int:
        with self._connections.read() as reader:
            count: int = reader.execute(
                "SELECT count(*) FROM wishes WHERE denied = 0 AND asked_s >= ?", (since_s,)
            ).fetchone()[0]
        return count

    def deny(self, device_id: bytes, most: int, act: Act) -> None:
        with self._connections.write() as writer:
            denied = writer.execute(
                "UPDATE wishes SET denied = 1 WHERE device_id = ? AND denied = 0", (device_id,)
            )
            if denied.rowcount != 1:
                raise RegistryError("no such wish")
            writer.execute(
                "DELETE FROM wishes WHERE denied = 1 AND number NOT IN"
                " (SELECT number FROM wishes WHERE denied = 1 ORDER BY number DESC LIMIT ?)",
                (most,),
            )
            insert_act(writer, act)

    def record(self, act: Act) -> None:
        with self._connections.write() as writer:
            insert_act(writer, act)

    def denied(self) -> frozenset[bytes]:
        with self._connections.read() as reader:
            # SQLite takes `name` from the row that has the maximum.
            rows = reader.execute(
                "SELECT device_id, name, max(number) FROM acts"
                f" WHERE device_id IS NOT NULL AND name IN {_DENYING} GROUP BY device_id"
            ).fetchall()
        return frozenset(row[0] for row in rows if row[1] == "deny")

    def is_denied(self, device_id: bytes) -> bool:
        with self._connections.read() as reader:
            row = reader.execute(
                f"SELECT name FROM acts WHERE device_id = ? AND name IN {_DENYING}"
                " ORDER BY number DESC LIMIT 1",
                (device_id,),
            ).fetchone()
        return row is not None and row[0] == "deny"

    def acts(self, most: int) -> list[Act]:
        with self._connections.read() as reader:
            rows = reader.execute(
                f"SELECT {_ACT} FROM acts ORDER BY number DESC LIMIT ?", (most,)
            ).fetchall()
        return [Act(*row) for row in rows]

    def spent(self, name: str) -> tuple[int, int]:
        with self._connections.read() as reader:
            row = reader.execute(
                "SELECT day, spent FROM budgets WHERE name = ?", (name,)
            ).fetchone()
        return (0, 0) if row is None else (row[0], row[1])

    def note_spent(self, name: str, day: int, amount: int) -> None:
        with self._connections.write() as writer:
            writer.execute("INSERT OR REPLACE INTO budgets VALUES (?, ?, ?)", (name, day, amount))


def insert_admission(writer: sqlite3.Connection, admission: Admission) -> None:
    """Store an admission in place of an earlier one, and forget the device's wish."""
    writer.execute(
        f"INSERT OR REPLACE INTO admissions ({_ADMISSION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            admission.device_id,
            admission.suite,
            admission.public_key,
            admission.next_key_digest,
            admission.name,
            admission.device_class,
            admission.owner,
            admission.valid_until_s,
            admission.admitted_by,
            admission.admitted_s,
        ),
    )
    writer.execute("DELETE FROM wishes WHERE device_id = ?", (admission.device_id,))


def insert_act(writer: sqlite3.Connection, act: Act) -> None:
    writer.execute(
        f"INSERT INTO acts ({_ACT}) VALUES (?, ?, ?, ?, ?, ?)",
        (act.at_s, act.at_monotonic_s, act.uid, act.name, act.device_id, act.detail),
    )
