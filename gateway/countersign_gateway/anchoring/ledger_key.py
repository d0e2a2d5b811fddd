"""The key of the gateway's account on the ledger. Another key signs its statements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eth_account import Account

from countersign_gateway.anchoring.fees import Offer
from countersign_gateway.anchoring.ledger import Call
from countersign_gateway.registry.interface import Attempt
from countersign_gateway.statements.keys import create_key_file, read_key_file


class LedgerKey:
    """Signs the transactions of one account. No repr, pickle or error shows its secret."""

    def __init__(self, secret_key: bytes) -> None:
        self._account: Any = Account.from_key(secret_key)
        self.address: bytes = bytes.fromhex(self._account.address[2:])

    @classmethod
    def from_file(cls, path: Path) -> LedgerKey:
        """The key in `path`. KeyFileError unless it is private and well-formed."""
        return cls(read_key_file(path))

    @classmethod
    def load_or_create(cls, path: Path) -> LedgerKey:
        """The key in `path` (mode 0600). If there is no such file, make a new key in it."""
        if not path.exists():
            create_key_file(path)
        return cls(read_key_file(path))

    def sign(self, call: Call, *, chain_id: int, nonce: int, fees: Offer) -> Attempt:
        """A signed transaction: EIP-1559, or EIP-155 where the offer is legacy."""
        prices: dict[str, int] = (
            {"gasPrice": fees.max_fee}
            if fees.legacy
            else {
                "type": 2,
                "maxFeePerGas": fees.max_fee,
                "maxPriorityFeePerGas": fees.priority_fee,
            }
        )
        signed = self._account.sign_transaction(
            {
                "chainId": chain_id,
                "nonce": nonce,
                "to": call.to,
                "value": 0,
                "data": call.data,
                "gas": call.gas,
                **prices,
            }
        )
        return Attempt(
            transaction_hash=bytes(signed.hash),
            raw=bytes(signed.raw_transaction),
            nonce=nonce,
            max_fee=fees.max_fee,
            priority_fee=fees.priority_fee,
        )

    def __repr__(self) -> str:
        return f"LedgerKey(address=0x{self.address.hex()})"

    def __reduce__(self) -> Any:
        raise TypeError("a ledger key is not copied or stored")
