"""One anvil process on loopback: started, paused, ended, and called over JSON-RPC."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from countersign_cli.mendable import Mendable
from countersign_workshop.child_processes.process import Child
from countersign_workshop.parts import toolchain

_START_TIMEOUT_S = 30.0
_RPC_TIMEOUT_S = 20.0
_LISTENING = re.compile(r"^Listening on 127\.0\.0\.1:(\d+)$")
# Loopback needs no proxy, even if the environment names one.
_LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ChainError(Mendable):
    """The chain does not start, or does not answer as it should. The text says how."""


class AnvilProcess:
    """The process behind a chain, and the calls that it answers.

    port: 0 takes a free one at the first start and keeps it.
    """

    def __init__(self, *, chain_id: int, hardfork: str, port: int) -> None:
        self.chain_id = chain_id
        self.port = port
        self._hardfork = hardfork
        self._child: Child | None = None
        self._paused = False
        self._automine = True
        # This lock is held while the process must not be paused or ended, because a caller is
        # talking to it.
        self._steady = threading.RLock()

    # ---- its process ---------------------------------------------------------------------------

    def running(self) -> bool:
        """Whether there is a process, paused or not."""
        return self._child is not None and self._child.running()

    @property
    def pid(self) -> int:
        """The process id. ChainError if the chain does not run."""
        if self._child is None or not self._child.running():
            raise ChainError("the chain does not run")
        return self._child.pid

    @property
    def rpc_url(self) -> str:
        """The address of its JSON-RPC, which is known once the chain was started."""
        return f"http://127.0.0.1:{self.port}"

    def pause(self) -> None:
        """Freeze the process: it accepts connections and never answers."""
        with self._steady:
            pid = self.pid
            os.kill(pid, signal.SIGSTOP)
            # Its threads stop one after another. Until all have stopped, it may still answer.
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            self._paused = True

    def resume(self) -> None:
        """Let a paused process continue."""
        with self._steady:
            os.kill(self.pid, signal.SIGCONT)
            self._paused = False

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

    def newest_block_hash(self) -> str:
        """0x and 64 digits."""
        return str(self.rpc("eth_getBlockByNumber", "latest", False)["hash"])

    def mine(self, blocks: int = 1) -> None:
        """Mine this many blocks. The first one takes the waiting transactions."""
        with self._steady:
            self.rpc("anvil_mine", hex(blocks))

    def automine(self, on: bool) -> None:
        """Mine each transaction at once, or only on request. Off also stops the finality pulse."""
        with self._steady:
            self.rpc("evm_setAutomine", on)
            self._automine = on

    def reorg(self, blocks: int) -> None:
        """Replace the newest blocks by empty ones. Their transactions are lost, not waiting.

        The last start is the limit: older blocks are kept without their states.
        """
        with self._steady:
            self.rpc("anvil_reorg", blocks, [])

    # ---- for the chain that it belongs to ------------------------------------------------------

    def _launch(self, cache_folder: Path, state_file: Path) -> None:
        """Start the process from the state in this file, if there is one. ChainError if it does not
        start.

        It has no accounts of its own, and no page in a browser can reach it.
        """
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
            "--no-cors",
            f"--cache-path={cache_folder}",
        ]
        if state_file.exists():
            argv.append(f"--load-state={state_file}")
        child = Child("anvil", argv, on_line=on_line)
        for _ in range(int(_START_TIMEOUT_S / 0.05)):
            if listening.wait(0.05) or not child.running():
                break
        if not listening.is_set():
            child.kill()
            raise ChainError(f"anvil does not start:\n{child.tail()}")
        self._child = child
        self._paused = False
        self._automine = True

    def _end(self, how: Callable[[Child], int]) -> None:
        child, self._child = self._child, None
        if child is not None:
            how(child)
