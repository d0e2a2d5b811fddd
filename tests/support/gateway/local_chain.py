"""A development chain for tests: it makes blocks on demand, and tests can disturb it."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

from eth_account import Account
from web3 import Web3

from countersign_contracts import load
from countersign_workshop.ledger import chain as development_chain
from countersign_workshop.ledger.anvil_process import ChainError
from countersign_workshop.ledger.deployment import address_bytes, address_text
from support.contracts import parts

CHAIN_ID = development_chain.CHAIN_ID
_READY_ATTEMPTS = 3000  # 30 s: on a busy machine the chain may get no turn for seconds


class LocalChain(development_chain.DevChain):
    """A running chain with the contracts deployed. Each transaction makes its block at once.

    `kill` loses the blocks after the last save. `stop` and `fund` save, and the chain saves every
    `state_interval_s`. Call `stop` in the end.
    """

    def __init__(self, folder: Path, state_interval_s: float = 3600) -> None:
        parts.anvil()
        super().__init__(folder, state_interval_s=state_interval_s, finality_pulse_s=None)
        self.start()
        contracts = self.deploy()
        self.commitment_log = address_bytes(contracts["CommitmentLog"])
        self.device_registry = address_bytes(contracts["DeviceID"])
        self.user_id = address_bytes(contracts["UserID"])

    # --- blocks --------------------------------------------------------------------------

    def quiesce(self) -> None:
        """With instant blocks: wait until each transaction that can be in a block is in one."""
        if not self._automine:
            return
        for _ in range(_READY_ATTEMPTS):
            if int(self.rpc("txpool_status")["pending"], 16) == 0:
                return
            time.sleep(0.01)
        raise ChainError("anvil does not mine what it was sent")

    def finalize(self) -> None:
        """Make all present blocks final."""
        target = self.block_number()
        while self.block_number("finalized") < target:
            self.mine()

    # --- accounts ------------------------------------------------------------------------

    def funded_account(self) -> Any:
        """A new account with money."""
        account = Account.from_key(secrets.token_bytes(32))
        self.fund(address_bytes(account.address))
        return account

    def nonce(self, address: bytes) -> int:
        return int(self.rpc("eth_getTransactionCount", address_text(address), "latest"), 16)

    def transact(self, account: Any, to: bytes | None, data: str, **fields: Any) -> bytes:
        """Sign and send from `account`, even if it must revert. Returns the transaction's hash."""
        transaction = {
            "type": 2,
            "chainId": CHAIN_ID,
            "nonce": int(self.rpc("eth_getTransactionCount", account.address, "pending"), 16),
            "value": 0,
            "gas": 5_000_000,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 10**9,
            "data": data,
            **fields,
        }
        if to is not None:
            transaction["to"] = to
        signed = account.sign_transaction(transaction)
        answer = self.rpc("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())
        self.quiesce()
        return bytes.fromhex(answer[2:])

    def block_of(self, transaction_hash: bytes) -> int | None:
        """The number of the block that holds a transaction; None if none does."""
        receipt = self.rpc("eth_getTransactionReceipt", "0x" + transaction_hash.hex())
        return None if receipt is None else int(receipt["blockNumber"], 16)

    # --- contracts -----------------------------------------------------------------------

    def users(self) -> Any:
        return _contract("UserID", self.user_id)

    def log(self) -> Any:
        return _contract("CommitmentLog", self.commitment_log)

    def owner_appointing(self, registrar: bytes) -> Any:
        """A new owner, registered, that has appointed `registrar`."""
        owner = self.funded_account()
        self.register_owner(owner)
        self.appoint(owner, registrar, True)
        return owner

    def register_owner(self, owner: Any) -> None:
        self.transact(owner, self.user_id, self.users().encode_abi("register", [b"\1" * 32]))

    def appoint(self, owner: Any, registrar: bytes, wanted: bool, **fields: Any) -> None:
        data = self.users().encode_abi(
            "appoint", [address_text(registrar), 10_000 if wanted else 0]
        )
        self.transact(owner, self.user_id, data, **fields)

    def batches(self, account: bytes) -> list[tuple[int, bytes, int, bytes]]:
        """(sequence, root, size, head) of every BatchAnchored of `account`, in block order."""
        log = self.log()
        criteria = {
            "fromBlock": "0x0",
            "toBlock": "latest",
            "address": address_text(self.commitment_log),
        }
        found = []
        for entry in self.rpc("eth_getLogs", criteria):
            data = bytes.fromhex(entry["data"][2:])
            root, size, head = log.w3.codec.decode(["bytes32", "uint32", "bytes32"], data)
            if bytes.fromhex(entry["topics"][1][2:])[12:] == account:
                found.append((int(entry["topics"][2], 16), root, size, head))
        return found

    def tip(self, account: bytes) -> tuple[int, bytes]:
        """The tip of an account's log in the contract: the number of batches and the head."""
        data = self.log().encode_abi("tip", [address_text(account)])
        to = address_text(self.commitment_log)
        answer = bytes.fromhex(self.rpc("eth_call", {"to": to, "data": data}, "latest")[2:])
        sequence, head = Web3().codec.decode(["uint64", "bytes32"], answer)
        return sequence, head


def _contract(name: str, address: bytes) -> Any:
    return Web3().eth.contract(address=address_text(address), abi=load(name)["abi"])
