"""The development chain: what it keeps, what it may lose, and that it leaves no process behind."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from eth_account import Account as EthAccount

from countersign_workshop.ledger.anvil_process import ChainError
from countersign_workshop.ledger.chain import DevChain
from countersign_workshop.ledger.deployment import Account, address_text
from support.contracts import parts
from support.contracts.register import Register, new_device

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def anvil():
    parts.anvil()


@pytest.fixture()
def own_chain(anvil, tmp_path):
    """A chain that the test may damage. Only the test mines."""
    chain = DevChain(tmp_path / "chain", finality_pulse_s=None, state_interval_s=600)
    chain.start()
    yield chain
    chain.kill()


def _balance(chain, account):
    return int(chain.rpc("eth_getBalance", address_text(account.address), "latest"), 16)


def _until(condition, what):
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"waited 20 s for {what}")


def test_nobody_is_rich_by_a_published_mnemonic(own_chain):
    assert own_chain.rpc("eth_accounts") == []
    first_of_the_test_mnemonic = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert own_chain.rpc("eth_getBalance", first_of_the_test_mnemonic, "latest") == "0x0"


def test_it_listens_on_loopback_alone(own_chain):
    wanted = f"{own_chain.port:04X}"
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(":" + wanted)
    ]
    assert listening == [f"0100007F:{wanted}"]


def test_state_port_and_contracts_are_kept_over_a_stop(own_chain):
    register = Register(own_chain)
    device = new_device()
    register.add_device(device, register.sign(device))
    register.append(1, bytes(32), secrets.token_bytes(32), 1)
    tip, port, block = register.tip(), own_chain.port, own_chain.block_number()

    own_chain.stop()
    assert not own_chain.running()
    with pytest.raises(ChainError):
        own_chain.rpc("eth_blockNumber")
    own_chain.start()

    assert own_chain.port == port
    assert own_chain.block_number() == block
    assert own_chain.deploy() == register.contracts
    assert register.tip() == tip
    owner = register.devices.functions.ownerOf(device.device_id).call()
    assert owner == address_text(register.owner.address)
    # Receipts and events are kept, too: a gateway asks for them after it was away.
    assert len(register.devices.events.DeviceAdded.get_logs(from_block=0)) == 1


def test_a_kill_loses_what_was_not_saved_and_nothing_else(own_chain):
    saved, lost = Account.generate(), Account.generate()
    own_chain.fund(saved.address)
    own_chain.save()
    own_chain.rpc("anvil_setBalance", address_text(lost.address), "0x1")
    own_chain.kill()
    own_chain.start()
    assert _balance(own_chain, saved) > 0
    assert _balance(own_chain, lost) == 0


def test_contracts_lost_by_a_kill_are_created_again(own_chain):
    own_chain.save()
    before = own_chain.folder / "state.json"
    empty = before.read_bytes()
    contracts = own_chain.deploy()
    own_chain.kill()
    before.write_bytes(empty)
    own_chain.start()
    assert own_chain.deploy().keys() == contracts.keys()
    assert own_chain.rpc("eth_getCode", own_chain.deploy()["DeviceID"], "latest") != "0x"


def test_a_changed_state_is_saved_in_the_background(anvil, tmp_path):
    chain = DevChain(tmp_path, finality_pulse_s=None, state_interval_s=0.05)
    chain.start()
    try:
        before = chain.block_number()
        chain.mine(3)
        state = tmp_path / "state.json"
        _until(lambda: state.exists() and b'"best_block_number":3' in state.read_bytes(), "a save")
        chain.kill()
        chain.start()
        assert chain.block_number() == before + 3
    finally:
        chain.kill()


def test_killed_again_and_again_it_always_starts(anvil, tmp_path):
    """Kills hit saves, too. A save that was not finished must not be loaded."""
    chain = DevChain(tmp_path, finality_pulse_s=None, state_interval_s=0.01)
    reached = 0
    for delay_s in (0, 0.005, 0.01, 0.02, 0.03, 0.05):
        chain.start()
        assert chain.block_number() >= reached
        chain.mine(5)
        chain.save()
        reached = chain.block_number()
        chain.mine(50)
        time.sleep(delay_s)
        chain.kill()


def test_a_save_under_load_holds_the_block_of_every_effect(own_chain):
    """anvil's own dump may lack it: anvil lists blocks, mines on, and then lists accounts."""
    sender = EthAccount.from_key(secrets.token_bytes(32))
    own_chain.fund(bytes.fromhex(sender.address[2:]))
    fields = {"type": 2, "chainId": own_chain.chain_id, "to": bytes(19) + b"\1", "gas": 30_000}
    fields |= {"value": 1, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
    signed = [sender.sign_transaction(fields | {"nonce": nonce}) for nonce in range(400)]

    def send():
        for transaction in signed:
            own_chain.rpc("eth_sendRawTransaction", "0x" + transaction.raw_transaction.hex())

    address, saves = sender.address.lower(), 0
    with ThreadPoolExecutor(1) as other:
        sending = other.submit(send)
        while not sending.done():
            own_chain.save()
            saves += 1
            state = json.loads((own_chain.folder / "state.json").read_bytes())
            nonce = state["accounts"][address]["nonce"]
            assert len(state["transactions"]) == nonce
        sending.result()
    assert saves > 3, "there was no save under load"
    # Mining continues as before: nothing was lost during the pause, and nothing waits.
    assert int(own_chain.rpc("eth_getTransactionCount", address, "latest"), 16) == len(signed)


def test_its_folder_is_for_one_chain_at_a_time(own_chain):
    with pytest.raises(ChainError, match="another chain uses"):
        DevChain(own_chain.folder).start()
    own_chain.stop()
    with DevChain(own_chain.folder) as other:
        assert other.running()


def test_a_taken_port_is_an_error_that_says_so(own_chain, tmp_path):
    with pytest.raises(ChainError, match="does not start"):
        DevChain(tmp_path / "other", port=own_chain.port).start()


def test_a_paused_chain_does_not_answer_and_goes_on(own_chain):
    own_chain.pause()
    state = Path(f"/proc/{own_chain.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    assert state in "Tt"
    own_chain.resume()
    assert own_chain.block_number() == 0


def test_a_paused_chain_can_be_stopped_and_killed(own_chain):
    own_chain.pause()
    own_chain.stop()
    own_chain.start()
    own_chain.pause()
    own_chain.kill()
    assert not own_chain.running()


def test_transactions_wait_while_automine_is_off(own_chain):
    register = Register(own_chain)
    own_chain.automine(False)
    batch = (1, bytes(32), secrets.token_bytes(32), 1)
    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(register.append, *batch)
        _until(lambda: own_chain.rpc("txpool_status")["pending"] == "0x1", "the transaction")
        assert register.tip() == (0, bytes(32))
        own_chain.mine()
        sent.result()
    assert register.tip()[0] == 1


def test_a_reorg_takes_transactions_back(own_chain):
    register = Register(own_chain)
    register.append(1, bytes(32), secrets.token_bytes(32), 1)
    assert register.tip()[0] == 1
    own_chain.reorg(1)
    assert register.tip() == (0, bytes(32))


def test_what_is_included_becomes_final_and_then_it_rests(anvil, tmp_path):
    with DevChain(tmp_path, finality_pulse_s=0.05) as chain:
        register = Register(chain)
        included = register.append(1, bytes(32), secrets.token_bytes(32), 1)["blockNumber"]
        _until(lambda: chain.block_number("finalized") >= included, "finality")
        resting = chain.block_number()
        time.sleep(0.5)
        assert chain.block_number() == resting


def test_it_runs_on_newer_rules_as_well(anvil, tmp_path):
    """The contracts are compiled for shanghai, and chains are upgraded."""
    with DevChain(tmp_path, hardfork="osaka", finality_pulse_s=None) as chain:
        register = Register(chain)
        device = new_device()
        register.add_device(device, register.sign(device))


def _gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_it_dies_with_a_parent_that_is_killed(anvil, tmp_path):
    script = (
        "import sys, time; from pathlib import Path\n"
        "from countersign_workshop.ledger.chain import DevChain\n"
        "chain = DevChain(Path(sys.argv[1])); chain.start(); print(chain.pid, flush=True)\n"
        "time.sleep(60)"
    )
    argv = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    _until(lambda: _gone(pid), "the end of the chain")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_runs_until_it_is_told_to_end(anvil, tmp_path, ending):
    gateway = Account.generate()
    argv = [sys.executable, "-m", "countersign_cli.cli", "chain", str(tmp_path), "--port", "0"]
    argv += ["--admit", address_text(gateway.address)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as command:
        shown = {}
        for line in command.stdout:
            name, value = line.split()
            shown[name] = value
            if name == "owner":
                break
        children = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text().split()
        command.send_signal(ending)
        assert command.wait(30) == 0
    assert set(shown) == {"rpc_url", "chain_id", "CommitmentLog", "DeviceID", "UserID", "owner"}
    assert len(children) == 1
    assert _gone(int(children[0]))
    assert (os.stat(tmp_path / "owner.key").st_mode & 0o077) == 0
