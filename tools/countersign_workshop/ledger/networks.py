"""Deploy the contracts to a network, and record where they are in contracts/networks."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from countersign_workshop.ledger import forge
from countersign_workshop.ledger.forge import ContractsFault

FOLDER = forge.FOLDER / "networks"

_SCRIPT = "script/Deploy.s.sol"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# These files determine the bytes that are deployed.
_SOURCES = ("src", "script", "foundry.toml", "package-lock.json")
# The names that the script gives its results, and the contracts that they stand for.
_ROLES = {"commitmentLog": "CommitmentLog", "deviceID": "DeviceID", "userID": "UserID"}


def deploy(
    network: str,
    options: list[str],
    *,
    commit: str,
    folder: Path = FOLDER,
    broadcast: Path = forge.FOLDER / "broadcast",
) -> Path:
    """Run script/Deploy.s.sol, and write `folder`/`network`.json. Returns that file.

    options: forge's own, which say where the chain is and who pays (`--rpc-url`, `--account`).
    commit: the commit of the sources. broadcast: the folder where forge keeps what it sent.
    ContractsFault if there is an entry of this name already, or if forge does not succeed.
    """
    if not _NAME.fullmatch(network):
        raise ContractsFault(f"not a name for a network: {network}")
    entry = folder / f"{network}.json"
    if entry.exists():
        raise ContractsFault(f"{entry.name} exists: the contracts are on that network already")
    sent = broadcast / network
    # --slow sends one transaction after the other. If they are sent side by side, a node that signs
    # for the account may take them in another order, and the addresses follow the order.
    arguments = ("script", f"{_SCRIPT}:Deploy", "--broadcast", "--slow", *options)
    finished = forge.run(*arguments, attended=True, broadcast=sent)
    records = list(sent.glob("*/*/run-latest.json"))
    if finished.returncode != 0 or len(records) != 1:
        raise ContractsFault(f"forge did not deploy the contracts; what it sent is in {sent}")
    record = json.loads(records[0].read_text(encoding="utf-8"))
    text = json.dumps(_entry(network, record, commit), indent=2) + "\n"
    entry.write_text(text, encoding="utf-8")
    return entry


def committed(folder: Path = forge.FOLDER) -> str:
    """The checkout's commit. ContractsFault if the folder's contracts differ from that commit."""
    changed = _git(folder, "status", "--porcelain", "--", *_SOURCES)
    if changed:
        raise ContractsFault(f"commit the contracts before you deploy them:\n{changed}")
    return _git(folder, "rev-parse", "HEAD")


def _entry(network: str, record: dict[str, Any], commit: str) -> dict[str, Any]:
    """The network's entry. record: forge's account of what the script sent and returned."""
    returned = record["returns"]
    return {
        "name": network,
        "chain_id": record["chain"],
        "deployed_in_block": min(int(sent["blockNumber"], 16) for sent in record["receipts"]),
        "commit": commit,
        "contracts": {contract: returned[role]["value"] for role, contract in _ROLES.items()},
    }


def _git(folder: Path, *arguments: str) -> str:
    finished = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if finished.returncode != 0:
        raise ContractsFault(f"git {arguments[0]}: {finished.stderr.strip()}")
    return finished.stdout.strip()
