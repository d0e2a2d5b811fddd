"""The anchoring stage on a chain, driven by ticks, and decisions for it to anchor."""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from countersign import messages
from countersign_gateway.anchoring.batcher import Batcher
from countersign_gateway.anchoring.evm import EvmLedger
from countersign_gateway.anchoring.fees import FeePolicy
from countersign_gateway.anchoring.gas import Gas
from countersign_gateway.anchoring.ledger_key import LedgerKey
from countersign_gateway.anchoring.outbox import Outbox
from countersign_gateway.anchoring.progress import Progress
from countersign_gateway.anchoring.receipts import Receipts
from countersign_gateway.anchoring.worker import AnchoringWorker
from countersign_gateway.config import Blocks, Finality
from countersign_gateway.governance.budget import DailyBudget, alarmed_by
from countersign_gateway.model import (
    Anchored,
    Batch,
    Decision,
    Enrolment,
    RegistrationOffer,
    Reply,
)
from countersign_gateway.operations.alarms import Alarms
from countersign_gateway.operations.log import EventLog
from countersign_gateway.registry.interface import (
    LedgerBinding,
    OutboxKind,
    OutboxRow,
    OutboxState,
    Registry,
)
from countersign_gateway.statements.keys import SigningKey
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.local_chain import CHAIN_ID, LocalChain
from support.gateway.memory_registry import MemoryRegistry


class Device:
    """A device and the gateway's decisions about it: real signatures, invented messages."""

    def __init__(self, owner: bytes = bytes(20)) -> None:
        self._device = SimulatedDevice(secrets.token_bytes(32), gateway_id=bytes(32))
        self.device_id = self._device.device_id
        self.record = self._device.record(owner, counter=1)
        self.counter = 0

    def registration_signature(self, device_registry: bytes) -> bytes:
        return self._device.registration_signature(
            RegistrationOffer(
                CHAIN_ID, device_registry, self.record.owner, self.record.device_class
            )
        )

    def enrols(self, signature: bytes | None = None) -> Decision:
        decision = self.checks_in()
        return Decision(
            decision.device_id,
            decision.counter,
            decision.message,
            decision.result,
            decision.commitment,
            Enrolment(replace(self.record, counter=self.counter), signature),
        )

    def checks_in(self) -> Decision:
        self.counter += 1
        message = b"%s says %d" % (self.device_id.hex()[:8].encode(), self.counter)
        result = b"allowed: " + message
        commitment = messages.commitment(
            hashlib.sha256(message).digest(), hashlib.sha256(result).digest()
        )
        return Decision(self.device_id, self.counter, message, result, commitment)


class NotedReceipts(Receipts):
    """Receipts that also notes each batch for which it made them."""

    def __init__(self, registry: Registry, signer: SigningKey, anchored: list[Anchored]) -> None:
        super().__init__(registry, signer)
        self._anchored = anchored

    def replies(self, batch: Batch, anchored: Anchored) -> Iterator[Reply]:
        self._anchored.append(anchored)
        return super().replies(batch, anchored)


class Site:
    """One gateway's anchoring. `tick` does one round, by default one second after the last."""

    def __init__(
        self,
        chain: LocalChain,
        registry: Registry | None = None,
        *,
        key: LedgerKey | None = None,
        batch_max: int = 4,
        batch_age_s: float = 3.0,
        fees: FeePolicy | None = None,
        timeout_s: float = 5.0,
        urls: Sequence[str] = (),
        agree: int = 1,
        finality: Finality = "finalized",
        gas_per_day: int = 1 << 50,
        blocks: Blocks = "on_demand",
        stalled_after_s: float = 120.0,
        settle_within_s: float = 3600.0,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self.chain = chain
        self.registry: Registry = registry if registry is not None else MemoryRegistry()
        self.key = key or LedgerKey(secrets.token_bytes(32))
        self.gateway_key = SigningKey(secrets.token_bytes(32))
        self.contacts = 0
        self.anchored: list[Anchored] = []
        self.replies: list[Reply] = []
        self.log = io.StringIO()
        self.now_s = 0.0
        self.ledger = EvmLedger(
            urls or [chain.rpc_url],
            agree=agree,
            chain_id=CHAIN_ID,
            commitment_log=chain.commitment_log,
            device_registry=chain.device_registry,
            finality=finality,
            timeout_s=timeout_s,
        )
        binding = LedgerBinding(
            CHAIN_ID, self.key.address, chain.commitment_log, chain.device_registry
        )
        log = EventLog(self.log)
        self.alarms = Alarms(log, wall_s)
        budget = DailyBudget("gas", gas_per_day, self.registry, wall_s, alarmed_by(self.alarms))
        self.outbox = Outbox(
            self.registry, self.ledger, self.key, binding, log, gas=Gas(budget), fees=fees
        )
        self.worker = AnchoringWorker(
            registry=self.registry,
            batcher=Batcher(self.registry, batch_max, batch_age_s),
            outbox=self.outbox,
            receipts=NotedReceipts(self.registry, self.gateway_key, self.anchored),
            progress=Progress(
                blocks, stalled_after_s=stalled_after_s, settle_within_s=settle_within_s
            ),
            log=log,
            on_contact=self._contact,
            on_reply=self.replies.append,
        )

    def _contact(self) -> None:
        self.contacts += 1

    def tick(self, elapsed_s: float = 1.0) -> bool:
        self.now_s += elapsed_s
        answered = self.worker.step(self.now_s)
        if answered:
            self.chain.quiesce()
        return answered

    def settle(self, rounds: int = 60) -> None:
        """Tick, and make blocks final in between, until no work is left."""
        for _ in range(rounds):
            self.tick()
            counts = self.registry.counts()
            if counts.outbox_open == 0 and counts.batched == counts.commitments:
                return
            self.chain.finalize()
        raise AssertionError(f"not settled: {self.registry.counts()} {self.outbox.problem}")

    def append(self, sequence: int) -> OutboxRow:
        row = self.registry.outbox_row(OutboxKind.APPEND, sequence.to_bytes(8, "big"))
        assert row is not None
        return row

    def registration(self, device: Device) -> OutboxRow:
        row = self.registry.outbox_row(OutboxKind.REGISTER, device.device_id)
        assert row is not None
        return row

    def states(self) -> list[OutboxState]:
        return [row.state for row in self.registry.outbox(list(OutboxState), 1000)]

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in self.log.getvalue().splitlines())
        return [line for line in lines if line["event"] == name]

    def check_history(self) -> None:
        """Check that the chain has exactly the record's finalized batches, in order, once each."""
        batches = []
        sequence = 1
        while batch := self.registry.batch(sequence):
            if self.append(sequence).state is OutboxState.FINALIZED:
                batches.append((sequence, batch.root, batch.size, batch.head))
            sequence += 1
        assert self.chain.batches(self.key.address) == batches
        last = batches[-1] if batches else (0, b"", 0, bytes(32))
        assert self.chain.tip(self.key.address) == (last[0], last[3])
