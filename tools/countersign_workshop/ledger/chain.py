"""The development chain: the native anvil program, whose state is kept between runs.

The chain listens on loopback only and has no accounts of its own, so no well-known key is ever
funded. It ends with the process that started it, also after kill -9. Its state is saved every few
seconds and when it stops. A save is complete, or it did not happen (decision 0011).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from countersign_gateway.statements.keys import create_key_file, read_key_file
from countersign_workshop.child_processes.process import Child
from countersign_workshop.ledger import deployment
from countersign_workshop.ledger.anvil_process import AnvilProcess, ChainError
from countersign_workshop.ledger.chain_keepers import FinalityPulse, Keepers
from countersign_workshop.ledger.chain_state import ChainFolder

CHAIN_ID = 31337
HARDFORK = "shanghai"
"""The oldest rules among the chains that the contracts support (decision 0010)."""
ETHER = 10**18

_MOST_DUMPS = 10


class DevChain(AnvilProcess):
    """One chain in one folder: its state, its owner's key and the addresses of its contracts.

    port: 0 takes a free one at the first start and keeps it.
    state_interval_s: how often a changed state is saved; kill -9 loses at most that much.
    finality_pulse_s: how often an empty block is mined while a block with transactions is not
    final. An idle chain does not grow. None leaves all mining to transactions and `mine`.

    `stop` then `start` takes the chain away and brings it back, on the same port. Use a DevChain
    from one thread; its background work has its own.
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
        super().__init__(chain_id=chain_id, hardfork=hardfork, port=port)
        self.folder = folder
        self._kept = ChainFolder(folder)
        self._state_interval_s = state_interval_s
        self._finality_pulse_s = finality_pulse_s
        self._keepers = Keepers()
        self._pulse: FinalityPulse | None = None
        # The hash of the newest block in the last save.
        self._saved = ""

    # ---- its life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the process and wait until it answers. ChainError if it does not."""
        if self.running():
            raise ChainError("the chain runs already")
        self._kept.lock()
        try:
            self._launch(self.folder / "anvil", self._kept.state_file)
        except BaseException:
            self._kept.unlock()
            raise
        self._saved = self.newest_block_hash() if self._kept.state_file.exists() else ""
        jobs = [(self._state_interval_s, self._while_steady(self._save_if_changed))]
        if self._finality_pulse_s is not None:
            self._pulse = FinalityPulse(self)
            jobs.append((self._finality_pulse_s, self._while_steady(self._advance_finality)))
        self._keepers.start(jobs)

    def stop(self) -> None:
        """Save the state and end the process. Does nothing if the chain was not started.

        ChainError if the chain had ended by itself, or if a save failed, now or before.
        """
        if self._child is None:
            return
        try:
            if self._paused:
                self.resume()
            self._keepers.join()
            self.save()
        finally:
            self._end(Child.stop)
        if self._keepers.fault is not None:
            raise self._keepers.fault

    def kill(self) -> None:
        """End the process as a power cut would: what was not saved is lost."""
        if self._child is not None:
            # The order matters: a paused process would keep a keeper waiting for its answer.
            self._keepers.end_soon()
            self._end(Child.kill)
            self._keepers.join()

    def __enter__(self) -> DevChain:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def reorg(self, blocks: int) -> None:
        with self._steady:
            super().reorg(blocks)
            if self._pulse is not None:
                self._pulse.look_again()

    def save(self) -> None:
        """Save the state to the folder, completely or not at all.

        anvil lists its blocks first and its accounts afterwards, and mines in between. Its answer
        may hold the effects of a block that it does not list. Loaded, such a state is a chain whose
        contracts count a batch without an event for it. So no block is made meanwhile, and an
        answer counts only if the newest block is the same before and after.
        """
        with self._steady:
            if self._automine:
                self.rpc("evm_setAutomine", False)
            try:
                newest, packed = self._dump()
            finally:
                if self._automine:
                    # This also mines the transactions that came meanwhile.
                    self.rpc("evm_setAutomine", True)
            self._kept.write_state(packed)
            self._saved = newest

    # ---- contracts and accounts ----------------------------------------------------------------

    def deploy(self) -> dict[str, str]:
        """The addresses of CommitmentLog, DeviceID and UserID. The first call creates them."""
        remembered = self.folder / "contracts.json"
        if remembered.exists():
            contracts: dict[str, str] = json.loads(remembered.read_text(encoding="utf-8"))
            # A chain that lost its last seconds may have lost the contracts too.
            codes = [self.rpc("eth_getCode", text, "latest") for text in contracts.values()]
            if "0x" not in codes:
                return contracts
        # The deploying account has no power over the contracts, so nobody needs to keep its key.
        deployer = deployment.Account.generate()
        self.fund(deployer.address)
        contracts = deployment.deploy(self.rpc_url, deployer)
        self.save()
        remembered.write_text(json.dumps(contracts, indent=1) + "\n", encoding="utf-8")
        return contracts

    def owner(self) -> bytes:
        """The account (20 bytes) that answers for the devices here. It is made at first use."""
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
        # Setting a balance makes no block, and saving relies on blocks to notice a changed state.
        self.save()

    # ---- inside --------------------------------------------------------------------------------

    def _dump(self) -> tuple[str, str]:
        """The newest block's hash, and the packed state with it. The caller has stopped mining."""
        for _ in range(_MOST_DUMPS):
            newest = self.newest_block_hash()
            packed: str = self.rpc("anvil_dumpState")
            # A block that appears now was being made when mining was stopped.
            if self.newest_block_hash() == newest:
                return newest, packed
        raise ChainError("the state cannot be saved: somebody else makes blocks all the time")

    def _end(self, how: Callable[[Child], int]) -> None:
        try:
            super()._end(how)
        finally:
            self._kept.unlock()

    def _owner(self) -> deployment.Account:
        path = self.folder / "owner.key"
        if not path.exists():
            create_key_file(path)
        return deployment.Account(read_key_file(path))

    def _while_steady(self, job: Callable[[], None]) -> Callable[[], None]:
        """The job for a keeper: it runs alone with the process, and not while that is paused."""

        def run() -> None:
            with self._steady:
                if not self._paused:
                    job()

        return run

    def _save_if_changed(self) -> None:
        if self.newest_block_hash() != self._saved:
            self.save()

    def _advance_finality(self) -> None:
        if self._automine and self._pulse is not None:
            self._pulse.beat()
