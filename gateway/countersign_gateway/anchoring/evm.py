"""The ledger on an EVM chain. Only this file uses JSON-RPC.

Every call has a timeout and is made once. This file never retries: the outbox decides when to ask
again. An answer without the expected shape raises UpstreamDown, as no answer does.
"""

from __future__ import annotations

from typing import Any

import requests
from coincurve import PublicKey
from eth_abi.exceptions import DecodingError
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception

from countersign_contracts import load
from countersign_gateway.anchoring.ledger import (
    Call,
    ExpectedRevert,
    Head,
    Inclusion,
    NonceUsed,
    Rejected,
    Tip,
    UpstreamDown,
)
from countersign_gateway.model import Batch
from countersign_gateway.registry.interface import SignedRegistration

# Fixed limits, so that signing needs no estimate from the node; about three times the measured gas
# (35,000 for an append, 150,000 for a device with its owner's list).
_APPEND_GAS = 120_000
_REGISTER_GAS = 500_000

# Reverts that stop once the owner registers itself, or appoints this gateway.
_MENDABLE = ("NotRegistrar", "UnknownOwner")

# The errors of nodes (geth, Besu, anvil, Nethermind, Reth) that have this transaction already.
_KNOWN = ("already known", "already imported", "known transaction", "alreadyknown")
_NONCE_USED = ("nonce too low", "nonce is too low", "nonce_too_low", "oldnonce", "old nonce")


class EvmLedger:
    """ledger.Ledger over HTTP JSON-RPC. `url` may hold an access token, so it is never shown."""

    def __init__(
        self,
        url: str,
        *,
        chain_id: int,
        commitment_log: bytes,
        device_registry: bytes,
        timeout_s: float = 5.0,
    ) -> None:
        self._chain_id = chain_id
        self._commitment_log_address = commitment_log
        self._device_contract_address = device_registry
        self._provider = HTTPProvider(
            url, request_kwargs={"timeout": timeout_s}, exception_retry_configuration=None
        )
        # It has no provider: it encodes and decodes, and never calls.
        codec = Web3()
        self._commitment_log: Any = codec.eth.contract(
            address=Web3.to_checksum_address(commitment_log), abi=load("CommitmentLog")["abi"]
        )
        self._device_contract: Any = codec.eth.contract(
            address=Web3.to_checksum_address(device_registry), abi=load("DeviceID")["abi"]
        )
        self._codec = codec.codec
        self._appended_topic = _topic(self._commitment_log.events.BatchAnchored().abi)
        self._added_topic = _topic(self._device_contract.events.DeviceAdded().abi)
        self._errors = {
            _selector(entry): entry["name"]
            for contract in ("CommitmentLog", "DeviceID", "UserID")
            for entry in load(contract)["abi"]
            if entry["type"] == "error"
        }

    def __repr__(self) -> str:
        return f"EvmLedger(chain_id={self._chain_id})"

    # --- asking --------------------------------------------------------------------------

    def check(self) -> None:
        found = _number(self._ask("eth_chainId", []))
        if found != self._chain_id:
            raise Rejected(f"this is chain {found}, and the configuration says {self._chain_id}")
        for name, address in (
            ("CommitmentLog", self._commitment_log_address),
            ("DeviceID", self._device_contract_address),
        ):
            if not _data(self._ask("eth_getCode", [_hex(address), "latest"])):
                raise Rejected(f"there is no {name} at {_hex(address)} on chain {found}")

    def head(self) -> Head:
        latest = self._block("latest")
        finalized = self._block("finalized")
        return Head(
            latest=_number(latest.get("number")),
            finalized=_number(finalized.get("number")),
            base_fee=_number(latest.get("baseFeePerGas", "0x0")),
        )

    def account_nonce(self, account: bytes) -> int:
        return _number(self._ask("eth_getTransactionCount", [_hex(account), "latest"]))

    def tip(self, account: bytes) -> Tip:
        data = self._commitment_log.encode_abi("tip", [_checksummed(account)])
        sequence, head = self._view(self._commitment_log_address, data, ["uint64", "bytes32"])
        return Tip(sequence, head)

    def device_owner(self, device_id: bytes) -> bytes | None:
        data = self._device_contract.encode_abi("ownerOf", [device_id])
        (owner,) = self._view(self._device_contract_address, data, ["address"])
        owner_bytes = bytes.fromhex(owner[2:])
        return owner_bytes if any(owner_bytes) else None

    def inclusion(self, transaction_hash: bytes) -> Inclusion | None:
        answer = self._ask("eth_getTransactionReceipt", [_hex(transaction_hash)])
        if answer is None:
            return None
        receipt = _mapping(answer)
        topics = (self._appended_topic, self._added_topic)
        return Inclusion(
            block_number=_number(receipt.get("blockNumber")),
            transaction_hash=transaction_hash,
            succeeded=_number(receipt.get("status")) == 1,
            effective=any(
                _data(topic) in topics
                for entry in _sequence(receipt.get("logs"))
                for topic in _sequence(_mapping(entry).get("topics"))[:1]
            ),
        )

    def append_inclusion(self, account: bytes, sequence: int) -> Inclusion | None:
        topics = [self._appended_topic, account.rjust(32, b"\0"), sequence.to_bytes(32, "big")]
        return self._event(self._commitment_log_address, topics)

    def register_inclusion(self, device_id: bytes) -> Inclusion | None:
        return self._event(self._device_contract_address, [self._added_topic, device_id])

    def expected_revert(self, account: bytes, call: Call) -> ExpectedRevert | None:
        transaction = {
            "from": _hex(account),
            "to": _hex(call.to),
            "data": _hex(call.data),
            "gas": hex(call.gas),
        }
        answer = self._request("eth_call", [transaction, "latest"])
        error = answer.get("error")
        if error is None:
            return None
        reason = self._revert_reason(error)
        return ExpectedRevert(reason, lasting=reason not in _MENDABLE)

    # --- telling -------------------------------------------------------------------------

    def send(self, raw: bytes) -> None:
        error = self._request("eth_sendRawTransaction", [_hex(raw)]).get("error")
        if error is None:
            return
        reason = _message(error)
        lowered = reason.lower()
        if any(known in lowered for known in _KNOWN):
            return
        if any(used in lowered for used in _NONCE_USED):
            raise NonceUsed(reason)
        raise Rejected(reason)

    def append_call(self, batch: Batch) -> Call:
        arguments = [batch.sequence, batch.previous_head, batch.root, batch.size]
        data = _data(self._commitment_log.encode_abi("append", arguments))
        return Call(self._commitment_log_address, data, _APPEND_GAS)

    def register_call(self, registration: SignedRegistration) -> Call:
        device, signature = registration.device, registration.signature
        nonce_commitment, response_scalar = signature[:32], signature[32:]
        statement = (
            int.from_bytes(device.public_key, "big"),
            device.post_quantum_digest,
            device.next_key_digest,
            _checksummed(device.owner),
            device.device_class,
        )
        proof = (
            int.from_bytes(nonce_commitment, "big"),
            _even_y(nonce_commitment),
            int.from_bytes(response_scalar, "big"),
        )
        data = self._device_contract.encode_abi("addDevice", [device.device_id, statement, proof])
        return Call(self._device_contract_address, _data(data), _REGISTER_GAS)

    # --- inside --------------------------------------------------------------------------

    def _request(self, method: str, parameters: list[Any]) -> dict[str, Any]:
        """One round trip: the answer with its `result` or `error`. UpstreamDown without one."""
        try:
            answer = self._provider.make_request(method, parameters)
        # The text of these exceptions shows the URL, which may hold an access token.
        except requests.RequestException as error:
            raise UpstreamDown(f"{method}: {type(error).__name__}") from None
        except (OSError, ValueError, Web3Exception) as error:
            raise UpstreamDown(f"{method}: {type(error).__name__}") from None
        if not isinstance(answer, dict) or ("result" in answer) == ("error" in answer):
            raise UpstreamDown(f"{method}: not a JSON-RPC answer")
        return dict(answer)

    def _ask(self, method: str, parameters: list[Any]) -> Any:
        """The result of a request. UpstreamDown if the node answers with an error."""
        answer = self._request(method, parameters)
        if "error" in answer:
            raise UpstreamDown(f"{method}: {_message(answer['error'])}")
        return answer["result"]

    def _block(self, tag: str) -> dict[str, Any]:
        return _mapping(self._ask("eth_getBlockByNumber", [tag, False]))

    def _view(self, address: bytes, data: str, types: list[str]) -> tuple[Any, ...]:
        answer = _data(self._ask("eth_call", [{"to": _hex(address), "data": data}, "latest"]))
        try:
            return tuple(self._codec.decode(types, answer))
        except DecodingError:
            raise UpstreamDown("eth_call: the answer is not what the contract returns") from None

    def _event(self, address: bytes, topics: list[bytes]) -> Inclusion | None:
        """The only event with these topics: the contracts emit each just once."""
        criteria = {
            "address": _hex(address),
            "topics": [_hex(topic) for topic in topics],
            "fromBlock": "0x0",
            "toBlock": "latest",
        }
        for found in _sequence(self._ask("eth_getLogs", [criteria])):
            entry = _mapping(found)
            return Inclusion(
                block_number=_number(entry.get("blockNumber")),
                transaction_hash=_data(entry.get("transactionHash")),
                succeeded=True,
                effective=True,
            )
        return None

    def _revert_reason(self, error: Any) -> str:
        data = error.get("data") if isinstance(error, dict) else None
        if isinstance(data, str) and len(data) >= 10:
            name = self._errors.get(data[:10].lower())
            if name is not None:
                return str(name)
        return _message(error)


