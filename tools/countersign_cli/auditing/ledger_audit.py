"""An audit against the ledger: every commitment was anchored exactly once.

The audit reads the batches that a gateway anchored from the chain's own events, and compares them
with the gateway's durable record. Every leaf must be under exactly one root. Every root must be the
RFC 9162 head of the leaves that it claims. The contract's hash chain must be the one that the audit
recomputes from the record.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from web3 import Web3

import countersign_contracts
from countersign import merkle
from countersign_contracts.node import http_provider
from countersign_gateway.registry.interface import Batches


@dataclass(frozen=True, slots=True)
class Audit:
    """What the ledger and the record say together.

    commitments: how many are durable in the record. anchored: how many of those are under a root on
    the ledger.
    lost: how many are durable, but under no root. duplicated: how many leaves are under more than
    one root, or under a sequence that the ledger has twice. faults: sentences; empty when
    everything agrees.
    """

    commitments: int
    anchored: int
    lost: int
    duplicated: int
    batches: int
    faults: tuple[str, ...]


def audit(rpc_url: str, commitment_log: str, gateway_account: str, record: Batches) -> Audit:
    """Compare the ledger with the record, which must not change meanwhile.

    rpc_url: of a node of the chain. commitment_log, gateway_account: addresses as 0x and 40 digits.
    """
    events = batch_events(rpc_url, commitment_log, gateway_account)
    faults: list[str] = []
    times_anchored = [0] * record.commitment_count()
    head = bytes(32)
    for index, event in enumerate(events, start=1):
        sequence, root, size = event["sequence"], bytes(event["root"]), event["size"]
        if sequence != index:
            faults.append(f"the ledger has sequence {sequence} where {index} belongs")
        head = hashlib.sha256(head + root + size.to_bytes(4, "big")).digest()
        if bytes(event["head"]) != head:
            faults.append(f"the head of batch {sequence} does not follow from its root")
        batch = record.batch(sequence)
        if batch is None:
            faults.append(f"batch {sequence} is on the ledger and not in the record")
            continue
        leaves = record.commitments(batch.first_position, batch.size)
        if (batch.root, batch.size) != (root, size) or merkle.root(leaves) != root:
            faults.append(f"batch {sequence} on the ledger is not the one in the record")
        for position in range(batch.first_position, batch.first_position + batch.size):
            times_anchored[position] += 1
    return Audit(
        commitments=len(times_anchored),
        anchored=sum(1 for times in times_anchored if times),
        lost=sum(1 for times in times_anchored if not times),
        duplicated=sum(times - 1 for times in times_anchored if times > 1),
        batches=len(events),
        faults=tuple(faults),
    )


def batch_events(rpc_url: str, commitment_log: str, gateway_account: str) -> list[dict[str, Any]]:
    """The arguments of every BatchAnchored event of this gateway, in the ledger's order.

    gateway_account: the account that appends now. Where its log goes on for a closed one, the
    closed log's batches come first, up to the one at which the gateway closed it.
    """
    chain = Web3(http_provider(rpc_url))
    log = chain.eth.contract(
        address=Web3.to_checksum_address(commitment_log),
        abi=countersign_contracts.load("CommitmentLog")["abi"],
    )
    return _lineage(log, Web3.to_checksum_address(gateway_account))


def _lineage(log: Any, account: str) -> list[dict[str, Any]]:
    earlier: list[dict[str, Any]] = []
    for event in _events(log.events.LogSucceeded, {"successor": account}):
        earlier = _lineage(log, event["predecessor"])[: event["sequence"]]
    return earlier + _events(log.events.BatchAnchored, {"gateway": account})


def _events(event: Any, arguments: dict[str, str]) -> list[dict[str, Any]]:
    found = event.get_logs(from_block=0, to_block="latest", argument_filters=arguments)
    return [dict(entry["args"]) for entry in found]
