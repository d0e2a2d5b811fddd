"""What a transaction offers for its place in a block (EIP-1559), and how the offer is raised."""

from __future__ import annotations

from dataclasses import dataclass

GWEI = 10**9


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """Wei per gas. `cap` is the most that is ever offered; above it a transaction waits."""

    priority_fee: int = GWEI
    cap: int = 500 * GWEI

    def offer(self, base_fee: int) -> tuple[int, int]:
        """(max_fee, priority_fee) for a new transaction: good for about six full blocks."""
        max_fee = min(2 * base_fee + self.priority_fee, self.cap)
        return max_fee, min(self.priority_fee, max_fee)

    def raised(self, before: tuple[int, int], base_fee: int) -> tuple[int, int] | None:
        """The offer that replaces `before`, or None if that would exceed the cap.

        Nodes take a replacement only if both fees grow by at least 10 %; 12.5 % leaves room for
        rounding and for the nodes that ask for an eighth.
        """
        max_fee, priority_fee = self.offer(base_fee)
        max_fee = max(max_fee, before[0] + before[0] // 8 + 1)
        priority_fee = max(priority_fee, before[1] + before[1] // 8 + 1)
        max_fee = max(max_fee, priority_fee)
        return None if max_fee > self.cap else (max_fee, priority_fee)
