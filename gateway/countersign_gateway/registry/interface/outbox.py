"""The outbox: what must be written to the ledger, and the state of each transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from countersign_gateway.model import DeviceRecord


class OutboxKind(IntEnum):
    """The effect of a ledger transaction. The numbers are stored: never renumber."""

    APPEND = 1  # a batch root to CommitmentLog; subject: the batch's sequence
    REGISTER = 2  # a device to DeviceID; subject: the device's identity


class OutboxState(IntEnum):
    """The state of a ledger transaction. The numbers are stored: never renumber."""

    PENDING = 1  # nothing is signed yet
    SIGNED = 2  # nonce, raw bytes and hash are stored; perhaps sent: the sender may have died
    SENT = 3  # a node has it
    INCLUDED = 4  # in a block that a reorganisation may still remove
    FINALIZED = 5  # in a final block
    FAILED = 6  # the ledger refuses it permanently; `detail` says why; an operator must act


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One effect that the ledger must have exactly once.

    subject: the batch's sequence, 8 bytes big-endian, or the device's identity.
    nonce: the account nonce of its transactions; None while pending, and if the ledger had the
    effect already.
    block_number, transaction_hash: where it is included; None before.
    tries: the number of nonces that it has used up.
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
    """One signed transaction. The record keeps all attempts of a row: any may be mined."""

    transaction_hash: bytes
    raw: bytes
    nonce: int
    max_fee: int  # wei per gas
    priority_fee: int  # wei per gas


@dataclass(frozen=True, slots=True)
class SignedRegistration:
    """The input of DeviceID.addDevice: the device and its signature over the statement."""

    device: DeviceRecord
    signature: bytes


class OutboxRows(Protocol):
    """Reading of rows."""

    def outbox(
        self, states: Sequence[OutboxState], limit: int, kind: OutboxKind | None = None
    ) -> list[OutboxRow]:
        """Rows in these states (of one kind, or of both), oldest first, at most `limit`."""

    def outbox_row(self, kind: OutboxKind, subject: bytes) -> OutboxRow | None:
        """The only row of this kind and subject, if there is one."""

    def outbox_from_nonce(self, nonce: int) -> list[OutboxRow]:
        """Rows whose nonce is `nonce` or above, by nonce."""


class Outbox(OutboxRows, Protocol):
    """Rows, the transactions that were signed for them, and the state of each."""

    def attempts(self, row_id: int) -> list[Attempt]:
        """All transactions ever signed for a row, oldest first."""

    def attempts_from_nonce(self, nonce: int) -> list[Attempt]:
        """All attempts with this nonce or a higher one, by nonce, oldest first."""

    def next_nonce(self) -> int | None:
        """One more than the highest nonce of any attempt; None before the first."""

    def store_signed(self, row_id: int, attempt: Attempt) -> None:
        """Store a signed transaction before it is sent; the row becomes SIGNED with its nonce.

        The attempt has the row's own nonce (a replacement with higher fees) or a nonce that no
        other row has used; RegistryError otherwise.
        """

    def mark_sent(self, row_id: int) -> None:
        """Note that a node has the transaction (or has it again, after a reorganisation)."""

    def mark_included(self, row_id: int, block_number: int, transaction_hash: bytes) -> None:
        """Note that the transaction is in a block that is not final yet."""

    def mark_finalized(self, row_id: int, block_number: int, transaction_hash: bytes) -> None:
        """Note that the transaction is in a final block."""

    def mark_pending(self, row_id: int, detail: str) -> None:
        """Note that its nonce was used up without effect. It needs a new one; attempts are kept."""

    def mark_failed(self, row_id: int, detail: str) -> None:
        """Note that the ledger refuses it permanently."""

    def signed_registration(self, device_id: bytes) -> SignedRegistration | None:
        """The signed statement that registers a device, if there is one."""
