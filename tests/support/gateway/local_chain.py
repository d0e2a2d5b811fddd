"""A chain for one test: the real anvil, blocks made on demand, with the ways to hurt it."""

from __future__ import annotations

import secrets
import socket
import time
from pathlib import Path
from typing import Any

import requests
from eth_account import Account
from web3 import Web3

from countersign_contracts import load
from countersign_workshop.child_processes.process import Child
from countersign_workshop.parts import toolchain
from support.skip import skip

CHAIN_ID = 31337
_READY_ATTEMPTS = 400


class LocalChain:
    """Starts with instant blocks. With a state folder, SIGKILL loses what came after the last
    save, as a development chain does. Call `stop` in the end."""

    def __init__(self, state_folder: Path | None = None, state_interval_s: int = 1) -> None:
        try:
            self._program = toolchain.anvil()
        except toolchain.FAULTS as fault:
            skip(f"no chain to test against: {fault}")
        self._state_folder = state_folder
        self._state_interval_s = state_interval_s
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._http = requests.Session()
        self.start()
        self.deployer = Account.from_key(secrets.token_bytes(32))
        self.fund(self.deployer.address)
        self.commitment_log = self._deploy("CommitmentLog")
        self.device_registry = self._deploy("DeviceID")
        # DeviceID makes its own register of owners.
        data = self._contract("DeviceID", self.device_registry).encode_abi("userID")
        answer = self.rpc(
            "eth_call", {"to": _address(self.device_registry), "data": data}, "latest"
        )
        self.user_id = bytes.fromhex(answer[26:])

    def start(self) -> None:
        command: list[str | Path] = [
            self._program,
            *("--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(CHAIN_ID)),
            *("--hardfork", "shanghai", "--slots-in-an-epoch", "1", "--accounts", "0"),
        ]
        if self._state_folder is not None:
            interval = str(self._state_interval_s)
            command += ["--state", self._state_folder / "state.json", "--state-interval", interval]
        self.child = Child("anvil", command)
        self._instant = True
        for _ in range(_READY_ATTEMPTS):
            try:
                self.rpc("eth_chainId")
                return
            except requests.ConnectionError:
                if not self.child.running():
                    break
                time.sleep(0.02)
        raise RuntimeError(f"anvil did not start:\n{self.child.tail()}")

    def kill(self) -> None:
        self.child.kill()

    def stop(self) -> None:
        self.child.stop()

    def rpc(self, method: str, *parameters: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        answer = self._http.post(self.url, json=body, timeout=10).json()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    # --- blocks --------------------------------------------------------------------------

    def instant_blocks(self, wanted: bool) -> None:
        self.rpc("evm_setAutomine", wanted)
        self._instant = wanted

    def quiesce(self) -> None:
        """Where blocks are instant: until every transaction that can be in a block is in one."""
        if not self._instant:
            return
        for _ in range(_READY_ATTEMPTS):
            if int(self.rpc("txpool_status")["pending"], 16) == 0:
                return
            time.sleep(0.01)
        raise RuntimeError("anvil does not mine what it was sent")

    def mine(self, blocks: int = 1) -> None:
        self.rpc("anvil_mine", hex(blocks))

    def finalize(self) -> None:
        """Make everything that is in a block now final."""
        target = int(self.rpc("eth_blockNumber"), 16)
        while int(self.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16) < target:
            self.mine()

    def reorganise(self, depth: int) -> None:
        """Replace the last `depth` blocks by empty ones."""
        self.rpc("anvil_reorg", depth, [])

    # --- accounts ------------------------------------------------------------------------

    def fund(self, address: bytes | str, wei: int = 10**20) -> None:
        self.rpc("anvil_setBalance", _address(address), hex(wei))

    def nonce(self, address: bytes) -> int:
        return int(self.rpc("eth_getTransactionCount", _address(address), "latest"), 16)

    def transact(self, account: Any, to: bytes | None, data: str, **fields: Any) -> bytes:
        """Sign and send from `account`; returns the transaction's hash."""
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

    # --- contracts -----------------------------------------------------------------------

    def users(self) -> Any:
        return self._contract("UserID", self.user_id)

    def log(self) -> Any:
        return self._contract("CommitmentLog", self.commitment_log)

    def owner_appointing(self, registrar: bytes) -> Any:
        """A new owner, registered, that has appointed `registrar`."""
        owner = Account.from_key(secrets.token_bytes(32))
        self.fund(owner.address)
        self.transact(owner, self.user_id, self.users().encode_abi("register", [b"\1" * 32]))
        self.appoint(owner, registrar, True)
        return owner

    def appoint(self, owner: Any, registrar: bytes, wanted: bool, **fields: Any) -> None:
        data = self.users().encode_abi("appoint", [_address(registrar), wanted])
        self.transact(owner, self.user_id, data, **fields)

    def batches(self, account: bytes) -> list[tuple[int, bytes, int, bytes]]:
        """(sequence, root, size, head) of every BatchAnchored of `account`, in block order."""
        log = self.log()
        criteria = {
            "fromBlock": "0x0",
            "toBlock": "latest",
            "address": _address(self.commitment_log),
        }
        found = []
        for entry in self.rpc("eth_getLogs", criteria):
            data = bytes.fromhex(entry["data"][2:])
            root, size, head = log.w3.codec.decode(["bytes32", "uint32", "bytes32"], data)
            if bytes.fromhex(entry["topics"][1][2:])[12:] == account:
                found.append((int(entry["topics"][2], 16), root, size, head))
        return found

    def tip(self, account: bytes) -> tuple[int, bytes]:
        data = self.log().encode_abi("tip", [_address(account)])
        to = _address(self.commitment_log)
        answer = bytes.fromhex(self.rpc("eth_call", {"to": to, "data": data}, "latest")[2:])
        sequence, head = Web3().codec.decode(["uint64", "bytes32"], answer)
        return sequence, head

    def _contract(self, name: str, address: bytes) -> Any:
        return Web3().eth.contract(address=_address(address), abi=load(name)["abi"])

    def _deploy(self, name: str, *arguments: Any) -> bytes:
        contract = load(name)
        factory = Web3().eth.contract(abi=contract["abi"], bytecode=contract["bytecode"])
        data = factory.constructor(*arguments).data_in_transaction
        transaction_hash = self.transact(self.deployer, None, data)
        receipt = self.rpc("eth_getTransactionReceipt", "0x" + transaction_hash.hex())
        if int(receipt["status"], 16) != 1:
            raise RuntimeError(f"{name} could not be deployed")
        return bytes.fromhex(receipt["contractAddress"][2:])


def _address(value: bytes | str) -> str:
    return str(Web3.to_checksum_address(value))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
