"""The faults of a registry file: another owner, another release, damage."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from countersign_gateway.model import Batch, Decision, DeviceRecord, Enrolment, Status
from countersign_gateway.registry.interface import (
    Attempt,
    OutboxState,
    RegistryError,
    RegistryUnusable,
)
from countersign_gateway.registry.sqlite import SqliteRegistry
from countersign_gateway.registry.sqlite.schema import APPLICATION_ID, MIGRATIONS

GATEWAY_ID = bytes(range(32))


def decision(counter: int) -> Decision:
    record = DeviceRecord(
        bytes(32), 1, bytes(32), bytes(32), bytes(32), bytes(20), 1, 2, Status.ENROLLED, counter
    )
    enrolment = Enrolment(record, None) if counter == 1 else None
    return Decision(bytes(32), counter, b"m%d" % counter, b"r", bytes(32), enrolment)


def filled(path: Path) -> None:
    registry = SqliteRegistry(path, GATEWAY_ID)
    registry.store([decision(counter) for counter in range(1, 200)])
    registry.note_upstream(1000)
    registry.note_upstream(1005)
    registry.close()


def test_it_is_the_same_after_opening_again(sqlite_path: Path) -> None:
    filled(sqlite_path)
    registry = SqliteRegistry(sqlite_path, GATEWAY_ID)
    known = registry.device(bytes(32))
    assert known is not None and known.counter == 199
    assert registry.commitment_count() == 199
    # The stored time may be up to 10 s too early, never too late.
    assert registry.last_upstream_s() == 1000
    registry.close()


def test_only_its_owner_may_read_it(sqlite_path: Path) -> None:
    filled(sqlite_path)
    for path in sqlite_path.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_another_gateway_is_refused(sqlite_path: Path) -> None:
    filled(sqlite_path)
    with pytest.raises(RegistryUnusable, match="belongs to gateway 00010203"):
        SqliteRegistry(sqlite_path, bytes(32))


def test_a_newer_schema_is_refused(sqlite_path: Path) -> None:
    filled(sqlite_path)
    with sqlite3.connect(sqlite_path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(RegistryUnusable, match="newer release"):
        SqliteRegistry(sqlite_path, GATEWAY_ID)


def test_another_program_s_database_is_refused(sqlite_path: Path) -> None:
    with sqlite3.connect(sqlite_path) as connection:
        connection.execute("CREATE TABLE cakes (name TEXT)")
    connection.close()
    with pytest.raises(RegistryUnusable, match="another program"):
        SqliteRegistry(sqlite_path, GATEWAY_ID)


def test_what_is_no_database_is_refused(sqlite_path: Path) -> None:
    sqlite_path.write_bytes(b"not a database at all " * 100)
    with pytest.raises(RegistryUnusable, match="restore it from a backup"):
        SqliteRegistry(sqlite_path, GATEWAY_ID)


def test_damage_is_found_at_the_start(sqlite_path: Path) -> None:
    filled(sqlite_path)
    size = sqlite_path.stat().st_size
    with sqlite_path.open("r+b") as file:
        for offset in range(8192, size, 4096):
            file.seek(offset)
            file.write(b"\xa5" * 64)
    with pytest.raises(RegistryUnusable, match="restore it from a backup"):
        SqliteRegistry(sqlite_path, GATEWAY_ID)


def test_two_processes_never_share_it(sqlite_path: Path) -> None:
    registry = SqliteRegistry(sqlite_path, GATEWAY_ID)
    with pytest.raises(RegistryUnusable, match="in use"):
        SqliteRegistry(sqlite_path, GATEWAY_ID)
    registry.close()
    SqliteRegistry(sqlite_path, GATEWAY_ID).close()


def test_history_cannot_be_rewritten(sqlite_path: Path) -> None:
    filled(sqlite_path)
    connection = sqlite3.connect(sqlite_path)
    for statement in (
        "UPDATE commitments SET commitment = zeroblob(32) WHERE position = 3",
        "DELETE FROM commitments WHERE position = 3",
        "DELETE FROM commitments WHERE position = 198",
        "INSERT INTO commitments VALUES (400, zeroblob(32))",
        "UPDATE counters SET counter = counter - 1",
        "UPDATE messages SET message = x'00' WHERE position = 3",
        "UPDATE devices SET public_key = zeroblob(32)",
        "DELETE FROM devices",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)
    connection.close()


def test_a_full_disk_loses_nothing_that_was_acknowledged(sqlite_path: Path) -> None:
    registry = SqliteRegistry(sqlite_path, GATEWAY_ID)
    registry.store([decision(counter) for counter in range(1, 50)])
    with registry._connections.write() as writer:
        pages = writer.execute("PRAGMA page_count").fetchone()[0]
        writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(RegistryError, match="nothing was stored"):
        registry.store([decision(counter) for counter in range(50, 5000)])
    assert registry.commitment_count() == 49
    with registry._connections.write() as writer:
        writer.execute("PRAGMA max_page_count = 1000000")
    registry.store([decision(50)])
    known = registry.device(bytes(32))
    assert known is not None and known.counter == 50
    registry.close()


_WRITER = """
import sys
import time
from dataclasses import replace
from pathlib import Path
sys.path[:0] = {path!r}
from test_sqlite_file import GATEWAY_ID, decision
from countersign_gateway.registry.sqlite import SqliteRegistry
registry = SqliteRegistry(Path(sys.argv[1]), GATEWAY_ID)
counter = registry.commitment_count() + 1
while True:
    registry.store([decision(c) for c in range(counter, counter + 10)])
    counter += 10
    sys.stdout.write(f"{{counter - 1}}\\n")
    sys.stdout.flush()
