"""The development chain: the native anvil program, its state kept between runs.

countersign chain FOLDER               run it in the foreground until Ctrl-C
countersign chain FOLDER --fund 0x…    and give an account 100 ether

It listens on loopback only, has no accounts of its own (no well-known key is ever funded), and
ends with whoever started it, also by kill -9. Its state is saved every few seconds and when it
stops; a save is complete or it did not happen (tools/decisions/0002).
"""

from __future__ import annotations

import argparse
import fcntl
import gzip
import json
import os
import re
import signal
import sys
import threading
import urllib.request
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from countersign_gateway.statements.keys import KeyFileError, create_key_file, read_key_file
from countersign_workshop.child_processes.process import Child
from countersign_workshop.ledger import deployment
from countersign_workshop.parts import toolchain

CHAIN_ID = 31337
HARDFORK = "shanghai"
"""The oldest rules among the chains that the contracts are for (contracts/decisions/0003)."""
ETHER = 10**18

_START_TIMEOUT_S = 30.0
_RPC_TIMEOUT_S = 20.0
_LISTENING = re.compile(r"^Listening on 127\.0\.0\.1:(\d+)$")
# Loopback needs no proxy, whatever the environment says.
_LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ChainError(Exception):
    """The chain does not start, or does not answer as it should; the text says how."""


