"""The ledger on an EVM chain, by the word of several nodes and the proof of one.

Numbers and states count if enough nodes agree (quorum.py). An effect in a final block counts if it
is also in the receipts of that block, whose root enough nodes agree on: receipt_trie.py rebuilds
the root from the receipts that one node gives (decision 0036).

Nothing here is repeated: the outbox decides when to ask again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from countersign_gateway.anchoring import answers
from countersign_gateway.anchoring.contract_codec import ContractCodec, has_effect
from countersign_gateway.anchoring.evm_node import EvmNode
from countersign_gateway.anchoring.ledger import (
    AnchoredBatch,
    Call,
    Effect,
    ExpectedRevert,
    FeeTooLow,
    Head,
    Inclusion,
    NonceUsed,
    Rejected,
    Succession,
    Tip,
    Unproven,
    UpstreamDown,
)
from countersign_gateway.anchoring.quorum import Quorum
from countersign_gateway.anchoring.receipt_trie import receipts_root
from countersign_gateway.anchoring.rpc import Node
from countersign_gateway.config import Finality
from countersign_gateway.model import Batch
from countersign_gateway.registry.interface import SignedRegistration


class EvmLedger:
    """ledger.Ledger over HTTP JSON-RPC. URLs may hold access tokens, so they are never shown."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        chain_id: int,
        commitment_log: bytes,
        device_registry: bytes,
        agree: int = 1,
        finality: Finality = "finalized",
        timeout_s: float = 5.0,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """urls: of nodes that different parties run. agree: how many of them must say the same."""
        self._chain_id = chain_id
        self._codec = ContractCodec(commitment_log, device_registry)
        self._nodes = [
            EvmNode(Node(url, timeout_s), self._codec, chain_id, finality) for url in urls
        ]
        self._quorum = Quorum(self._nodes, agree, clock_s)

    def __repr__(self) -> str:
        return f"EvmLedger(chain_id={self._chain_id})"

    # --- asking --------------------------------------------------------------------------

    def check(self) -> None:
        self._quorum.check_again()
        self._quorum.every(lambda _: None, "the chain")

    def head(self) -> Head:
        heads = self._quorum.every(EvmNode.head, "the newest block")
        latest = self._quorum.reached([head.latest for head in heads])
        final = self._quorum.reached([head.final for head in heads])
        # The middle one: fewer nodes than a majority cannot move it out of what the others say.
        fees = sorted(-1 if head.base_fee is None else head.base_fee for head in heads)
        base_fee = fees[len(fees) // 2]
        return Head(latest, min(final, latest), None if base_fee < 0 else base_fee)

    def account_nonce(self, account: bytes, block: int | None = None) -> int:
        return self._quorum.exact(lambda node: node.account_nonce(account, block), "our nonce")

    def tip(self, account: bytes, block: int | None = None) -> Tip:
        return self._quorum.exact(lambda node: node.tip(account, block), "the tip of our log")

    def device_owner(self, device_id: bytes, block: int | None = None) -> bytes | None:
        return self._quorum.exact(
            lambda node: node.device_owner(device_id, block), "the owner of a device"
        )

    def inclusion(self, transaction_hash: bytes, effect: Effect, final: int) -> Inclusion | None:
        found = self._quorum.exact(
            lambda node: node.inclusion(transaction_hash, effect), "the block of a transaction"
        )
        self._prove(found, effect, final)
        return found

    def effect_inclusion(self, effect: Effect, final: int) -> Inclusion | None:
        found = self._quorum.exact(
            lambda node: node.effect_inclusion(effect), "the block of an event"
        )
        self._prove(found, effect, final)
        return found

    def batches(self, account: bytes) -> tuple[AnchoredBatch, ...]:
        """All batches that the account appended, in order."""
        return self._quorum.exact(lambda node: node.batches(account), "our batches")

    def succession(self, account: bytes) -> Succession | None:
        """Where the account's log was closed, and who goes on; None if it is open."""
        return self._quorum.exact(lambda node: node.succession(account), "our log's end")

    def gateway_key(self, account: bytes) -> bytes | None:
        """The key (32 bytes) that claimed the account's log; None if none has."""
        return self._quorum.exact(lambda node: node.gateway_key(account), "our log's gateway")

    @property
    def codec(self) -> ContractCodec:
        """Calls and events of the two contracts."""
        return self._codec

    def expected_revert(self, account: bytes, call: Call) -> ExpectedRevert | None:
        return self._quorum.exact(
            lambda node: node.expected_revert(account, call), "the outcome of a call"
        )

    # --- telling -------------------------------------------------------------------------

    def send(self, raw: bytes) -> None:
        """Send it to every node. It is sent if one node takes it."""
        outcomes = list(self._quorum.any(lambda node: _sent(node, raw)))
        refusals = [refusal for refusal in outcomes if refusal is not None]
        if not outcomes:
            raise UpstreamDown("eth_sendRawTransaction: no node answers")
        if len(refusals) < len(outcomes):
            return
        for kind in (NonceUsed, FeeTooLow):
            for refusal in refusals:
                if isinstance(refusal, kind):
                    raise refusal
        raise refusals[0]

    def append_call(self, batch: Batch) -> Call:
        return self._codec.append_call(batch)

    def append_effect(self, account: bytes, batch: Batch) -> Effect:
        return self._codec.append_effect(account, batch)

    def register_call(self, registration: SignedRegistration) -> Call:
        return self._codec.register_call(registration)

    def register_effect(self, registration: SignedRegistration) -> Effect:
        return self._codec.register_effect(registration)

    # --- proving -------------------------------------------------------------------------

    def _prove(self, found: Inclusion | None, effect: Effect, final: int) -> None:
        """Unproven unless `found` is what the final block's receipts show."""
        if found is None or not found.effective or found.block_number > final:
            return
        number = found.block_number
        block = self._quorum.exact(lambda node: node.block(number), f"block {number}")
        if block.number != number or found.transaction_hash not in block.transactions:
            raise Unproven(f"block {number} does not hold the transaction that nodes name")
        index = block.transactions.index(found.transaction_hash)
        for receipts in self._quorum.any(lambda node: node.receipts(block)):
            try:
                genuine = (
                    len(receipts) == len(block.transactions)
                    and receipts_root(receipts) == block.receipts_root
                )
                if genuine and has_effect(effect, answers.sequence(receipts[index].get("logs"))):
                    return
            except UpstreamDown:
                continue  # it is malformed; another node may have it
        raise Unproven(f"no node proves what block {number} holds by its receipts")


def _sent(node: EvmNode, raw: bytes) -> Rejected | None:
    """Send to one node; its refusal is an answer."""
    try:
        node.send(raw)
    except Rejected as refusal:
        return refusal
    return None
