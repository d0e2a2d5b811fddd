"""What anchoring asks of a ledger, and the two ways in which it can be disappointed.

Numbers are wei, gas and block numbers. Addresses are 20 raw bytes, hashes and heads 32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from countersign_gateway.model import Batch
from countersign_gateway.registry.interface import SignedRegistration


class UpstreamDown(Exception):
    """No usable answer: unreachable, timed out, or nonsense. Nothing is known; ask again later."""


class Rejected(Exception):
    """The ledger answered, and the answer is no. `reason` is its own words, for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NonceUsed(Rejected):
    """The account has used this nonce up already, with this transaction or another."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain is."""

    latest: int
    finalized: int
    base_fee: int


@dataclass(frozen=True, slots=True)
class Tip:
    """Where our log of batches stands on the chain; sequence 0 and a zero head before the first."""

    sequence: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A transaction in a block of the present chain.

    succeeded: it was not reverted. effective: it is the one that caused the effect (a batch
    appended twice is a no-op the second time).
    """

    block_number: int
    transaction_hash: bytes
    succeeded: bool
    effective: bool


@dataclass(frozen=True, slots=True)
class Call:
    """What a transaction does: contract, call data, and the gas it may use."""

    to: bytes
    data: bytes
    gas: int


@dataclass(frozen=True, slots=True)
class ExpectedRevert:
    """Why the ledger would revert a call. lasting: asking again later cannot help."""

    reason: str
    lasting: bool


class Ledger(Protocol):
    """Every method may raise UpstreamDown; only `send` raises Rejected in ordinary operation."""

    def check(self) -> None:
        """Rejected unless this is the configured chain and both contracts are on it."""

    def head(self) -> Head:
        """The newest and the finalized block."""

    def account_nonce(self, account: bytes) -> int:
        """How many transactions of the account are in blocks."""

    def tip(self, account: bytes) -> Tip:
        """The account's log of batches."""

    def send(self, raw: bytes) -> None:
        """Hand over a signed transaction. One that the node has already is a success."""

    def inclusion(self, transaction_hash: bytes) -> Inclusion | None:
        """Where a transaction is on the present chain, if anywhere."""

    def append_call(self, batch: Batch) -> Call:
        """Append a batch to the account's log."""

    def register_call(self, registration: SignedRegistration) -> Call:
        """Enter a device with its own proof."""

    def append_inclusion(self, account: bytes, sequence: int) -> Inclusion | None:
        """The transaction that appended this batch, whoever sent it."""

    def register_inclusion(self, device_id: bytes) -> Inclusion | None:
        """The transaction that entered this device, whoever sent it."""

    def device_owner(self, device_id: bytes) -> bytes | None:
        """The owner of a device on the ledger, or None if it is not there."""

    def expected_revert(self, account: bytes, call: Call) -> ExpectedRevert | None:
        """Why the ledger would revert this call now; None if it would not."""
