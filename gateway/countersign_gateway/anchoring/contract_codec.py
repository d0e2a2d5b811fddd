"""Calls, events and errors of the contracts, as bytes."""

from __future__ import annotations

from typing import Any

from coincurve import PublicKey
from eth_abi.exceptions import DecodingError
from web3 import Web3

from countersign_contracts import load
from countersign_gateway.anchoring import answers
from countersign_gateway.anchoring.ledger import (
    AnchoredBatch,
    Call,
    Effect,
    Succession,
    Tip,
    UpstreamDown,
)
from countersign_gateway.model import Batch
from countersign_gateway.registry.interface import SignedRegistration

# Fixed limits, so that signing needs no estimate from the node; about three times the measured gas:
# 37,000 for an append (71,000 for the first), 144,000 for a device (161,000 for the first of an
# owner), 80,000 to claim a log and 115,000 to go on for one.
_APPEND_GAS = 210_000
_REGISTER_GAS = 500_000
_RULING_GAS = 345_000

_CONTRACTS = ("CommitmentLog", "DeviceID", "UserID")


class ContractCodec:
    """Encodes and decodes for these two contracts. It calls nothing."""

    def __init__(self, commitment_log: bytes, device_registry: bytes) -> None:
        """Addresses of 20 bytes."""
        self.commitment_log = commitment_log
        self.device_registry = device_registry
        codec = Web3()
        self._log: Any = codec.eth.contract(
            address=Web3.to_checksum_address(commitment_log), abi=load("CommitmentLog")["abi"]
        )
        self._devices: Any = codec.eth.contract(
            address=Web3.to_checksum_address(device_registry), abi=load("DeviceID")["abi"]
        )
        self._codec = codec.codec
        self._appended_topic = _topic(self._log.events.BatchAnchored().abi)
        self._claimed_topic = _topic(self._log.events.GatewayClaimed().abi)
        self._succeeded_topic = _topic(self._log.events.LogSucceeded().abi)
        self._added_topic = _topic(self._devices.events.DeviceAdded().abi)
        self._errors = {
            _selector(entry): str(entry["name"])
            for contract in _CONTRACTS
            for entry in load(contract)["abi"]
            if entry["type"] == "error"
        }

    # --- calls that change something ---------------------------------------------------------

    def append_call(self, batch: Batch) -> Call:
        arguments = [batch.sequence, batch.previous_head, batch.root, batch.size]
        encoded = answers.data(self._log.encode_abi("append", arguments))
        return Call(self.commitment_log, encoded, _APPEND_GAS)

    def append_effect(self, account: bytes, batch: Batch) -> Effect:
        topics = (self._appended_topic, account.rjust(32, b"\0"), _word(batch.sequence))
        return Effect(self.commitment_log, topics, batch.root + _word(batch.size) + batch.head)

    def register_call(self, registration: SignedRegistration) -> Call:
        device = registration.device
        statement = (
            int.from_bytes(device.public_key, "big"),
            device.post_quantum_digest,
            device.next_key_digest,
            _checksummed(device.owner),
            device.device_class,
        )
        arguments = [device.device_id, statement, _proof(registration.signature)]
        encoded = self._devices.encode_abi("addDevice", arguments)
        return Call(self.device_registry, answers.data(encoded), _REGISTER_GAS)

    def register_effect(self, registration: SignedRegistration) -> Effect:
        device = registration.device
        topics = (self._added_topic, device.device_id, device.owner.rjust(32, b"\0"))
        return Effect(self.device_registry, topics, None)

    def claim_call(self, public_key: bytes, signature: bytes) -> Call:
        """The call by which an account's log is claimed for a gateway."""
        arguments = [int.from_bytes(public_key, "big"), _proof(signature)]
        return self._ruling_call("claim", arguments)

    def succeed_call(
        self, predecessor: bytes, sequence: int, head: bytes, signature: bytes
    ) -> Call:
        """The call by which the sender goes on for a closed log."""
        arguments = [_checksummed(predecessor), sequence, head, _proof(signature)]
        return self._ruling_call("succeed", arguments)

    def rotate_call(self, new_key: bytes, by_old_key: bytes, by_new_key: bytes) -> Call:
        """The call by which a gateway's key is replaced."""
        arguments = [int.from_bytes(new_key, "big"), _proof(by_old_key), _proof(by_new_key)]
        return self._ruling_call("rotateKey", arguments)

    def claim_effect(self, account: bytes, gateway_id: bytes, public_key: bytes) -> Effect:
        topics = (self._claimed_topic, account.rjust(32, b"\0"), gateway_id)
        return Effect(self.commitment_log, topics, public_key)

    def succeed_effect(
        self, predecessor: bytes, successor: bytes, sequence: int, head: bytes
    ) -> Effect:
        topics = (
            self._succeeded_topic,
            predecessor.rjust(32, b"\0"),
            successor.rjust(32, b"\0"),
        )
        return Effect(self.commitment_log, topics, _word(sequence) + head)

    def _ruling_call(self, function: str, arguments: list[Any]) -> Call:
        encoded = answers.data(self._log.encode_abi(function, arguments))
        return Call(self.commitment_log, encoded, _RULING_GAS)

    # --- views -------------------------------------------------------------------------------

    def tip_call(self, account: bytes) -> bytes:
        return answers.data(self._log.encode_abi("tip", [_checksummed(account)]))

    def tip(self, answer: bytes) -> Tip:
        return Tip(*self._decoded(["uint64", "bytes32"], answer))

    def gateway_key_call(self, account: bytes) -> bytes:
        return answers.data(self._log.encode_abi("gatewayKeyOf", [_checksummed(account)]))

    # --- the history of a log ----------------------------------------------------------------

    def batches_topics(self, account: bytes) -> list[bytes]:
        """The topics of the events of an account's batches."""
        return [self._appended_topic, account.rjust(32, b"\0")]

    def batch(self, entry: dict[str, Any]) -> AnchoredBatch:
        """The batch of one such event."""
        topics, data = _event(entry, 3, 96)
        return AnchoredBatch(
            int.from_bytes(topics[2], "big"),
            data[:32],
            int.from_bytes(data[32:64], "big"),
            data[64:],
        )

    def succession_topics(self, predecessor: bytes) -> list[bytes]:
        """The topics of the event by which an account's log was closed."""
        return [self._succeeded_topic, predecessor.rjust(32, b"\0")]

    def succession(self, entry: dict[str, Any]) -> Succession:
        """What such an event says."""
        topics, data = _event(entry, 3, 64)
        return Succession(topics[2][12:], int.from_bytes(data[:32], "big"), data[32:])

    def owner_call(self, device_id: bytes) -> bytes:
        return answers.data(self._devices.encode_abi("ownerOf", [device_id]))

    def owner(self, answer: bytes) -> bytes | None:
        (owner,) = self._decoded(["address"], answer)
        owner_bytes = bytes.fromhex(owner[2:])
        return owner_bytes if any(owner_bytes) else None

    # --- errors ------------------------------------------------------------------------------

    def error_name(self, revert_data: Any) -> str | None:
        """The name of our contracts' error in the data of a revert; None if it is not one."""
        if isinstance(revert_data, dict):  # some nodes wrap it
            revert_data = revert_data.get("data")
        if not isinstance(revert_data, str) or len(revert_data) < 10:
            return None
        return self._errors.get(revert_data[:10].lower())

    def _decoded(self, types: list[str], answer: bytes) -> tuple[Any, ...]:
        try:
            return tuple(self._codec.decode(types, answer))
        except DecodingError:
            raise UpstreamDown("eth_call: the answer is not what the contract returns") from None


