"""Small records in storage: a list of values, then a digest over the record's name and the list.

The digest detects damage by the medium. It is no defence against an attacker who can write the
flash, because that attacker has the key anyway.
"""

from countersign import cbor, reasons
from countersign.tagged import tagged_sha256

DIGEST_BYTES = 32


class RecordDamaged(Exception):
    """A record exists but differs from what was written. Callers never treat it as absent."""


class StoredRecords:
    """Named records over a storage (storage.py). Values: integers, bytes, text, lists."""

    def __init__(self, storage):
        self._storage = storage

    def load(self, name: str, version: int, length: int) -> list:
        """The `length` values of record `name`, or None if it was never written.

        Raises RecordDamaged, and StorageError if the medium cannot be read.
        """
        values = self.load_one_of(name, (version,), length)
        return None if values is None else values[1:]

    def load_one_of(self, name: str, versions: tuple, length: int) -> list:
        """As `load`, for a record with any of these versions. The version is before the values."""
        data = self._storage.read(name)
        if data is None:
            return None
        body = data[:-DIGEST_BYTES]
        if len(data) <= DIGEST_BYTES or _digest(name, body) != data[-DIGEST_BYTES:]:
            raise RecordDamaged(name + ": digest does not match")
        try:
            values = cbor.decode(body)
        except reasons.Refused:
            raise RecordDamaged(name + ": not a record")
        if not isinstance(values, list) or len(values) != length + 1 or values[0] not in versions:
            raise RecordDamaged(name + ": another format")
        return values

    def save(self, name: str, version: int, values: list) -> None:
        """Store `values` under `name`, durable on return. Raises StorageError."""
        body = cbor.encode([version] + values)
        self._storage.write(name, body + _digest(name, body))

    def read_raw(self, name: str) -> bytes:
        """Content of a file that provisioning put there, or None."""
        return self._storage.read(name)


def _digest(name, body):
    return tagged_sha256("countersign/store/" + name + "/1", body)
