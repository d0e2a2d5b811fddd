"""Records, batches and attempts for the tests of every backend."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from countersign_gateway.model import Batch, Decision, DeviceRecord, Enrolment, Status
from countersign_gateway.registry.interface import Attempt, OutboxKind, Registry


def digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def device_record(name: object, counter: int = 1) -> DeviceRecord:
    return DeviceRecord(
        device_id=digest("device", name),
        suite=1,
        public_key=digest("key", name),
        post_quantum_digest=bytes(32),
        next_key_digest=digest("next", name),
        owner=bytes(20),
        device_class=1,
        environment=2,
        status=Status.ENROLLED,
        counter=counter,
    )


def enrolment(name: object, counter: int = 1, signature: bytes | None = None) -> Decision:
    record = device_record(name, counter)
    return replace(
        evidence(name, counter), enrolment=Enrolment(record, signature), status=Status.ENROLLED
    )


def evidence(name: object, counter: int, status: Status | None = None) -> Decision:
    return Decision(
        device_id=digest("device", name),
        counter=counter,
        message=b"message %s %d" % (repr(name).encode(), counter),
        result=b"result %s %d" % (repr(name).encode(), counter),
        commitment=digest("commitment", name, counter),
        status=status,
    )


def batch_after(registry: Registry, size: int) -> Batch:
    last = registry.last_batch()
    sequence = 1 if last is None else last.sequence + 1
    return Batch(
        sequence=sequence,
        first_position=0 if last is None else last.first_position + last.size,
        size=size,
        root=digest("root", sequence),
        previous_head=bytes(32) if last is None else last.head,
        head=digest("head", sequence),
    )


def attempt(nonce: int, salt: object = 0) -> Attempt:
    return Attempt(digest("tx", nonce, salt), b"raw", nonce, 100, 10)


def append_row(registry: Registry, sequence: int) -> int:
    row = registry.outbox_row(OutboxKind.APPEND, sequence.to_bytes(8, "big"))
    assert row is not None
    return row.row_id