class DevChain:
    """One chain in one folder: its state, its owner's key and the addresses of its contracts.

    port: 0 takes a free one at the first start and keeps it.
    state_interval_s: how often a changed state is saved; kill -9 loses at most that much.
    finality_pulse_s: how often an empty block is mined while a block with transactions is not
    final; an idle chain does not grow. None leaves all mining to transactions and `mine`.

    `stop` then `start` takes the chain away and brings it back, on the same port. A DevChain is
    used from one thread; the work in its background is its own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        chain_id: int = CHAIN_ID,
        hardfork: str = HARDFORK,
        port: int = 0,
        state_interval_s: float = 2.0,
        finality_pulse_s: float | None = 1.0,
    ) -> None:
        self.folder = folder
        self.chain_id = chain_id
        self.port = port
        self._hardfork = hardfork
        self._state_interval_s = state_interval_s
        self._finality_pulse_s = finality_pulse_s
        self._state_file = folder / "state.json"
        self._child: Child | None = None
        self._paused = False
        self._automine = True
        self._folder_lock: int | None = None
        self._keepers: list[threading.Thread] = []
        self._keepers_end = threading.Event()
        self._keepers_fault: ChainError | None = None
        # Held while the process must stay as it is: a keeper is talking to it.
        self._steady = threading.RLock()
        self._saved = ""
        self._looked_at = 0
        self._last_active = 0

    # ---- its process ---------------------------------------------------------------------------

    def start(self) -> None:
        """Start the process and wait until it answers. ChainError if it does not."""
        if self.running():
            raise ChainError("the chain runs already")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_folder()
        try:
            self._child = self._started()
        except BaseException:
            self._unlock_folder()
            raise
        self._paused = False
        self._automine = True
        self._keepers_fault = None
        self._looked_at = self._last_active = self.block_number()
        self._saved = self._newest_block_hash() if self._state_file.exists() else ""
        self._start_keepers()

    def stop(self) -> None:
        """Save the state and end the process; nothing happens if it was not started.

        ChainError if it had ended by itself, or if saving failed, now or before.
        """
        if self._child is None:
            return
        try:
            if self._paused:
                self.resume()
            self._stop_keepers()
            self.save()
        finally:
            self._end(Child.stop)
        if self._keepers_fault is not None:
            raise self._keepers_fault

    def kill(self) -> None:
        """End the process as a power cut would: what was not saved is lost."""
        if self._child is not None:
            # In this order: a frozen process would keep a keeper waiting for its answer.
            self._keepers_end.set()
            self._end(Child.kill)
            self._stop_keepers()

    def pause(self) -> None:
        """Freeze the process: it accepts connections and never answers."""
        with self._steady:
            pid = self.pid
            os.kill(pid, signal.SIGSTOP)
            # Its threads stop one after another; until all have, it may still answer.
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            self._paused = True

    def resume(self) -> None:
        """Let a paused process go on."""
        with self._steady:
            os.kill(self.pid, signal.SIGCONT)
            self._paused = False

    def running(self) -> bool:
        """Whether there is a process, paused or not."""
        return self._child is not None and self._child.running()

    @property
    def pid(self) -> int:
        """The process id. ChainError if it does not run."""
        if self._child is None or not self._child.running():
            raise ChainError("the chain does not run")
        return self._child.pid

    @property
    def rpc_url(self) -> str:
        """Where its JSON-RPC is; known once it was started."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> DevChain:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- asking and telling it -----------------------------------------------------------------

    def rpc(self, method: str, *parameters: Any) -> Any:
        """The result of a JSON-RPC call. ChainError for an error or no answer."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        request = urllib.request.Request(  # noqa: S310 - an address of our own making
            self.rpc_url, body.encode(), {"Content-Type": "application/json"}
        )
        try:
            with _LOOPBACK.open(request, timeout=_RPC_TIMEOUT_S) as response:
                answer = json.load(response)
        except (OSError, ValueError) as error:
            raise ChainError(f"{method}: {error}") from error
        if "error" in answer:
            raise ChainError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def block_number(self, tag: str = "latest") -> int:
        """The number of the newest block, or of the newest "safe" or "finalized" one."""
        return int(self.rpc("eth_getBlockByNumber", tag, False)["number"], 16)

    def mine(self, blocks: int = 1) -> None:
        """Mine so many blocks; the first takes the transactions that wait."""
        self.rpc("anvil_mine", hex(blocks))

    def automine(self, on: bool) -> None:
        """Mine each transaction at once, or only when told. Off also stops the finality pulse."""
        with self._steady:
            self.rpc("evm_setAutomine", on)
            self._automine = on

    def reorg(self, blocks: int) -> None:
        """Replace the newest blocks by empty ones; their transactions are gone, not waiting.

        Reaches back to the last start at most: older blocks are kept without their states.
        """
        with self._steady:
            self.rpc("anvil_reorg", blocks, [])
            self._looked_at = self._last_active = self.block_number()

    def save(self) -> None:
        """Write the state to the folder, completely or not at all."""
        with self._steady:
            newest = self._newest_block_hash()
            packed: str = self.rpc("anvil_dumpState")
            unfinished = self._state_file.with_suffix(".unfinished")
            with unfinished.open("wb") as file:
                file.write(gzip.decompress(bytes.fromhex(packed.removeprefix("0x"))))
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._state_file)
            self._saved = newest

    # ---- contracts and accounts ----------------------------------------------------------------

    def deploy(self) -> dict[str, str]:
        """Addresses of CommitmentLog, DeviceID and UserID; created at the first call."""
        remembered = self.folder / "contracts.json"
        if remembered.exists():
            contracts: dict[str, str] = json.loads(remembered.read_text(encoding="utf-8"))
            # A chain that lost its last seconds may have lost the contracts with them.
            codes = [self.rpc("eth_getCode", text, "latest") for text in contracts.values()]
            if "0x" not in codes:
                return contracts
        # It has no power over what it creates, so nobody needs to keep its key.
        deployer = deployment.Account.generate()
        self.fund(deployer.address)
        contracts = deployment.deploy(self.rpc_url, deployer)
        self.save()
        remembered.write_text(json.dumps(contracts, indent=1) + "\n", encoding="utf-8")
        return contracts

    def owner(self) -> bytes:
        """The account (20 bytes) that answers for the devices here; made at first use."""
        return self._owner().address

    def admit_gateway(self, account: bytes) -> None:
        """Fund a gateway's account (20 bytes) and appoint it a registrar of this chain's owner."""
        contracts, owner = self.deploy(), self._owner()
        self.fund(account)
        self.fund(owner.address)
        profile = sha256(b"the owner of a development chain").digest()
        deployment.register_owner(self.rpc_url, contracts, owner, profile)
        deployment.appoint(self.rpc_url, contracts, owner, account)

    def fund(self, account: bytes, wei: int = 100 * ETHER) -> None:
        """Set the balance of an account (20 bytes)."""
        self.rpc("anvil_setBalance", "0x" + account.hex(), hex(wei))
        # This makes no block, and blocks are how a change of the state is noticed.
        self.save()

    # ---- inside --------------------------------------------------------------------------------

    def _started(self) -> Child:
        listening = threading.Event()

        def on_line(line: str) -> None:
            found = _LISTENING.match(line)
            if found is not None:
                self.port = int(found[1])
                listening.set()

        argv = [
            str(toolchain.anvil()),
            "--host=127.0.0.1",
            f"--port={self.port}",
            f"--chain-id={self.chain_id}",
            f"--hardfork={self._hardfork}",
            "--accounts=0",
            # "finalized" is two blocks behind "latest".
            "--slots-in-an-epoch=1",
            # No page in a browser has any business here.
            "--no-cors",
            f"--cache-path={self.folder / 'anvil'}",
        ]
        if self._state_file.exists():
            argv.append(f"--load-state={self._state_file}")
        child = Child("anvil", argv, on_line=on_line)
        for _ in range(int(_START_TIMEOUT_S / 0.05)):
            if listening.wait(0.05) or not child.running():
                break
        if not listening.is_set():
            child.kill()
            raise ChainError(f"anvil does not start:\n{child.tail()}")
        return child

    def _end(self, how: Callable[[Child], int]) -> None:
        child, self._child = self._child, None
        try:
            if child is not None:
                how(child)
        finally:
            self._unlock_folder()

    def _lock_folder(self) -> None:
        """Two chains on one folder would overwrite each other's state."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ChainError(f"another chain uses {self.folder}") from None
        self._folder_lock = descriptor

    def _unlock_folder(self) -> None:
        if self._folder_lock is not None:
            os.close(self._folder_lock)
            self._folder_lock = None

    def _owner(self) -> deployment.Account:
        path = self.folder / "owner.key"
        if not path.exists():
            create_key_file(path)
        return deployment.Account(read_key_file(path))

    def _newest_block_hash(self) -> str:
        return str(self.rpc("eth_getBlockByNumber", "latest", False)["hash"])

    def _start_keepers(self) -> None:
        self._keepers_end.clear()
        jobs = [(self._state_interval_s, self._save_if_changed)]
        if self._finality_pulse_s is not None:
            jobs.append((self._finality_pulse_s, self._advance_finality))
        self._keepers = [
            threading.Thread(target=self._keep, args=job, name="chain-keeper", daemon=True)
            for job in jobs
        ]
        for keeper in self._keepers:
            keeper.start()

    def _stop_keepers(self) -> None:
        self._keepers_end.set()
        for keeper in self._keepers:
            keeper.join()
        self._keepers = []

    def _keep(self, interval_s: float, job: Callable[[], None]) -> None:
        while not self._keepers_end.wait(interval_s):
            with self._steady:
                if self._paused:
                    continue
                try:
                    job()
                except ChainError as error:
                    # Raised by `stop`, which somebody calls; a thread has nobody to tell.
                    self._keepers_fault = error
                    return

    def _save_if_changed(self) -> None:
        if self._newest_block_hash() != self._saved:
            self.save()

    def _advance_finality(self) -> None:
        if not self._automine:
            return
        latest = self.block_number()
        for number in range(self._looked_at + 1, latest + 1):
            if int(self.rpc("eth_getBlockTransactionCountByNumber", hex(number)), 16):
                self._last_active = number
        self._looked_at = latest
        if self.block_number("finalized") < self._last_active:
            self.mine()