def has_effect(effect: Effect, logs: list[Any]) -> bool:
    """Whether one of a transaction's logs is this very event of this very contract."""
    for entry in map(answers.mapping, logs):
        topics = tuple(map(answers.data, answers.sequence(entry.get("topics"))))
        if (
            answers.data(entry.get("address")) == effect.contract
            and topics[: len(effect.topics)] == effect.topics
            and effect.data in (None, answers.data(entry.get("data")))
        ):
            return True
    return False


def _event(entry: dict[str, Any], topics: int, size: int) -> tuple[list[bytes], bytes]:
    """An event's topics and data. UpstreamDown unless there are so many, of this size."""
    found = [answers.data(topic) for topic in answers.sequence(entry.get("topics"))]
    data = answers.data(entry.get("data"))
    if len(found) != topics or any(len(topic) != 32 for topic in found) or len(data) != size:
        raise UpstreamDown("eth_getLogs: an event is not of our contracts")
    return found, data


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _topic(event_abi: Any) -> bytes:
    return bytes(Web3.keccak(text=_signature(event_abi)))


def _selector(error_abi: Any) -> str:
    return "0x" + bytes(Web3.keccak(text=_signature(error_abi))[:4]).hex()


def _signature(entry: Any) -> str:
    return f"{entry['name']}({','.join(field['type'] for field in entry['inputs'])})"


def _proof(signature: bytes) -> tuple[int, int, int]:
    """A BIP-340 signature with the y that a verifier on chain needs."""
    nonce_commitment = signature[:32]
    return (
        int.from_bytes(nonce_commitment, "big"),
        _even_y(nonce_commitment),
        int.from_bytes(signature[32:], "big"),
    )


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
