"""The ledger account that this registry anchors to, in SQLite."""

from __future__ import annotations

from countersign_gateway.registry.interface import LedgerBinding, RegistryUnusable
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


def _shown(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