def register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="where its state is kept")
    parser.add_argument("--port", type=int, default=8545, help="on loopback; 8545")
    parser.add_argument("--fund", action="append", default=[], metavar="0x…", help="100 ether for")
    parser.add_argument(
        "--admit",
        action="append",
        default=[],
        metavar="0x…",
        help="let a gateway's account register devices for this chain's owner; funds it, too",
    )


def run(arguments: argparse.Namespace) -> int:
    """Until Ctrl-C or SIGTERM; exit status 1 if the chain fails or ends by itself."""
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    try:
        with DevChain(arguments.folder, port=arguments.port) as chain:
            for text in arguments.fund:
                chain.fund(deployment.address_bytes(text))
            for text in arguments.admit:
                chain.admit_gateway(deployment.address_bytes(text))
            print(f"rpc_url          {chain.rpc_url}")
            print(f"chain_id         {chain.chain_id}")
            for name, address in chain.deploy().items():
                print(f"{name:<16} {address}")
            print(f"owner            {deployment.address_text(chain.owner())}", flush=True)
            while chain.running() and not end.wait(0.5):
                pass
    except (ChainError, deployment.DeploymentError, KeyFileError, *toolchain.FAULTS) as error:
        print(f"countersign chain: {error}", file=sys.stderr)
        return 1
    return 0
