"""The script that deploys the contracts, and the record of their addresses."""

import json
import subprocess

import jsonschema
import pytest
from web3 import Web3

from countersign_contracts import load
from countersign_workshop.ledger import networks
from countersign_workshop.ledger.deployment import Account, address_text
from countersign_workshop.ledger.forge import ContractsFault

pytestmark = pytest.mark.chain

_COMMIT = "0123456789" * 4
_SCHEMA = networks.FOLDER / "network.schema.json"
_ENTRIES = sorted(set(networks.FOLDER.glob("*.json")) - {_SCHEMA})


def _check(entry):
    jsonschema.validate(entry, json.loads(_SCHEMA.read_text(encoding="utf-8")))
    addresses = list(entry["contracts"].values())
    assert len(set(addresses)) == 3
    assert all(Web3.is_checksum_address(address) for address in addresses)


def _deploy(chain, folder, name="somewhere"):
    account = Account.generate()
    chain.fund(account.address)
    # The chain signs for the account, so that no command line holds a key.
    chain.rpc("anvil_impersonateAccount", address_text(account.address))
    options = ["--rpc-url", chain.rpc_url, "--unlocked", "--sender", address_text(account.address)]
    return networks.deploy(
        name, options, commit=_COMMIT, folder=folder, broadcast=folder / "broadcast"
    )


def _codes(chain, contracts):
    """The runtime code by name, without the addresses that the contracts hold of each other."""
    codes = {}
    for name, address in contracts.items():
        code = chain.rpc("eth_getCode", address, "latest")
        assert len(code) > 1000
        for other, known in contracts.items():
            code = code.replace(known[2:].lower(), f"<{other}>")
        codes[name] = code
    return codes


@pytest.mark.parametrize("path", _ENTRIES, ids=lambda path: path.stem)
def test_each_entry_is_what_the_schema_says(path):
    entry = json.loads(path.read_text(encoding="utf-8"))
    _check(entry)
    assert entry["name"] == path.stem


def test_the_script_puts_on_a_chain_what_the_tools_put_there(chain, compiler, tmp_path):
    before = chain.block_number()
    entry = json.loads(_deploy(chain, tmp_path).read_text(encoding="utf-8"))
    _check(entry)
    assert (entry["name"], entry["commit"]) == ("somewhere", _COMMIT)
    assert entry["chain_id"] == chain.chain_id
    assert entry["deployed_in_block"] == before + 1

    codes = _codes(chain, entry["contracts"])
    assert "<UserID>" in codes["DeviceID"] and "<DeviceID>" in codes["UserID"]
    assert codes == _codes(chain, chain.deploy())


def test_the_script_sends_the_committed_bytecode(chain, compiler, tmp_path):
    _deploy(chain, tmp_path)
    (record,) = (tmp_path / "broadcast").rglob("run-latest.json")
    sent = json.loads(record.read_text(encoding="utf-8"))["transactions"]
    codes = [
        (each["contractName"], chain.rpc("eth_getTransactionByHash", each["hash"])["input"])
        for each in sent
    ]
    assert codes == [(name, load(name)["bytecode"]) for name in ("CommitmentLog", "DeviceID")]


def test_an_entry_is_not_written_over(tmp_path):
    (tmp_path / "here.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ContractsFault, match="already"):
        networks.deploy("here", [], commit=_COMMIT, folder=tmp_path)


@pytest.mark.parametrize("name", ["", "../x", "Upper", "a b", "-option"])
def test_a_name_is_a_plain_word(name, tmp_path):
    with pytest.raises(ContractsFault, match="not a name"):
        networks.deploy(name, [], commit=_COMMIT, folder=tmp_path)


def test_without_a_chain_there_is_no_entry(compiler, tmp_path):
    with pytest.raises(ContractsFault, match="did not deploy"):
        networks.deploy(
            "nowhere",
            ["--rpc-url", "http://127.0.0.1:9", "--unlocked", "--sender", "0x" + "11" * 20],
            commit=_COMMIT,
            folder=tmp_path,
            broadcast=tmp_path / "broadcast",
        )
    assert not (tmp_path / "nowhere.json").exists()


def test_only_what_is_committed_is_deployed(tmp_path):
    def git(*arguments):
        author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        argv = ["git", *author, *arguments]
        return subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    (tmp_path / "src").mkdir()
    source = tmp_path / "src/A.sol"
    source.write_text("one\n", encoding="utf-8")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    assert networks.committed(tmp_path) == git("rev-parse", "HEAD").strip()
    source.write_text("two\n", encoding="utf-8")
    with pytest.raises(ContractsFault, match=r"src/A\.sol"):
        networks.committed(tmp_path)
