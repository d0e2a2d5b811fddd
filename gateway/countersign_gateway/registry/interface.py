"""What the other stages may ask of the durable record, and what they may rely on.

Every backend passes tests/conformance/registry. All methods may be called from any
thread. Identities, digests, roots and heads are 32 raw bytes; addresses are 20; positions are
0-based and gapless: the order in which commitments became durable.

A refusal by a backend is never about what a device sent (the earlier stages have verified that):
it is RegistryError, a bug or a damaged disk, and nothing of the failed call has been stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from countersign_gateway.model import Batch, Decision, DeviceRecord, OperatorError, Status


class RegistryError(Exception):
    """An invariant of the record was about to be broken. Nothing was stored."""


class RegistryUnusable(RegistryError, OperatorError):
    """The record cannot be opened or used at all; the text is one sentence for the operator."""


class OutboxKind(IntEnum):
    """What a ledger transaction does. The numbers are stored: never renumber."""

    APPEND = 1  # a batch root to CommitmentLog; subject: the batch's sequence
    REGISTER = 2  # a device to DeviceID; subject: the device's identity


class OutboxState(IntEnum):
    """How far a ledger transaction has come. The numbers are stored: never renumber."""

    PENDING = 1  # wanted; nothing signed
    SIGNED = 2  # nonce taken, raw bytes and hash stored, perhaps sent: the sender may have died
    SENT = 3  # a node has it
    INCLUDED = 4  # in a block that may still be reorganised away
    FINALIZED = 5  # done
    FAILED = 6  # the ledger refuses it for good; `detail` says why; an operator must look


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One thing that the ledger must come to hold, exactly once.

    subject: the batch's sequence, 8 bytes big-endian, or the device's identity.
    nonce: the account nonce its transactions use; None while pending, and where the effect was
    found on the ledger already.
    block_number, transaction_hash: where it is included; None before.
    tries: how many nonces it has used up.
    """

    row_id: int
    kind: OutboxKind
    subject: bytes
    state: OutboxState
    nonce: int | None
    tries: int
    block_number: int | None
    transaction_hash: bytes | None
    detail: str

    @property
    def sequence(self) -> int:
        """The batch's sequence; only for an APPEND."""
        if self.kind is not OutboxKind.APPEND:
            raise ValueError("only an append has a sequence")
        return int.from_bytes(self.subject, "big")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed transaction. All attempts of a row are kept: any of them may be mined."""

    transaction_hash: bytes
    raw: bytes
    nonce: int
    max_fee: int  # wei per gas
    priority_fee: int  # wei per gas


@dataclass(frozen=True, slots=True)
class SignedRegistration:
    """What DeviceID.addDevice needs: the device and its own signature over the statement."""

    device: DeviceRecord
    signature: bytes


@dataclass(frozen=True, slots=True)
class LedgerBinding:
    """The one ledger account that a record anchors to; it never changes under a record."""

    chain_id: int
    account: bytes
    commitment_log: bytes
    device_registry: bytes


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One verified message as stored: enough to recompute its commitment."""

    position: int
    device_id: bytes
    counter: int
    message: bytes
    result: bytes
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Counts:
    """What the record holds, for people and for the last line of the demonstration."""

    devices: int
    commitments: int
    batched: int  # commitments in any batch
    batches: int
    anchored: int  # commitments in finalized batches, up to the first that is not
    anchored_batches: int
    registered: int  # devices whose registration is finalized
    outbox_open: int  # neither finalized nor failed
    outbox_failed: int


