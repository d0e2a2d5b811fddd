"""A chain's background work: threads that each repeat one job."""

from __future__ import annotations

import threading
from collections.abc import Callable

from countersign_workshop.ledger.anvil_process import AnvilProcess, ChainError


class Keepers:
    """Runs jobs at intervals until told to end. A ChainError ends its job and is kept in `fault`.

    A thread cannot report a fault to a caller, so the call that stops the chain reports it.
    """

    def __init__(self) -> None:
        self.fault: ChainError | None = None
        self._threads: list[threading.Thread] = []
        self._ending = threading.Event()

    def start(self, jobs: list[tuple[float, Callable[[], None]]]) -> None:
        """Run each job at its interval in seconds, for the first time after one interval."""
        self.fault = None
        self._ending.clear()
        self._threads = [
            threading.Thread(target=self._keep, args=job, name="chain-keeper", daemon=True)
            for job in jobs
        ]
        for thread in self._threads:
            thread.start()

    def end_soon(self) -> None:
        """Let no further job begin."""
        self._ending.set()

    def join(self) -> None:
        """End the threads, and wait for the jobs that are running."""
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _keep(self, interval_s: float, job: Callable[[], None]) -> None:
        while not self._ending.wait(interval_s):
            try:
                job()
            except ChainError as error:
                self.fault = error
                return


class FinalityPulse:
    """Mines an empty block while a block with transactions is not final, and then rests."""

    def __init__(self, chain: AnvilProcess) -> None:
        self._chain = chain
        self.look_again()

    def look_again(self) -> None:
        """Begin at the newest block. Earlier and replaced blocks do not matter any more."""
        self._looked_at = self._last_active = self._chain.block_number()

    def beat(self) -> None:
        latest = self._chain.block_number()
        for number in range(self._looked_at + 1, latest + 1):
            if int(self._chain.rpc("eth_getBlockTransactionCountByNumber", hex(number)), 16):
                self._last_active = number
        self._looked_at = latest
        if self._chain.block_number("finalized") < self._last_active:
            self._chain.mine()
