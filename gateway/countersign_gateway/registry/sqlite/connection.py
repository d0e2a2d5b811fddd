"""Opens the SQLite file with two connections: one for writing, one for reading.

The mode is WAL with synchronous=FULL: a commit that returned survives a power cut, and readers
never wait for the disk. A lock admits one writer at a time: SQLite allows only one, and waiting
in Python is fair.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from countersign_gateway.registry.interface import RegistryError, RegistryFull, RegistryUnusable
from countersign_gateway.registry.sqlite.schema import APPLICATION_ID, MIGRATIONS

# 16 MB of log between checkpoints, so that 10,000 messages of 1 KB a second cause few of them.
_CHECKPOINT_PAGES = 4000
_CACHE_KIB = 32_000


class Connections:
    """The open file. `write()` yields the writer inside a transaction, `read()` the reader."""

    def __init__(
        self, path: Path, gateway_id: bytes, wall_s: Callable[[], float] = time.time
    ) -> None:
        """Open or create `path` for the gateway `gateway_id` (32 bytes).

        wall_s: seconds since the epoch, which rows note for people and for retention.

        RegistryUnusable, with one sentence for the operator, if another process uses the file, or
        if it is damaged, is not ours, is of a newer release, or belongs to another gateway.
        """
        if len(gateway_id) != 32:
            raise ValueError("gateway_id is 32 bytes")
        self.path = path
        self.wall_s = wall_s
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._lock_file = _hold(path)
        try:
            self._writer = _connect(path)
            try:
                _check(self._writer, path)
                _migrate(self._writer)
                _claim(self._writer, path, gateway_id)
                self._reader = _connect(path)
                self._reader.execute("PRAGMA query_only = ON")
            except BaseException:
                self._writer.close()
                raise
        except sqlite3.DatabaseError as error:
            os.close(self._lock_file)
            raise RegistryUnusable(
                f"{path} cannot be used ({error}): restore it from a backup"
            ) from error
        except BaseException:
            os.close(self._lock_file)
            raise

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction. It is durable when the block ends, and undone if the block raises."""
        with self._write_lock:
            connection = self._writer
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error) and _is_full(error):
                    raise RegistryFull("nothing was stored: the disk is full") from error
                if isinstance(error, sqlite3.Error):
                    raise RegistryError(f"nothing was stored: {error}") from error
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The reading connection. Fetch before the block ends; keep blocks short."""
        with self._read_lock:
            yield self._reader

    def close(self) -> None:
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()
            os.close(self._lock_file)


def _hold(path: Path) -> int:
    """Take the lock beside the file. The kernel releases it however the process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock_file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock_file)
        raise RegistryUnusable(
            f"{path} is in use by another gateway process: stop the gateway first"
        ) from None
    return lock_file


def _is_full(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def _connect(path: Path) -> sqlite3.Connection:
    # Created here with mode 0600, so that only the gateway's user can read device messages.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # For a new file only: what is dropped can then be given back to the disk.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    version = _pragma(connection, "user_version")
    application_id = _pragma(connection, "application_id")
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if not empty and application_id != APPLICATION_ID:
        raise RegistryUnusable(f"{path} is not a gateway's record but another program's database")
    if version > len(MIGRATIONS):
        raise RegistryUnusable(
            f"{path} was written by a newer release (schema {version}, this one knows"
            f" {len(MIGRATIONS)}): upgrade the gateway"
        )
    finding = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if finding != "ok":
        raise RegistryUnusable(f"{path} is damaged ({finding}): restore it from a backup")


def _migrate(connection: sqlite3.Connection) -> None:
    version = _pragma(connection, "user_version")
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA application_id = {APPLICATION_ID};"
                f" PRAGMA user_version = {number}; COMMIT;"
            )
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _claim(connection: sqlite3.Connection, path: Path, gateway_id: bytes) -> None:
    row = connection.execute("SELECT gateway_id FROM gateway").fetchone()
    if row is None:
        connection.execute("INSERT INTO gateway (one, gateway_id) VALUES (1, ?)", (gateway_id,))
    elif row[0] != gateway_id:
        raise RegistryUnusable(
            f"{path} belongs to gateway {row[0].hex()[:16]}…, and this gateway's key makes it"
            f" {gateway_id.hex()[:16]}…"
        )


def gateway_of(path: Path) -> bytes | None:
    """The gateway_id of the gateway whose record the file is; None without a file or a gateway.

    It changes nothing. RegistryUnusable if the file is there and cannot be read.
    """
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                return None  # its making was cut off
            row = connection.execute("SELECT gateway_id FROM gateway").fetchone()
    except sqlite3.Error as error:
        raise RegistryUnusable(f"{path} cannot be read ({error})") from error
    return None if row is None else bytes(row[0])


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value = connection.execute(f"PRAGMA {name}").fetchone()[0]
    if not isinstance(value, int):
        raise RegistryError(f"PRAGMA {name} gave no number")
    return value