class Registry(Protocol):
    """The durable record."""

    # --- devices and decisions -----------------------------------------------------------

    def device(self, device_id: bytes) -> DeviceRecord | None:
        """The device as of the last durable decision, or None. Cheap: asked for every message."""

    def devices(self) -> Iterator[DeviceRecord]:
        """All devices, in order of first enrolment; a consistent view of one moment."""

    def store(self, decisions: Sequence[Decision]) -> None:
        """Store all of `decisions`, in order, in ONE transaction; return once they are durable.

        Each takes the next position. Within a decision: its enrolment is entered (a new device as
        its record says; a known one stays exactly as it is, owner and class too, and must come
        with the keys it has), the device's counter moves to `counter`, which must be
        greater than the last, the commitment, message and result are appended, and the status
        changes where `status` is set. An enrolment with a registration_signature also puts a
        REGISTER into the outbox, unless one is there that has not failed.

        RegistryError and nothing stored if any decision breaks that, or is for an unknown device
        without enrolling it: answers to strangers are not recorded, or anyone could fill the disk.
        """

    def seen(self, device_id: bytes, counter: int, message_digest: bytes) -> bool:
        """True if exactly this message (SHA-256 of its bytes) was recorded before.

        Only asked where counter is not greater than the device's last one: it tells a replay
        (REPLAYED) from another message under a used counter (OUT_OF_ORDER).
        """

    def set_status(self, device_id: bytes, status: Status) -> None:
        """Move a device's status, durably. Only governance/lifecycle calls this.

        RegistryError for an unknown device, or for leaving REVOKED, which is final.
        """

    def last_upstream_s(self) -> float | None:
        """Unix seconds of the last confirmed contact with the ledger, or None: never.

        After a restart it may be up to 10 s older than the truth, never younger.
        """

    def note_upstream(self, wall_s: float) -> None:
        """Remember a confirmed contact with the ledger. Cheap enough to call every second."""

    def counts(self) -> Counts:
        """Totals of one moment."""

    def close(self) -> None:
        """Release everything. The record stays as it is; a killed process needs no close."""

    # --- commitments and batches ---------------------------------------------------------

    def commitment_count(self) -> int:
        """How many commitments are durable: the next position."""

    def commitments(self, first_position: int, count: int) -> list[bytes]:
        """The commitments of exactly these positions; RegistryError if they are not all there."""

    def messages(self, first_position: int, count: int) -> Iterator[StoredMessage]:
        """The recorded messages of these positions, in order; read in slices, not all at once."""

    def last_batch(self) -> Batch | None:
        """The batch with the highest sequence."""

    def batch(self, sequence: int) -> Batch | None:
        """One batch."""

    def create_batch(self, batch: Batch) -> None:
        """Store the next batch and its APPEND in the outbox, in one transaction.

        RegistryError unless it follows the last batch in sequence, position and head, and all
        of its commitments are durable.
        """

    # --- outbox --------------------------------------------------------------------------

    def bind_ledger(self, binding: LedgerBinding) -> None:
        """Fix the ledger account on first use; RegistryUnusable if the record has another."""

    def outbox(
        self, states: Sequence[OutboxState], limit: int, kind: OutboxKind | None = None
    ) -> list[OutboxRow]:
        """Rows in these states (of one kind, or of both), oldest first, at most `limit`."""

    def outbox_row(self, kind: OutboxKind, subject: bytes) -> OutboxRow | None:
        """The one row of that subject."""

    def outbox_from_nonce(self, nonce: int) -> list[OutboxRow]:
        """Rows whose nonce is `nonce` or above, by nonce."""

    def attempts(self, row_id: int) -> list[Attempt]:
        """Everything ever signed for a row, oldest first."""

    def attempts_from_nonce(self, nonce: int) -> list[Attempt]:
        """All attempts with this nonce or a higher one, by nonce, oldest first."""

    def next_nonce(self) -> int | None:
        """One more than the highest nonce ever used by an attempt; None before the first."""

    def store_signed(self, row_id: int, attempt: Attempt) -> None:
        """Store a signed transaction before it is sent; the row becomes SIGNED with its nonce.

        Either the row's nonce again (a replacement with higher fees) or a nonce that no other
        row has used; RegistryError otherwise.
        """

    def mark_sent(self, row_id: int) -> None:
        """A node has it (or has it again, after a reorganisation)."""

    def mark_included(self, row_id: int, block_number: int, transaction_hash: bytes) -> None:
        """It is in a block that is not final yet."""

    def mark_finalized(self, row_id: int, block_number: int, transaction_hash: bytes) -> None:
        """It is done."""

    def mark_pending(self, row_id: int, detail: str) -> None:
        """Its nonce was used up without effect: it needs a new one. Its attempts are kept."""

    def mark_failed(self, row_id: int, detail: str) -> None:
        """The ledger refuses it for good."""

    def signed_registration(self, device_id: bytes) -> SignedRegistration | None:
        """What the outbox needs to register a device."""

    # --- receipts ------------------------------------------------------------------------

    def unreceipted(self) -> list[int]:
        """Sequences of finalized batches whose receipts have not been handed out, ascending."""

    def note_receipted(self, sequence: int) -> None:
        """All receipts of the batch were handed out. After a crash they are handed out again."""
