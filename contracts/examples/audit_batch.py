"""Audit one batch: from recorded messages to commitments, to their root, to the ledger's event.

    python audit_batch.py http://127.0.0.1:8545 COMMITMENT_LOG GATEWAY_ACCOUNT registry.sqlite3 1

Reads a copy of the gateway's record and asks the chain for the event BatchAnchored of that
sequence. The addresses are 0x and 40 digits. Exit status 0 if the event is the one that the
record leads to.
"""

import sqlite3
import sys
from pathlib import Path

from web3 import Web3

import countersign_contracts
from countersign import merkle, messages
from countersign_contracts.node import http_provider

BATCH = "SELECT first_position, size FROM batches WHERE sequence = ?"
ENTRIES = "SELECT message, result FROM messages WHERE position >= ? ORDER BY position LIMIT ?"


def root_of(record: Path, sequence: int) -> tuple[bytes, int]:
    """The root and the size of one batch, computed from the messages and results themselves."""
    connection = sqlite3.connect(f"file:{record}?mode=ro", uri=True)
    first, size = connection.execute(BATCH, (sequence,)).fetchone()
    leaves = [
        messages.commitment(messages.digest(message), messages.digest(result))
        for message, result in connection.execute(ENTRIES, (first, size))
    ]
    connection.close()
    return merkle.root(leaves), len(leaves)


def event_of(url: str, contract: str, account: str, sequence: int) -> tuple[bytes, int]:
    """The root and the size that the ledger holds for that batch of that gateway."""
    log = Web3(http_provider(url)).eth.contract(
        Web3.to_checksum_address(contract), abi=countersign_contracts.load("CommitmentLog")["abi"]
    )
    (event,) = log.events.BatchAnchored.get_logs(
        from_block=0,
        argument_filters={"gateway": Web3.to_checksum_address(account), "sequence": sequence},
    )
    return bytes(event["args"]["root"]), event["args"]["size"]


if __name__ == "__main__":
    url, contract, account, record, sequence = sys.argv[1:]
    root, size = root_of(Path(record), int(sequence))
    agrees = event_of(url, contract, account, int(sequence)) == (root, size)
    print(f"batch {sequence}: {size} commitments under {root.hex()}")
    print("the ledger holds the same" if agrees else "THE LEDGER HOLDS SOMETHING ELSE")
    sys.exit(not agrees)
