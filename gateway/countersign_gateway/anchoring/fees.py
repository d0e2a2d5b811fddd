"""The fees that a transaction offers (EIP-1559), and how they are raised."""

from __future__ import annotations

from dataclasses import dataclass

GWEI = 10**9


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """All fees are in wei per gas. `cap` is the highest max_fee; above it a transaction waits."""

    priority_fee: int = GWEI
    cap: int = 500 * GWEI

    def offer(self, base_fee: int) -> tuple[int, int]:
        """(max_fee, priority_fee) of a new transaction; enough for about six full blocks."""
        max_fee = min(2 * base_fee + self.priority_fee, self.cap)
        return max_fee, min(self.priority_fee, max_fee)

    def raised(self, before: tuple[int, int], base_fee: int) -> tuple[int, int] | None:
        """The fees of a replacement for `before`, or None if they would exceed the cap.

        Nodes accept a replacement only if both fees grow by at least 10 %; 12.5 % leaves room for
        rounding, and satisfies nodes that require an eighth.
        """
        max_fee, priority_fee = self.offer(base_fee)
        max_fee = max(max_fee, before[0] + before[0] // 8 + 1)
        priority_fee = max(priority_fee, before[1] + before[1] // 8 + 1)
        max_fee = max(max_fee, priority_fee)
        return None if max_fee > self.cap else (max_fee, priority_fee)
