# ruff: noqa: S608 (only constants of this module are put into the SQL)
"""Devices in SQLite, with a cache in memory.

Rows are numbered: other tables refer to a device by its row number.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import Any

from countersign_gateway.model import Act, DeviceRecord, Status
from countersign_gateway.registry.interface import RegistryError
from countersign_gateway.registry.sqlite.admissions import insert_act
from countersign_gateway.registry.sqlite.connection import Connections
from countersign_gateway.registry.sqlite.tables import Tables

DEVICE_COLUMNS = (
    "device_id, suite, public_key, post_quantum_digest, next_key_digest, owner, device_class,"
    " environment, status, counter"
)
# The most devices in memory, some 700 bytes each: a site has hundreds to thousands.
_CACHED_DEVICES = 65_536


class DeviceTables(Tables):
    """interface.Devices."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(connections)
        self._cache_lock = threading.Lock()
        self._cache: dict[bytes, tuple[int, DeviceRecord]] = {}
        self._cache_generation = 0

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

    def account_mark(self) -> Hashable:
        # Devices are never deleted, revoked ones stay so, and acts are kept: all numbers only grow.
        with self._connections.read() as reader:
            counts: tuple[int, int, int] = reader.execute(
                "SELECT count(*), coalesce(sum(status = ?), 0),"
                " (SELECT coalesce(max(number), 0) FROM acts) FROM devices",
                (int(Status.REVOKED),),
            ).fetchone()
        return counts

    def set_status(self, device_id: bytes, status: Status, act: Act | None = None) -> None:
        with self._connections.write() as writer:
            found = self._read_device(writer, device_id)
            if found is None:
                raise RegistryError("no such device")
            number, device = found
            writer.execute("UPDATE devices SET status = ? WHERE number = ?", (int(status), number))
            if act is not None:
                insert_act(writer, act)
        self._cache_write({device_id: (number, replace(device, status=status))})

    def raise_counter(self, device_id: bytes, counter: int, act: Act) -> None:
        with self._connections.write() as writer:
            found = self._read_device(writer, device_id)
            if found is None:
                raise RegistryError("no such device")
            number, device = found
            writer.execute("UPDATE counters SET counter = ? WHERE device = ?", (counter, number))
            insert_act(writer, act)
        self._cache_write({device_id: (number, replace(device, counter=counter))})

    # --- inside --------------------------------------------------------------------------

    def _numbered(
        self, device_id: bytes, connection: sqlite3.Connection | None = None
    ) -> tuple[int, DeviceRecord] | None:
        """The device and its row number, from memory, else by `connection` or the reader."""
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
                # A write since the reading may have made this record stale: do not cache it.
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


def insert_device(writer: sqlite3.Connection, device: DeviceRecord, recorded_s: int) -> int:
    """Enter a device. recorded_s: seconds since the epoch. Returns its row number."""
    number = writer.execute(
        "INSERT INTO devices (device_id, suite, public_key, post_quantum_digest, next_key_digest,"
        " owner, device_class, environment, status, recorded_s)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            recorded_s,
        ),
    ).lastrowid
    if number is None:
        raise RegistryError("the device was given no row")
    writer.execute("INSERT INTO counters (device, counter) VALUES (?, 0)", (number,))
    return number


def device_from_row(row: tuple[Any, ...]) -> DeviceRecord:
    """The record in a row that begins with DEVICE_COLUMNS."""
    fields: tuple[Any, ...] = (*row[:8], Status(row[8]), row[9])
    return DeviceRecord(*fields)
