"""The tables of the SQLite record, as numbered migrations.

`PRAGMA user_version` holds the number of applied migrations. Never edit a released migration: add a
new one at the end. Each migration runs in one transaction, so that a power cut leaves the record at
one version or the next.

Python and the database both enforce these rules: positions have no gaps, a device's counter only
grows, batches are contiguous and chained, a nonce serves one row, and history is not rewritten. A
constraint that fires shows a bug; the call fails with its error.

The tables are laid out for 10,000 messages a second. `counters` is separate from `devices`, so that
updating thousands of counters dirties tens of pages, not hundreds. `commitments` is separate from
`messages`, so that a batch of 10,000 leaves reads 400 KB, not 10 MB, and so that retention can
drop messages while every commitment stays provable. The only index on `messages` serves `seen` and
an auditor who asks for one device; it costs about 4 µs a row.
"""

from __future__ import annotations

# "CSGW": tells our database from that of another program.
APPLICATION_ID = 0x43534757

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE gateway (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        gateway_id BLOB NOT NULL CHECK (length(gateway_id) = 32),
        last_upstream_s REAL,
        chain_id INTEGER,
        account BLOB CHECK (length(account) = 20),
        commitment_log BLOB CHECK (length(commitment_log) = 20),
        device_registry BLOB CHECK (length(device_registry) = 20)
    );

    CREATE TABLE devices (
        number INTEGER PRIMARY KEY,
        device_id BLOB NOT NULL UNIQUE CHECK (length(device_id) = 32),
        suite INTEGER NOT NULL,
        public_key BLOB NOT NULL CHECK (length(public_key) = 32),
        post_quantum_digest BLOB NOT NULL CHECK (length(post_quantum_digest) = 32),
        next_key_digest BLOB NOT NULL CHECK (length(next_key_digest) = 32),
        owner BLOB NOT NULL CHECK (length(owner) = 20),
        device_class INTEGER NOT NULL,
        environment INTEGER NOT NULL,
        status INTEGER NOT NULL CHECK (status BETWEEN 1 AND 5),
        registration_signature BLOB CHECK (length(registration_signature) = 64)
    );
    CREATE TRIGGER device_binding_is_fixed BEFORE UPDATE OF
        device_id, suite, public_key, post_quantum_digest, next_key_digest, owner, device_class
    ON devices
    BEGIN SELECT RAISE(ABORT, 'a device''s identity, keys, owner and class never change'); END;
    CREATE TRIGGER device_revoked_is_final BEFORE UPDATE OF status ON devices
    WHEN OLD.status = 5 AND NEW.status <> 5
    BEGIN SELECT RAISE(ABORT, 'a revoked device stays revoked'); END;
    CREATE TRIGGER devices_are_kept BEFORE DELETE ON devices
    BEGIN SELECT RAISE(ABORT, 'devices are never deleted'); END;

    CREATE TABLE counters (
        device INTEGER PRIMARY KEY REFERENCES devices (number),
        counter INTEGER NOT NULL CHECK (counter >= 0)
    );
    CREATE TRIGGER counter_only_grows BEFORE UPDATE ON counters
    WHEN NEW.counter <= OLD.counter
    BEGIN SELECT RAISE(ABORT, 'a device''s counter must grow'); END;

    CREATE TABLE commitments (
        position INTEGER PRIMARY KEY,
        commitment BLOB NOT NULL CHECK (length(commitment) = 32)
    );
    CREATE TRIGGER commitments_have_no_gap BEFORE INSERT ON commitments
    WHEN NEW.position <> (SELECT coalesce(max(position) + 1, 0) FROM commitments)
    BEGIN SELECT RAISE(ABORT, 'a commitment must take the next position'); END;
    CREATE TRIGGER commitments_are_fixed BEFORE UPDATE ON commitments
    BEGIN SELECT RAISE(ABORT, 'commitments never change'); END;
    CREATE TRIGGER commitments_are_kept BEFORE DELETE ON commitments
    BEGIN SELECT RAISE(ABORT, 'commitments are never deleted'); END;

    CREATE TABLE messages (
        position INTEGER PRIMARY KEY REFERENCES commitments (position),
        device INTEGER NOT NULL REFERENCES devices (number),
        counter INTEGER NOT NULL,
        message BLOB NOT NULL,
        result BLOB NOT NULL
    );
    CREATE UNIQUE INDEX messages_by_device ON messages (device, counter);
    CREATE TRIGGER messages_are_fixed BEFORE UPDATE ON messages
    BEGIN SELECT RAISE(ABORT, 'messages never change'); END;

    CREATE TABLE batches (
        sequence INTEGER PRIMARY KEY CHECK (sequence >= 1),
        first_position INTEGER NOT NULL,
        size INTEGER NOT NULL CHECK (size BETWEEN 1 AND 4294967295),
        root BLOB NOT NULL CHECK (length(root) = 32),
        previous_head BLOB NOT NULL CHECK (length(previous_head) = 32),
        head BLOB NOT NULL CHECK (length(head) = 32),
        receipted INTEGER NOT NULL DEFAULT 0 CHECK (receipted IN (0, 1))
    );
    CREATE INDEX batches_unreceipted ON batches (sequence) WHERE receipted = 0;
    CREATE TRIGGER batches_are_contiguous BEFORE INSERT ON batches
    WHEN NEW.sequence <> (SELECT coalesce(max(sequence) + 1, 1) FROM batches)
        OR NEW.first_position <> coalesce(
            (SELECT first_position + size FROM batches ORDER BY sequence DESC LIMIT 1), 0)
        OR NEW.previous_head <> coalesce(
            (SELECT head FROM batches ORDER BY sequence DESC LIMIT 1), zeroblob(32))
        OR NEW.first_position + NEW.size > (SELECT coalesce(max(position) + 1, 0) FROM commitments)
    BEGIN
        SELECT RAISE(ABORT, 'a batch must follow the last one and cover durable commitments');
    END;
    CREATE TRIGGER batches_are_fixed BEFORE UPDATE OF
        sequence, first_position, size, root, previous_head, head ON batches
    BEGIN SELECT RAISE(ABORT, 'batches never change'); END;
    CREATE TRIGGER batches_are_kept BEFORE DELETE ON batches
    BEGIN SELECT RAISE(ABORT, 'batches are never deleted'); END;

    CREATE TABLE outbox (
        row_id INTEGER PRIMARY KEY,
        kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
        batch INTEGER UNIQUE REFERENCES batches (sequence),
        device INTEGER UNIQUE REFERENCES devices (number),
        state INTEGER NOT NULL DEFAULT 1 CHECK (state BETWEEN 1 AND 6),
        nonce INTEGER UNIQUE,
        tries INTEGER NOT NULL DEFAULT 0,
        block_number INTEGER,
        transaction_hash BLOB CHECK (length(transaction_hash) = 32),
        detail TEXT NOT NULL DEFAULT '',
        CHECK ((kind = 1) = (batch IS NOT NULL)),
        CHECK ((kind = 2) = (device IS NOT NULL))
    );
    CREATE INDEX outbox_by_state ON outbox (state, row_id);
    CREATE TRIGGER outbox_is_kept BEFORE DELETE ON outbox
    BEGIN SELECT RAISE(ABORT, 'outbox rows are never deleted'); END;

    CREATE TABLE attempts (
        attempt INTEGER PRIMARY KEY,
        row_id INTEGER NOT NULL REFERENCES outbox (row_id),
        transaction_hash BLOB NOT NULL UNIQUE CHECK (length(transaction_hash) = 32),
        raw BLOB NOT NULL,
        nonce INTEGER NOT NULL,
        max_fee INTEGER NOT NULL,
        priority_fee INTEGER NOT NULL
    );
    CREATE INDEX attempts_by_row ON attempts (row_id);
    CREATE INDEX attempts_by_nonce ON attempts (nonce);
    CREATE TRIGGER nonce_serves_one_row BEFORE INSERT ON attempts
    WHEN EXISTS (SELECT 1 FROM attempts WHERE nonce = NEW.nonce AND row_id <> NEW.row_id)
    BEGIN SELECT RAISE(ABORT, 'another row has used this nonce'); END;
    CREATE TRIGGER attempts_are_kept BEFORE DELETE ON attempts
    BEGIN SELECT RAISE(ABORT, 'signed transactions are never forgotten'); END;
    """,
    # The wall clock's time of each message and batch, for people and for retention. Messages of
    # earlier releases get the time of this migration: retention must not take them for ancient.
    """
    ALTER TABLE messages ADD COLUMN recorded_s INTEGER NOT NULL DEFAULT 0;
    DROP TRIGGER messages_are_fixed;
    UPDATE messages SET recorded_s = CAST(strftime('%s', 'now') AS INTEGER);
    CREATE TRIGGER messages_are_fixed BEFORE UPDATE ON messages
    BEGIN SELECT RAISE(ABORT, 'messages never change'); END;
    ALTER TABLE batches ADD COLUMN recorded_s INTEGER NOT NULL DEFAULT 0;
    """,
    """
    CREATE TABLE admissions (
        device_id BLOB PRIMARY KEY CHECK (length(device_id) = 32),
        suite INTEGER NOT NULL,
        public_key BLOB NOT NULL CHECK (length(public_key) = 32),
        next_key_digest BLOB CHECK (length(next_key_digest) = 32),
        name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
        device_class INTEGER NOT NULL,
        owner BLOB CHECK (length(owner) = 20),
        valid_until_s INTEGER,
        admitted_by TEXT NOT NULL,
        admitted_s INTEGER NOT NULL
    );
    CREATE TABLE wishes (
        number INTEGER PRIMARY KEY,
        device_id BLOB NOT NULL UNIQUE CHECK (length(device_id) = 32),
        suite INTEGER NOT NULL,
        public_key BLOB NOT NULL CHECK (length(public_key) = 32),
        next_key_digest BLOB NOT NULL CHECK (length(next_key_digest) = 32),
        environment INTEGER NOT NULL,
        asked_s INTEGER NOT NULL,
        denied INTEGER NOT NULL DEFAULT 0 CHECK (denied IN (0, 1))
    );
    CREATE INDEX wishes_by_answer ON wishes (denied, number);
    CREATE TABLE acts (
        number INTEGER PRIMARY KEY,
        at_s REAL NOT NULL,
        at_monotonic_s REAL NOT NULL,
        uid INTEGER NOT NULL,
        name TEXT NOT NULL,
        device_id BLOB CHECK (length(device_id) = 32),
        detail TEXT NOT NULL
    );
    CREATE TRIGGER acts_are_fixed BEFORE UPDATE ON acts
    BEGIN SELECT RAISE(ABORT, 'acts never change'); END;
    CREATE TRIGGER acts_are_kept BEFORE DELETE ON acts
    BEGIN SELECT RAISE(ABORT, 'acts are never deleted'); END;
    CREATE TABLE budgets (
        name TEXT PRIMARY KEY,
        day INTEGER NOT NULL,
        spent INTEGER NOT NULL CHECK (spent >= 0)
    );
    """,
    # The wall clock's time (UTC) at which a device enrolled, at which an effect was wanted of the
    # ledger, and at which a transaction was signed; for people. Earlier releases did not note it:
    # their rows have 0.
    """
    ALTER TABLE devices ADD COLUMN recorded_s INTEGER NOT NULL DEFAULT 0;
    CREATE TRIGGER device_time_is_fixed BEFORE UPDATE OF recorded_s ON devices
    BEGIN SELECT RAISE(ABORT, 'the time at which a device enrolled never changes'); END;
    ALTER TABLE outbox ADD COLUMN recorded_s INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempts ADD COLUMN recorded_s INTEGER NOT NULL DEFAULT 0;
    """,
    # The lobby account or serial line by which a request came, so that none takes all places.
    """
    ALTER TABLE wishes ADD COLUMN source TEXT NOT NULL DEFAULT '';
    """,
    # Whether a device was denied is asked for each stranger of a window.
    """
    CREATE INDEX IF NOT EXISTS acts_by_device ON acts (device_id, number);
    """,
)
