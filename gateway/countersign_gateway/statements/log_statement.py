"""What the gateway's key signs about its log on the ledger (PROTOCOL.md section 6.4)."""

from __future__ import annotations

from dataclasses import dataclass

from countersign.tagged import tagged_sha256


@dataclass(frozen=True, slots=True)
class LogPlace:
    """The chain and the contract CommitmentLog (20 bytes) in which a log is."""

    chain_id: int
    commitment_log: bytes

    def claim(self, account: bytes) -> bytes:
        """The digest (32 bytes) by which a gateway claims the log of `account` (20 bytes)."""
        return tagged_sha256("countersign/LogClaim/1", self._encoded(), account)

    def succession(self, predecessor: bytes, successor: bytes, sequence: int, head: bytes) -> bytes:
        """The digest by which it closes `predecessor`'s log at a batch, and goes on in another."""
        return tagged_sha256(
            "countersign/LogSuccession/1",
            self._encoded(),
            predecessor,
            successor,
            sequence.to_bytes(8, "big"),
            head,
        )

    def rotation(self, account: bytes, old_key: bytes, new_key: bytes) -> bytes:
        """The digest that both keys sign, so that `new_key` rules the account's log."""
        return tagged_sha256(
            "countersign/GatewayKeyRotation/1", self._encoded(), account, old_key, new_key
        )

    def _encoded(self) -> bytes:
        return self.chain_id.to_bytes(32, "big") + self.commitment_log
