"""The interface of a ledger, and its two errors: UpstreamDown and Rejected.

Numbers are wei, gas and block numbers. Addresses are 20 raw bytes; hashes and heads are 32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from countersign_gateway.model import Batch
from countersign_gateway.registry.interface import SignedRegistration


class UpstreamDown(Exception):
    """The ledger gave no usable answer: unreachable, timed out, or malformed. Ask again later."""


class Rejected(Exception):
    """The ledger refused. `reason` is its own text, for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NonceUsed(Rejected):
    """The account has already used this nonce, for this transaction or another."""


@dataclass(frozen=True, slots=True)
class Head:
    """The chain's newest and finalized block numbers. base_fee: wei per gas, of the newest."""

    latest: int
    finalized: int
    base_fee: int


@dataclass(frozen=True, slots=True)
class Tip:
    """The last batch of our log on the chain; sequence 0 and a zero head before the first."""

    sequence: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A transaction in a block of the present chain.

    succeeded: it was not reverted. effective: it caused the effect. (A second append of the same
    batch succeeds without an effect.)
    """

    block_number: int
    transaction_hash: bytes
    succeeded: bool
    effective: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A transaction's contract, call data and gas limit."""

    to: bytes
    data: bytes
    gas: int


@dataclass(frozen=True, slots=True)
class ExpectedRevert:
    """Why the ledger would revert a call. lasting: a later call would be reverted too."""

    reason: str
    lasting: bool


class Ledger(Protocol):
    """Every method may raise UpstreamDown. Only `check` and `send` raise Rejected."""

    def check(self) -> None:
        """Raise Rejected unless this is the configured chain and both contracts are on it."""

    def head(self) -> Head:
        """The newest and the finalized block."""

    def account_nonce(self, account: bytes) -> int:
        """The number of the account's transactions in blocks, which is its next nonce."""

    def tip(self, account: bytes) -> Tip:
        """The tip of the account's log of batches."""

    def send(self, raw: bytes) -> None:
        """Send a signed transaction. It is no error if the node has it already."""

    def inclusion(self, transaction_hash: bytes) -> Inclusion | None:
        """The block of a transaction on the present chain; None if it is in no block."""

    def append_call(self, batch: Batch) -> Call:
        """The call that appends a batch to the account's log."""

    def register_call(self, registration: SignedRegistration) -> Call:
        """The call that registers a device with its own proof."""

    def append_inclusion(self, account: bytes, sequence: int) -> Inclusion | None:
        """The transaction that appended this batch, whoever sent it."""

    def register_inclusion(self, device_id: bytes) -> Inclusion | None:
        """The transaction that registered this device, whoever sent it."""

    def device_owner(self, device_id: bytes) -> bytes | None:
        """The owner of a device on the ledger, or None if the device is not registered."""

    def expected_revert(self, account: bytes, call: Call) -> ExpectedRevert | None:
        """Why the ledger would revert this call now; None if it would not."""
