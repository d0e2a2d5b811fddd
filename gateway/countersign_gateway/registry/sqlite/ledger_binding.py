"""The ledger account that this registry anchors to, in SQLite."""

from __future__ import annotations

from countersign_gateway.registry.interface import (
    LedgerBinding,
    OutboxState,
    RegistryError,
    RegistryUnusable,
)
from countersign_gateway.registry.sqlite.tables import Tables


class LedgerBindingRow(Tables):
    """interface.LedgerBound."""

    def bind_ledger(self, binding: LedgerBinding) -> None:
        wanted = (
            binding.chain_id,
            binding.account,
            binding.commitment_log,
            binding.device_registry,
        )
        with self._connections.write() as writer:
            bound = writer.execute(
                "SELECT chain_id, account, commitment_log, device_registry FROM gateway"
            ).fetchone()
            if bound[0] is None:
                writer.execute(
                    "UPDATE gateway SET chain_id = ?, account = ?, commitment_log = ?,"
                    " device_registry = ?",
                    wanted,
                )
                return
        for name, before, now in zip(
            ("chain id", "ledger key", "CommitmentLog", "DeviceID"), bound, wanted, strict=True
        ):
            if before != now:
                raise RegistryUnusable(
                    f"{self._connections.path} anchors to another ledger: its {name} was"
                    f" {_shown(before)}, and the configuration says {_shown(now)}"
                )

    def bound_ledger(self) -> LedgerBinding | None:
        with self._connections.read() as reader:
            bound = reader.execute(
                "SELECT chain_id, account, commitment_log, device_registry FROM gateway"
            ).fetchone()
        return None if bound[0] is None else LedgerBinding(*bound)

    def hand_over(self, account: bytes, after_sequence: int) -> None:
        pending, final = int(OutboxState.PENDING), int(OutboxState.FINALIZED)
        failed = int(OutboxState.FAILED)
        with self._connections.write() as writer:
            changed = writer.execute(
                "UPDATE gateway SET account = ? WHERE chain_id IS NOT NULL", (account,)
            ).rowcount
            if changed != 1:
                raise RegistryError("the record is bound to no ledger account")
            if writer.execute(
                "SELECT 1 FROM outbox WHERE batch > ? AND state = ?", (after_sequence, final)
            ).fetchone():
                raise RegistryError("a later batch is final under the present account")
            # Below zero, where no nonce of an account is.
            writer.execute("UPDATE attempts SET nonce = -1 - nonce WHERE nonce >= 0")
            writer.execute("UPDATE outbox SET nonce = NULL")
            writer.execute(
                "UPDATE outbox SET state = ?1, tries = 0, block_number = NULL,"
                " transaction_hash = NULL, detail = 'goes on under another ledger account'"
                " WHERE batch > ?2 OR (device IS NOT NULL AND state NOT IN (?3, ?4))",
                (pending, after_sequence, final, failed),
            )


def _shown(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
