"""The questions of a ledger, put to one EVM node. Its answers are one node's word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from countersign_gateway.anchoring import answers
from countersign_gateway.anchoring.contract_codec import ContractCodec, has_effect
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
    UpstreamDown,
)
from countersign_gateway.anchoring.rpc import Node
from countersign_gateway.config import Finality

# Reverts of our contracts that stop once the owner acts, or by tomorrow.
_MENDABLE = ("NotRegistrar", "UnknownOwner", "DailyLimitReached")

# What nodes (geth, Besu, anvil, Nethermind, Reth) call a transaction that they have already, a
# nonce that was used, and a fee that they do not take.
_KNOWN = ("already known", "already imported", "known transaction", "alreadyknown")
_NONCE_USED = ("nonce too low", "nonce is too low", "nonce_too_low", "oldnonce", "old nonce")
_FEE_TOO_LOW = (
    "underpriced",
    "gas price below configured minimum",
    "gas price too low",
    "gas_price_too_low",
    "gas price is too low",
    "feetoolow",
    "effectivepriorityfeetoolow",
    "tip below",
    "minimum needed",
)
_LEAST = re.compile(r"minimum (?:needed|required)?[^0-9]{0,12}([0-9]{1,24})\b")
# JSON-RPC codes of a node that is busy or has a fault of its own (EIP-1474 and common practice).
_PASSING_CODES = (-32005, -32002, -32603, -32097, 429)
_METHOD_NOT_FOUND = -32601
_REVERTED = 3  # the code by which geth and others mark a reverted call


@dataclass(frozen=True, slots=True)
class Block:
    """What a node says about one block: its hash, its receipts' root, its transactions' hashes."""

    number: int
    block_hash: bytes
    receipts_root: bytes
    transactions: tuple[bytes, ...]


class EvmNode:
    """One node. Every method may raise UpstreamDown; only `check` and `send` raise Rejected."""

    def __init__(self, node: Node, codec: ContractCodec, chain_id: int, finality: Finality) -> None:
        self._node = node
        self._codec = codec
        self._chain_id = chain_id
        self._finality = finality

    # --- asking --------------------------------------------------------------------------

    def check(self) -> None:
        """Rejected unless the node is of the chain, and both contracts are there."""
        found = answers.number(self._node.ask("eth_chainId", []))
        if found != self._chain_id:
            raise Rejected(f"this is chain {found}, and the configuration says {self._chain_id}")
        for name, address in (
            ("CommitmentLog", self._codec.commitment_log),
            ("DeviceID", self._codec.device_registry),
        ):
            code = self._node.ask("eth_getCode", [answers.as_hex(address), "latest"])
            if not answers.data(code):
                where = answers.as_hex(address)
                raise Rejected(f"there is no {name} at {where} on chain {found}")

    def head(self) -> Head:
        latest = answers.mapping(self._node.ask("eth_getBlockByNumber", ["latest", False]))
        number = answers.number(latest.get("number"))
        base_fee = latest.get("baseFeePerGas")
        return Head(
            latest=number,
            final=self._final(number),
            base_fee=None if base_fee is None else answers.number(base_fee),
        )

    def account_nonce(self, account: bytes, block: int | None) -> int:
        asked = [answers.as_hex(account), _tag(block)]
        return answers.number(self._node.ask("eth_getTransactionCount", asked))

    def tip(self, account: bytes, block: int | None) -> Tip:
        data = self._codec.tip_call(account)
        return self._codec.tip(self._view(self._codec.commitment_log, data, block))

    def device_owner(self, device_id: bytes, block: int | None) -> bytes | None:
        data = self._codec.owner_call(device_id)
        return self._codec.owner(self._view(self._codec.device_registry, data, block))

    def inclusion(self, transaction_hash: bytes, effect: Effect) -> Inclusion | None:
        asked = [answers.as_hex(transaction_hash)]
        answer = self._node.ask("eth_getTransactionReceipt", asked)
        if answer is None:
            return None
        receipt = answers.mapping(answer)
        return Inclusion(
            block_number=answers.number(receipt.get("blockNumber")),
            transaction_hash=transaction_hash,
            succeeded=answers.number(receipt.get("status")) == 1,
            effective=has_effect(effect, answers.sequence(receipt.get("logs"))),
        )

    def effect_inclusion(self, effect: Effect) -> Inclusion | None:
        """The only event with these topics: the contracts emit each just once."""
        criteria = {
            "address": answers.as_hex(effect.contract),
            "topics": [answers.as_hex(topic) for topic in effect.topics],
            "fromBlock": "0x0",
            "toBlock": "latest",
        }
        for found in answers.sequence(self._node.ask("eth_getLogs", [criteria])):
            entry = answers.mapping(found)
            if has_effect(effect, [entry]):
                return Inclusion(
                    block_number=answers.number(entry.get("blockNumber")),
                    transaction_hash=answers.data(entry.get("transactionHash")),
                    succeeded=True,
                    effective=True,
                )
        return None

    def batches(self, account: bytes) -> tuple[AnchoredBatch, ...]:
        """All batches that the account appended, in order."""
        found = self._events(self._codec.batches_topics(account))
        return tuple(map(self._codec.batch, found))

    def succession(self, account: bytes) -> Succession | None:
        """Where the account's log was closed; None if it was not."""
        found = self._events(self._codec.succession_topics(account))
        return self._codec.succession(found[0]) if found else None

    def gateway_key(self, account: bytes) -> bytes | None:
        """The key (32 bytes) that claimed the account's log; None if none has."""
        data = self._codec.gateway_key_call(account)
        key = self._view(self._codec.commitment_log, data, None)
        return key if any(key) else None

    def block(self, number: int) -> Block:
        found = answers.mapping(self._node.ask("eth_getBlockByNumber", [hex(number), False]))
        return Block(
            number=answers.number(found.get("number")),
            block_hash=answers.data(found.get("hash")),
            receipts_root=answers.data(found.get("receiptsRoot")),
            transactions=tuple(map(answers.data, answers.sequence(found.get("transactions")))),
        )

    def receipts(self, block: Block) -> list[dict[str, Any]]:
        """All receipts of a block, as the node gives them: whoever asks proves them."""
        answer = self._node.request("eth_getBlockReceipts", [hex(block.number)])
        error = answer.get("error")
        if error is None:
            found = answers.sequence(answer["result"])
        elif isinstance(error, dict) and error.get("code") == _METHOD_NOT_FOUND:
            found = [
                self._node.ask("eth_getTransactionReceipt", [answers.as_hex(transaction)])
                for transaction in block.transactions
            ]
        else:
            raise UpstreamDown(f"eth_getBlockReceipts: {answers.message(error)}")
        return [answers.mapping(receipt) for receipt in found]

    def expected_revert(self, account: bytes, call: Call) -> ExpectedRevert | None:
        transaction = {
            "from": answers.as_hex(account),
            "to": answers.as_hex(call.to),
            "data": answers.as_hex(call.data),
            "gas": hex(call.gas),
        }
        error = self._node.request("eth_call", [transaction, "latest"]).get("error")
        if error is None:
            return None
        data = error.get("data") if isinstance(error, dict) else None
        name = self._codec.error_name(data)
        if name is not None:
            return ExpectedRevert(name, lasting=name not in _MENDABLE)
        reason = answers.message(error)
        reverted = isinstance(error, dict) and error.get("code") == _REVERTED
        if reverted or "revert" in reason.lower():
            # In the same words for all nodes: each has its own.
            return ExpectedRevert("it reverts, and no contract of ours says why", lasting=False)
        # "rate limited", "header not found", "timeout": the node says nothing about the call.
        raise UpstreamDown(f"eth_call: {reason}")

    # --- telling -------------------------------------------------------------------------

    def send(self, raw: bytes) -> None:
        """It is no error if the node has it. NonceUsed, FeeTooLow, or Rejected for other reasons,
        which may pass: the caller sends again."""
        error = self._node.request("eth_sendRawTransaction", [answers.as_hex(raw)]).get("error")
        if error is None:
            return
        reason = answers.message(error)
        lowered = reason.lower()
        if any(known in lowered for known in _KNOWN):
            return
        if any(used in lowered for used in _NONCE_USED):
            raise NonceUsed(reason)
        if any(low in lowered for low in _FEE_TOO_LOW):
            least = _LEAST.search(lowered)
            raise FeeTooLow(reason, None if least is None else int(least[1]))
        if isinstance(error, dict) and error.get("code") in _PASSING_CODES:
            raise UpstreamDown(f"eth_sendRawTransaction: {reason}")
        raise Rejected(reason)

    # --- inside --------------------------------------------------------------------------

    def _events(self, topics: list[bytes]) -> list[dict[str, Any]]:
        criteria = {
            "address": answers.as_hex(self._codec.commitment_log),
            "topics": [answers.as_hex(topic) for topic in topics],
            "fromBlock": "0x0",
            "toBlock": "latest",
        }
        found = answers.sequence(self._node.ask("eth_getLogs", [criteria]))
        return [answers.mapping(entry) for entry in found]

    def _final(self, latest: int) -> int:
        if self._finality == "finalized":
            block = self._node.ask("eth_getBlockByNumber", ["finalized", False])
            return answers.number(answers.mapping(block).get("number"))
        depth = 0 if self._finality == "instant" else self._finality
        return max(0, latest - depth)

    def _view(self, address: bytes, data: bytes, block: int | None) -> bytes:
        call = {"to": answers.as_hex(address), "data": answers.as_hex(data)}
        return answers.data(self._node.ask("eth_call", [call, _tag(block)]))


def _tag(block: int | None) -> str:
    return "latest" if block is None else hex(block)
