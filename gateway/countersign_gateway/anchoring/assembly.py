"""Builds the anchoring stage from its settings."""

from __future__ import annotations

import time
from collections.abc import Callable

from countersign_gateway.anchoring.batcher import Batcher
from countersign_gateway.anchoring.evm import EvmLedger
from countersign_gateway.anchoring.fees import FeePolicy, Fees
from countersign_gateway.anchoring.gas import Gas
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.anchoring.outbox import Outbox
from countersign_gateway.anchoring.pace import Pace
from countersign_gateway.anchoring.progress import Progress
from countersign_gateway.anchoring.receipts import Receipts
from countersign_gateway.anchoring.repair import Repair
from countersign_gateway.anchoring.worker import AnchoringWorker
from countersign_gateway.config import AnchoringConfig
from countersign_gateway.governance.budget import DailyBudget, alarmed_by
from countersign_gateway.model import Reply
from countersign_gateway.operations.alarms import Alarms
from countersign_gateway.operations.log import EventLog
from countersign_gateway.registry.interface import LedgerBinding, Registry
from countersign_gateway.statements.keys import SigningKey
from countersign_gateway.statements.signer import Signer


def anchoring_worker(
    config: AnchoringConfig,
    *,
    registry: Registry,
    signer: Signer,
    log: EventLog,
    alarms: Alarms,
    on_contact: Callable[[], None],
    on_reply: Callable[[Reply], None],
    degraded_after_s: float,
) -> AnchoringWorker:
    """Build it without a call to the ledger. OperatorError if key file or binding is wrong.

    degraded_after_s: without progress for longer the site is degraded, so an idle one asks twice in
    that time.
    """
    key = LedgerKey.from_file(config.ledger_key_file)
    ledger = _ledger(config)
    binding = LedgerBinding(
        config.chain_id, key.address, config.commitment_log, config.device_registry
    )
    return AnchoringWorker(
        registry=registry,
        batcher=Batcher(registry, config.batch_max, config.batch_age_s),
        outbox=Outbox(
            registry,
            ledger,
            key,
            binding,
            log,
            gas=Gas(
                DailyBudget("gas", config.gas_per_day, registry, time.time, alarmed_by(alarms))
            ),
            fees=_fees(config),
        ),
        receipts=Receipts(registry, signer),
        progress=Progress(
            config.blocks,
            stalled_after_s=degraded_after_s,
            settle_within_s=config.settle_within_s,
        ),
        log=log,
        on_contact=on_contact,
        on_reply=on_reply,
        pace=Pace(poll_s=config.poll_interval_s, idle_s=degraded_after_s / 2),
    )


def repair(
    config: AnchoringConfig,
    *,
    registry: Registry,
    gateway_key: SigningKey,
    say: Callable[[str], None],
) -> Repair:
    """A repair of this site's anchoring. It asks the ledger only when it runs."""
    return Repair(
        registry,
        _ledger(config),
        gateway_key,
        config.ledger_key_file,
        config.chain_id,
        Fees(_fees(config)),
        say=say,
        wait=lambda: time.sleep(config.poll_interval_s),
    )


def _ledger(config: AnchoringConfig) -> EvmLedger:
    return EvmLedger(
        config.rpc_urls,
        agree=config.agree or len(config.rpc_urls),
        finality=config.finality,
        chain_id=config.chain_id,
        commitment_log=config.commitment_log,
        device_registry=config.device_registry,
    )


def _fees(config: AnchoringConfig) -> FeePolicy:
    return FeePolicy(config.tip_gwei, config.fee_cap_gwei, config.transactions)
