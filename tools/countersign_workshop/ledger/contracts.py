"""Build, test and deploy the contracts, and keep what is committed of them up to date.

python -m countersign_workshop.ledger.contracts COMMAND

    build         compile the sources
    test          every forge test, then the gas snapshot; last line "forge: N passed, ..."
    check-abi     fails unless countersign_contracts and the test vectors are what the sources give
    check-format  fails unless the Solidity sources are in the project's format
    abi           write contracts/countersign_contracts and the test vectors anew
    gas           write contracts/.gas-snapshot anew
    format        rewrite the Solidity sources in the project's format

    deploy NETWORK OPTION…   run script/Deploy.s.sol with these options of forge, and write
                             contracts/networks/NETWORK.json (see the README there)
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from countersign_cli.mendable import Mendable
from countersign_workshop.checkout import ROOT
from countersign_workshop.ledger import contract_vectors, forge, networks
from countersign_workshop.ledger.forge import FOLDER, ContractsFault

CONTRACTS = ("CommitmentLog", "DeviceID", "UserID")
"""The contracts whose ABI and creation bytecode are committed."""

_ABI_FOLDER = FOLDER / "countersign_contracts"
_SNAPSHOT = ".gas-snapshot"

# A figure may change by this much. A larger change needs a look, and then `gas`.
_GAS_TOLERANCE_PERCENT = 1


def build() -> None:
    """Compile the sources into contracts/out."""
    finished = forge.run("build", "--quiet", capture=True)
    if finished.returncode != 0:
        raise ContractsFault(f"the contracts do not compile:\n{finished.stdout.strip()}")


def test() -> None:
    """Run every forge test and compare the gas figures. The closing line is printed last."""
    contract_vectors.provide_official(FOLDER / "out/vectors")
    finished = forge.run("test", capture=True)
    print(finished.stdout.rstrip(), flush=True)
    snapshot = _gas_figures("--check", _SNAPSHOT, "--tolerance", str(_GAS_TOLERANCE_PERCENT))
    if snapshot.returncode != 0:
        print(snapshot.stdout.rstrip())
        print("gas: changed beyond tolerance; python -m countersign_workshop.ledger.contracts gas")
    for reason, name in re.findall(r"^\[SKIP:? ?(.*?)\] (\w+)", finished.stdout, re.MULTILINE):
        print(f"SKIPPED {name}: {reason}")
    counts = _counts(finished.stdout)
    gas_failed = int(snapshot.returncode != 0)
    failed = counts["failed"] + gas_failed
    passed = counts["passed"] + 1 - gas_failed
    print(f"forge: {passed} passed, {failed} failed, {counts['skipped']} skipped", flush=True)
    if finished.returncode != 0 or failed:
        raise ContractsFault("the contracts' tests failed")


def check_abi() -> None:
    """ContractsFault unless the committed files are what the sources give."""
    stale = [path for path, text in _generated().items() if _text(path) != text]
    if stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        raise ContractsFault(
            f"not up to date: {names}; python -m countersign_workshop.ledger.contracts abi"
        )


def write_abi() -> None:
    """Write the ABI and bytecode that gateways use, and the vectors that the tests use."""
    for path, text in _generated().items():
        path.write_text(text, encoding="utf-8")


def check_format() -> None:
    """ContractsFault unless the sources are formatted as forge formats them."""
    finished = forge.run("fmt", "--check", capture=True)
    if finished.returncode != 0:
        raise ContractsFault(
            f"{finished.stdout.strip()}\npython -m countersign_workshop.ledger.contracts format"
        )


def write_format() -> None:
    """Rewrite the sources in the project's format."""
    forge.run("fmt")


def write_gas() -> None:
    """Measure what the calls cost, and write the figures."""
    finished = _gas_figures("--snap", _SNAPSHOT)
    if finished.returncode != 0:
        raise ContractsFault(finished.stdout.strip())
    print(_text(FOLDER / _SNAPSHOT), end="")


def deploy(network: str, options: list[str]) -> None:
    """Deploy the committed contracts, and say where the network's entry is."""
    entry = networks.deploy(network, options, commit=networks.committed())
    print(entry.relative_to(ROOT))


def _generated() -> dict[Path, str]:
    """Each generated file that is committed, and the content that it should have."""
    build()
    files = {contract_vectors.SOLIDITY_FILE: contract_vectors.solidity()}
    for name in CONTRACTS:
        compiled: dict[str, Any] = json.loads(_text(FOLDER / f"out/{name}.sol/{name}.json"))
        contract = {"abi": compiled["abi"], "bytecode": compiled["bytecode"]["object"]}
        files[_ABI_FOLDER / f"{name}.json"] = json.dumps(contract, indent=1) + "\n"
    return files


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _gas_figures(*options: str) -> subprocess.CompletedProcess[str]:
    return forge.run("snapshot", "--match-contract", "^GasTest$", *options, capture=True)


def _counts(output: str) -> dict[str, int]:
    """The numbers in forge's closing line. A run without that line counts as one failure."""
    found = re.findall(r"(\d+) tests passed, (\d+) failed, (\d+) skipped", output)
    if not found:
        return {"passed": 0, "failed": 1, "skipped": 0}
    return dict(zip(("passed", "failed", "skipped"), map(int, found[-1]), strict=True))


_COMMANDS: dict[str, Callable[[], None]] = {
    "build": build,
    "test": test,
    "check-abi": check_abi,
    "check-format": check_format,
    "abi": write_abi,
    "gas": write_gas,
    "format": write_format,
}


def main(arguments: list[str]) -> int:
    """Exit status 0 if all is well, 1 if not, 2 if there is no such command."""
    deploying = len(arguments) >= 2 and arguments[0] == "deploy"
    if not deploying and (len(arguments) != 1 or arguments[0] not in _COMMANDS):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if deploying:
            deploy(arguments[1], arguments[2:])
        else:
            _COMMANDS[arguments[0]]()
    except Mendable as fault:
        print(f"contracts: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
