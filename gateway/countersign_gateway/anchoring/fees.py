"""The fees that a transaction offers, and how they are raised.

Fees are wei per gas. On a chain with EIP-1559 a transaction offers (max_fee, tip). On one without,
or if the settings ask for old transactions, it has one gas price, which stands in both places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GWEI = 10**9

Transactions = Literal["auto", "dynamic", "legacy"]

# From a tip of 0, the first offer that may be enough for a node that names no number.
_FIRST_TIP = GWEI // 100


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """priority_fee: the tip, 0 on a chain without fees. `cap`: the highest max_fee; above it a
    transaction waits. transactions: "auto" makes old ones where blocks have no base fee."""

    priority_fee: int = GWEI
    cap: int = 500 * GWEI
    transactions: Transactions = "auto"


@dataclass(frozen=True, slots=True)
class Offer:
    """The fees of one transaction. legacy: of the old kind; both numbers are its price."""

    max_fee: int
    priority_fee: int
    legacy: bool


class Fees:
    """A policy, and the least tip that the network was seen to take. A restart forgets the tip."""

    def __init__(self, policy: FeePolicy) -> None:
        self._policy = policy
        self._least_tip = 0

    def offer(self, base_fee: int | None) -> Offer:
        """The fees of a new transaction; enough for about six full blocks."""
        policy = self._policy
        tip = max(policy.priority_fee, self._least_tip)
        legacy = policy.transactions == "legacy" or (
            policy.transactions == "auto" and base_fee is None
        )
        if legacy:
            price = min((base_fee or 0) * 2 + tip, policy.cap)
            return Offer(price, price, True)
        max_fee = min(2 * (base_fee or 0) + tip, policy.cap)
        return Offer(max_fee, min(tip, max_fee), False)

    def raised(self, before: tuple[int, int], base_fee: int | None) -> Offer | None:
        """The fees of a replacement for (max_fee, priority_fee), or None if the cap forbids it.

        Nodes accept a replacement only if both fees grow by at least 10 %; 12.5 % leaves room for
        rounding, and satisfies nodes that require an eighth.
        """
        fresh = self.offer(base_fee)
        priority_fee = max(fresh.priority_fee, before[1] + before[1] // 8 + 1)
        max_fee = max(fresh.max_fee, before[0] + before[0] // 8 + 1, priority_fee)
        if fresh.legacy:
            priority_fee = max_fee
        return None if max_fee > self._policy.cap else Offer(max_fee, priority_fee, fresh.legacy)

    def learn(self, refused_tip: int, least_tip: int | None) -> None:
        """Note that a node refused this tip. least_tip: the number that it named, if it did.

        Without a number the tip doubles. The cap holds in either case, whatever a node says.
        """
        wanted = max(2 * refused_tip, _FIRST_TIP) if least_tip is None else least_tip
        self._least_tip = max(self._least_tip, min(wanted, self._policy.cap))
