"""What anchoring may spend on one day, and who waits first when it runs out.

A new nonce spends its transaction's gas limit, the most that it can cost, before it is signed. A
replacement with higher fees has the nonce of the one it replaces: the chain takes one of the two,
so it spends nothing. Whoever is refused waits for the next day, in UTC; nothing fails.

The last quarter of a day's gas is for appends alone. So devices that enrol, however many, keep no
batch off the ledger before three quarters are spent, and batches go on after that.
"""

from __future__ import annotations

from countersign_gateway.governance.budget import DailyBudget
from countersign_gateway.registry.interface import OutboxKind

APPENDS_SHARE = 4  # one in so many of the day's gas is for appends alone


class Gas:
    """For the thread of the outbox, as its budget is."""

    def __init__(self, budget: DailyBudget) -> None:
        """budget: of gas."""
        self._budget = budget

    def allows(self, kind: OutboxKind, gas: int) -> bool:
        """Whether a transaction of this kind with this gas limit may be signed now."""
        kept = 0 if kind is OutboxKind.APPEND else self._budget.limit // APPENDS_SHARE
        return self._budget.allows(gas + kept)

    def spend(self, kind: OutboxKind, gas: int) -> bool:
        """Spend a gas limit, durably, before the transaction is signed. False: it waits."""
        return self.allows(kind, gas) and self._budget.spend(gas)
