"""Puts the contracts on a chain, and owners into them.

It needs no compiler, because countersign_contracts has the bytecode. The contracts have no
administrator. The account that deploys them has no power over them and may be thrown away.
"""

from __future__ import annotations

import secrets
from typing import Any

from eth_account import Account as EthAccount
from web3 import Web3
from web3.exceptions import Web3Exception

from countersign_cli.mendable import Mendable
from countersign_contracts import load
from countersign_contracts.node import http_provider

_TIMEOUT_S = 30.0
DAILY_LIMIT = 1000
"""How many devices a registrar may enter a day, unless the owner says otherwise."""


class DeploymentError(Mendable):
    """A transaction was refused or reverted. The text says which."""


class Account:
    """An account that pays for transactions. Its secret (32 bytes) is in no repr and no error."""

    def __init__(self, secret_key: bytes) -> None:
        self._account: Any = EthAccount.from_key(secret_key)
        self.address: bytes = address_bytes(self._account.address)

    @classmethod
    def generate(cls) -> Account:
        """A new account that nobody else knows."""
        return cls(secrets.token_bytes(32))

    def __repr__(self) -> str:
        return f"Account({address_text(self.address)})"

    def __reduce__(self) -> Any:
        raise TypeError("an account is not copied or stored")

    def transact(self, url: str, data: bytes, to: str | None = None) -> dict[str, Any]:
        """Send one transaction and wait for its receipt. DeploymentError if it does not succeed.

        to: a contract, or None to create one from `data`.
        """
        chain = _connect(url)
        try:
            fields: dict[str, Any] = {
                "type": 2,
                "from": address_text(self.address),
                "chainId": chain.eth.chain_id,
                "nonce": chain.eth.get_transaction_count(Web3.to_checksum_address(self.address)),
                "value": 0,
                "data": data,
                "maxPriorityFeePerGas": 10**9,
                "maxFeePerGas": 2 * chain.eth.get_block("latest")["baseFeePerGas"] + 10**9,
            }
            if to is not None:
                fields["to"] = to
            # A call's cost may grow a little until the call is in a block.
            fields["gas"] = chain.eth.estimate_gas(fields) * 5 // 4  # type: ignore[arg-type]
            raw = self._account.sign_transaction(fields).raw_transaction
            receipt = chain.eth.wait_for_transaction_receipt(
                chain.eth.send_raw_transaction(raw), timeout=_TIMEOUT_S, poll_latency=0.05
            )
        except (Web3Exception, OSError) as fault:
            raise DeploymentError(f"{type(fault).__name__}: {_reason(fault)}") from fault
        if receipt["status"] != 1:
            raise DeploymentError(f"transaction 0x{bytes(receipt['transactionHash']).hex()} failed")
        return dict(receipt)


def deploy(url: str, account: Account) -> dict[str, str]:
    """Create the contracts. Returns their addresses by name, with checksum.

    CommitmentLog stands alone. DeviceID creates its UserID itself (decision 0008).
    """
    contracts = {name: _create(url, account, name) for name in ("CommitmentLog", "DeviceID")}
    device_id = _contract(url, "DeviceID", contracts)
    contracts["UserID"] = str(device_id.functions.userID().call())
    return contracts


def register_owner(
    url: str, contracts: dict[str, str], owner: Account, profile_digest: bytes
) -> bool:
    """Enter `owner` in UserID with the SHA-256 of the document that says who it is.

    Returns False, and sends nothing, if the owner is there already, with any profile.
    """
    user_id = _contract(url, "UserID", contracts)
    if any(user_id.functions.profileOf(address_text(owner.address)).call()):
        return False
    owner.transact(url, _call(user_id, "register", profile_digest), contracts["UserID"])
    return True


def appoint(
    url: str,
    contracts: dict[str, str],
    owner: Account,
    registrar: bytes,
    daily_limit: int = DAILY_LIMIT,
) -> None:
    """Let the account `registrar` (20 bytes) enter devices for `owner`, so many a day; 0: none."""
    user_id = _contract(url, "UserID", contracts)
    data = _call(user_id, "appoint", address_text(registrar), daily_limit)
    owner.transact(url, data, contracts["UserID"])


def address_text(address: bytes) -> str:
    """An address as 0x and 40 digits, with checksum."""
    return str(Web3.to_checksum_address(address))


def address_bytes(text: str) -> bytes:
    """The 20 bytes of an address. DeploymentError if the text is no address."""
    if not Web3.is_address(text):
        raise DeploymentError(f"not an address: {text}")
    return bytes.fromhex(text.removeprefix("0x"))


def _connect(url: str) -> Web3:
    return Web3(http_provider(url, request_kwargs={"timeout": _TIMEOUT_S}))


def _contract(url: str, name: str, contracts: dict[str, str]) -> Any:
    address = Web3.to_checksum_address(contracts[name])
    return _connect(url).eth.contract(address=address, abi=load(name)["abi"])


def _call(contract: Any, function: str, *arguments: Any) -> bytes:
    return bytes.fromhex(contract.encode_abi(function, list(arguments)).removeprefix("0x"))


def _create(url: str, account: Account, name: str) -> str:
    bytecode = bytes.fromhex(load(name)["bytecode"].removeprefix("0x"))
    return str(account.transact(url, bytecode)["contractAddress"])


def _reason(fault: Exception) -> str:
    """The name of the contracts' error, or the node's own words on one line."""
    data = getattr(fault, "data", None)
    if isinstance(data, str):
        for contract in ("CommitmentLog", "DeviceID", "UserID"):
            for entry in load(contract)["abi"]:
                if entry["type"] == "error" and data.startswith(_selector(entry)):
                    return str(entry["name"])
    return " ".join(str(fault).split())[:300]


def _selector(error: dict[str, Any]) -> str:
    types = ",".join(field["type"] for field in error["inputs"])
    return "0x" + bytes(Web3.keccak(text=f"{error['name']}({types})")[:4]).hex()
