"""Decisions in SQLite: each call of `store` is one transaction.

retention.py drops old messages. `seen` returns False for them, and a replay of one is refused as
OUT_OF_ORDER, not REPLAYED.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence

from countersign_gateway.model import Decision, DeviceRecord
from countersign_gateway.registry.enrolment import check_enrolment
from countersign_gateway.registry.interface import RegistryError
from countersign_gateway.registry.sqlite.admissions import insert_admission
from countersign_gateway.registry.sqlite.batches import next_position
from countersign_gateway.registry.sqlite.devices import DeviceTables, insert_device
from countersign_gateway.registry.sqlite.outbox import want_registration


class DecisionTables(DeviceTables):
    """interface.Decisions."""

    def store(self, decisions: Sequence[Decision]) -> None:
        if not decisions:
            return
        # The devices after this call; they enter the cache only once they are durable.
        touched: dict[bytes, tuple[int, DeviceRecord]] = {}
        with self._connections.write() as writer:
            position = next_position(writer)
            recorded_s = int(self._connections.wall_s())
            counters, commitments, messages = [], [], []
            for decision in decisions:
                number, known = self._enter(writer, decision, touched, recorded_s)
                counters.append((decision.counter, number))
                commitments.append((position, decision.commitment))
                messages.append(
                    (
                        position,
                        number,
                        decision.counter,
                        decision.message,
                        decision.result,
                        recorded_s,
                    )
                )
                touched[decision.device_id] = (number, _after(known, decision))
                position += 1
            moved = writer.executemany(
                "UPDATE counters SET counter = ? WHERE device = ?", counters
            ).rowcount
            if moved != len(decisions):
                raise RegistryError("a device has no counter row")
            writer.executemany("INSERT INTO commitments VALUES (?, ?)", commitments)
            writer.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)", messages)
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

    # --- inside --------------------------------------------------------------------------

    def _enter(
        self,
        writer: sqlite3.Connection,
        decision: Decision,
        touched: dict[bytes, tuple[int, DeviceRecord]],
        recorded_s: int,
    ) -> tuple[int, DeviceRecord]:
        """The decision's device with its row number; enters it first if the decision enrols it."""
        found = touched.get(decision.device_id) or self._numbered(decision.device_id, writer)
        enrolment = decision.enrolment
        if enrolment is None:
            if found is None:
                raise RegistryError("a decision for a device that is not enrolled")
            return found
        check_enrolment(decision, enrolment, None if found is None else found[1])
        if found is None:
            number = insert_device(writer, enrolment.device, recorded_s)
            found = (number, enrolment.device)
            if enrolment.admission is not None:
                insert_admission(writer, enrolment.admission)
        if enrolment.registration_signature is not None:
            want_registration(writer, found[0], enrolment.registration_signature, recorded_s)
        return found


def _after(known: DeviceRecord, decision: Decision) -> DeviceRecord:
    """The device after the decision."""
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
