"""The outbox: what the ledger must come to hold, and how far each transaction has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from countersign_gateway.model import DeviceRecord


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


class OutboxRows(Protocol):
    """Looking at rows."""

    def outbox(
        self, states: Sequence[OutboxState], limit: int, kind: OutboxKind | None = None
    ) -> list[OutboxRow]:
        """Rows in these states (of one kind, or of both), oldest first, at most `limit`."""

    def outbox_row(self, kind: OutboxKind, subject: bytes) -> OutboxRow | None:
        """The one row of that subject."""

    def outbox_from_nonce(self, nonce: int) -> list[OutboxRow]:
        """Rows whose nonce is `nonce` or above, by nonce."""


class Outbox(OutboxRows, Protocol):
    """Rows, the transactions signed for them, and what became of those."""

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