def _topic(event_abi: Any) -> bytes:
    return bytes(Web3.keccak(text=_signature(event_abi)))


def _selector(error_abi: Any) -> str:
    return "0x" + Web3.keccak(text=_signature(error_abi)).hex().removeprefix("0x")[:8]


def _signature(entry: Any) -> str:
    return f"{entry['name']}({','.join(field['type'] for field in entry['inputs'])})"


def _even_y(x_only: bytes) -> int:
    """The even y of a point of secp256k1, as the contract needs it; 0 if there is no such point.

    The contract refuses zero. Zero does not occur: the verifier has checked the signature.
    """
    try:
        return int(PublicKey(b"\x02" + x_only).point()[1])
    except ValueError:
        return 0


def _checksummed(address: bytes) -> str:
    return str(Web3.to_checksum_address(address))


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _message(error: Any) -> str:
    text = error.get("message") if isinstance(error, dict) else None
    # The node wrote this text: it is shortened and put on one line before it reaches a log.
    return " ".join(str(text or "refused without a reason").split())[:200]


def _number(value: Any) -> int:
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        raise UpstreamDown("the node answered something else than a number") from None


def _data(value: Any) -> bytes:
    try:
        return bytes.fromhex(value.removeprefix("0x"))
    except (AttributeError, ValueError):
        raise UpstreamDown("the node answered something else than bytes") from None


def _mapping(value: Any) -> dict[str, Any]:
    if not hasattr(value, "get"):
        raise UpstreamDown("the node answered something else than an object")
    return dict(value)


def _sequence(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise UpstreamDown("the node answered something else than a list")
    return value