"""


def test_a_killed_writer_loses_nothing_that_returned(sqlite_path: Path) -> None:
    script = _WRITER.format(path=[str(Path(__file__).parent), *sys.path])
    acknowledged = 0
    for lines in (1, 7, 40):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(sqlite_path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        for _ in range(lines):
            acknowledged = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        for line in child.stdout.read().splitlines():
            acknowledged = int(line)
        child.stdout.close()
        child.wait()
    registry = SqliteRegistry(sqlite_path, GATEWAY_ID)
    stored = registry.commitment_count()
    assert acknowledged <= stored <= acknowledged + 10 and stored % 10 == 0
    known = registry.device(bytes(32))
    assert known is not None and known.counter == stored
    registry.close()


def test_a_record_of_an_earlier_release_is_taken_over_and_nothing_in_it_is_ancient(
    sqlite_path: Path,
) -> None:
    connection = sqlite3.connect(sqlite_path)
    connection.executescript(
        f"BEGIN; {MIGRATIONS[0]}; PRAGMA application_id = {APPLICATION_ID};"
        " PRAGMA user_version = 1; COMMIT;"
    )
    connection.execute("INSERT INTO gateway (one, gateway_id) VALUES (1, ?)", (GATEWAY_ID,))
    connection.execute(
        "INSERT INTO devices VALUES (1, ?, 1, ?, ?, ?, ?, 1, 2, 1, NULL)",
        (bytes(32), bytes(32), bytes(32), bytes(32), bytes(20)),
    )
    connection.execute("INSERT INTO counters VALUES (1, 1)")
    connection.execute("INSERT INTO commitments VALUES (0, ?)", (bytes(32),))
    connection.execute("INSERT INTO messages VALUES (0, 1, 1, ?, ?)", (b"m", b"r"))
    connection.commit()
    connection.close()
    before_s = time.time()
    registry = SqliteRegistry(sqlite_path, GATEWAY_ID)
    (stored,) = registry.messages(0, 1)
    assert abs(stored.recorded_s - before_s) < 60
    assert registry.prune(10, before_s - 86400) == 0
    registry.store([decision(2)])
    assert registry.prune(10) == 2
    registry.close()


TIMED = ("devices", "messages", "batches", "outbox", "attempts")


def times(path: Path) -> dict[str, list[int]]:
    """The times that people may read in the rows of each table, in order."""
    connection = sqlite3.connect(path)
    found = {
        table: [
            row[0] for row in connection.execute(f"SELECT recorded_s FROM {table} ORDER BY rowid")
        ]
        for table in TIMED
    }
    connection.close()
    return found


def test_each_row_that_people_ask_about_has_the_wall_clock_s_time(sqlite_path: Path) -> None:
    now_s = [1000.5]
    registry = SqliteRegistry(sqlite_path, GATEWAY_ID, lambda: now_s[0])
    enrolled = decision(1)
    assert enrolled.enrolment is not None
    registry.store(
        [replace(enrolled, enrolment=replace(enrolled.enrolment, registration_signature=bytes(64)))]
    )
    now_s[0] = 2000.9
    registry.create_batch(Batch(1, 0, 1, bytes(32), bytes(32), b"\1" * 32))
    now_s[0] = 3000.0
    registration, append = registry.outbox([OutboxState.PENDING], 2)
    registry.store_signed(registration.row_id, Attempt(b"\1" * 32, b"raw", 0, 1, 1))
    now_s[0] = 4000.0
    registry.store_signed(append.row_id, Attempt(b"\2" * 32, b"raw", 1, 1, 1))
    registry.mark_failed(registration.row_id, "refused")
    registry.store([decision(2)])
    registry.close()
    assert times(sqlite_path) == {
        "devices": [1000],
        "messages": [1000, 4000],
        "batches": [2000],
        "outbox": [1000, 2000],
        "attempts": [3000, 4000],
    }
    connection = sqlite3.connect(sqlite_path)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE devices SET recorded_s = 1")
    connection.close()


def test_rows_of_a_release_that_noted_no_time_are_taken_over(sqlite_path: Path) -> None:
    connection = sqlite3.connect(sqlite_path)
    connection.executescript(
        f"BEGIN; {''.join(MIGRATIONS[:3])}; PRAGMA application_id = {APPLICATION_ID};"
        " PRAGMA user_version = 3; COMMIT;"
    )
    connection.execute("INSERT INTO gateway (one, gateway_id) VALUES (1, ?)", (GATEWAY_ID,))
    connection.execute(
        "INSERT INTO devices VALUES (1, ?, 1, ?, ?, ?, ?, 1, 2, 1, ?)",
        (bytes(32), bytes(32), bytes(32), bytes(32), bytes(20), bytes(64)),
    )
    connection.execute("INSERT INTO counters VALUES (1, 1)")
    connection.execute("INSERT INTO commitments VALUES (0, ?)", (bytes(32),))
    connection.execute("INSERT INTO messages VALUES (0, 1, 1, ?, ?, 900)", (b"m", b"r"))
    connection.execute("INSERT INTO outbox (kind, device, state, nonce) VALUES (2, 1, 3, 7)")
    connection.execute("INSERT INTO attempts VALUES (1, 1, ?, ?, 7, 20, 10)", (b"\1" * 32, b"raw"))
    connection.commit()
    connection.close()
    registry = SqliteRegistry(sqlite_path, GATEWAY_ID, lambda: 5000.0)
    known = registry.device(bytes(32))
    assert known is not None and known.counter == 1
    (row,) = registry.outbox([OutboxState.SENT], 9)
    assert registry.attempts(row.row_id) == [Attempt(b"\1" * 32, b"raw", 7, 20, 10)]
    registry.store_signed(row.row_id, Attempt(b"\2" * 32, b"raw", 7, 30, 20))
    registry.close()
    # 0: nobody knows. A made-up time would be worse than none.
    assert times(sqlite_path) == {
        "devices": [0],
        "messages": [900],
        "batches": [],
        "outbox": [0],
        "attempts": [0, 5000],
    }
