"""The interface of a ledger, and its errors.

Numbers are wei, gas and block numbers. Addresses are 20 raw bytes; hashes and heads are 32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from countersign_gateway.model import Batch
from countersign_gateway.registry.interface import SignedRegistration


class UpstreamDown(Exception):
    """The ledger gave no usable answer: unreachable, too busy, malformed, or nodes that disagree.

    It passes: ask again later. retry_after_s: the time that the node asked for; None if it named
    none.
    """

    def __init__(self, text: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class Unproven(UpstreamDown):
    """No node proves what the nodes claim about a final block."""


class Rejected(Exception):
    """The ledger refused. `reason` is its own text, for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NonceUsed(Rejected):
    """The account has already used this nonce, for this transaction or another."""


class FeeTooLow(Rejected):
    """The node takes no transaction at this fee. least_tip: the wei per gas that it named."""

    def __init__(self, reason: str, least_tip: int | None) -> None:
        super().__init__(reason)
        self.least_tip = least_tip


@dataclass(frozen=True, slots=True)
class Head:
    """The chain's newest and final block numbers.

    base_fee: wei per gas, of the newest; None on a chain without EIP-1559.
    """

    latest: int
    final: int
    base_fee: int | None


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
class Effect:
    """The event by which a contract shows that a call had its effect.

    topics: the first ones of the event, 32 bytes each. data: the event's data, all of it; None if
    any will do.
    """

    contract: bytes
    topics: tuple[bytes, ...]
    data: bytes | None


@dataclass(frozen=True, slots=True)
class ExpectedRevert:
    """Why the ledger would revert a call.

    lasting: our contracts gave a reason for which they would revert any later call too. Every other
    refusal passes: it is asked again.
    """

    reason: str
    lasting: bool


@dataclass(frozen=True, slots=True)
class AnchoredBatch:
    """A batch as a log holds it. head: the log's head after it."""

    sequence: int
    root: bytes
    size: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Succession:
    """Where a log was closed, and the account (20 bytes) whose log goes on."""

    successor: bytes
    sequence: int
    head: bytes


class Ledger(Protocol):
    """Every method may raise UpstreamDown. Only `check` and `send` raise Rejected.

    `block`: the number of the block after which the question is answered; None for the newest.
    """

    def check(self) -> None:
        """Raise Rejected unless this is the configured chain and both contracts are on it."""

    def head(self) -> Head:
        """The newest and the final block."""

    def account_nonce(self, account: bytes, block: int | None = None) -> int:
        """The number of the account's transactions in blocks, which is its next nonce."""

    def tip(self, account: bytes, block: int | None = None) -> Tip:
        """The tip of the account's log of batches."""

    def send(self, raw: bytes) -> None:
        """Send a signed transaction. It is no error if the node has it already."""

    def inclusion(self, transaction_hash: bytes, effect: Effect, final: int) -> Inclusion | None:
        """The block of a transaction on the present chain; None if it is in no block.

        An effect in a block up to `final` is proven (Unproven if no node can), later ones not yet.
        """

    def effect_inclusion(self, effect: Effect, final: int) -> Inclusion | None:
        """The transaction that had this effect, whoever sent it; proven up to `final`."""

    def append_call(self, batch: Batch) -> Call:
        """The call that appends a batch to the account's log."""

    def append_effect(self, account: bytes, batch: Batch) -> Effect:
        """What shows that the account's log has the batch."""

    def register_call(self, registration: SignedRegistration) -> Call:
        """The call that registers a device with its own proof."""

    def register_effect(self, registration: SignedRegistration) -> Effect:
        """What shows that the device is registered as its statement says."""

    def device_owner(self, device_id: bytes, block: int | None = None) -> bytes | None:
        """The owner of a device on the ledger, or None if the device is not registered."""

    def expected_revert(self, account: bytes, call: Call) -> ExpectedRevert | None:
        """Why the ledger would revert this call now; None if it would not."""
