"""The committed files of the contracts are what the sources give."""

import pytest

from countersign_contracts import load
from countersign_workshop.ledger import contracts
from countersign_workshop.ledger.forge import FOLDER, ContractsFault


def test_abi_bytecode_and_vectors_are_up_to_date(compiler):
    contracts.check_abi()


def test_another_bytecode_is_noticed(compiler, tmp_path, monkeypatch):
    for name in contracts.CONTRACTS:
        text = (FOLDER / f"countersign_contracts/{name}.json").read_text(encoding="utf-8")
        if name == "UserID":
            text = text.replace("0x6", "0x7", 1)
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(contracts, "ROOT", tmp_path.parent)
    monkeypatch.setattr(contracts, "_ABI_FOLDER", tmp_path)
    monkeypatch.setattr(contracts.contract_vectors, "SOLIDITY_FILE", tmp_path / "Vectors.sol")
    (tmp_path / "Vectors.sol").write_text(contracts.contract_vectors.solidity(), encoding="utf-8")
    with pytest.raises(ContractsFault) as caught:
        contracts.check_abi()
    assert "UserID.json" in str(caught.value)
    assert "DeviceID.json" not in str(caught.value)


@pytest.mark.parametrize("name", contracts.CONTRACTS)
def test_a_gateway_needs_no_compiler(name):
    contract = load(name)
    assert set(contract) == {"abi", "bytecode"}
    assert bytes.fromhex(contract["bytecode"][2:])
    assert all(
        entry["type"] in ("constructor", "function", "event", "error") for entry in contract["abi"]
    )
