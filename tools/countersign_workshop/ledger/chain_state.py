"""What a chain keeps between runs: a folder, used by one chain at a time, with the state in it."""

from __future__ import annotations

import fcntl
import gzip
import os
from pathlib import Path

from countersign_workshop.ledger.anvil_process import ChainError


class ChainFolder:
    """The folder's lock and the file with the chain's state."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.state_file = folder / "state.json"
        self._lock: int | None = None

    def lock(self) -> None:
        """Take the folder. ChainError if another chain has it and would overwrite the state."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ChainError(f"another chain uses {self.path}") from None
        self._lock = descriptor

    def unlock(self) -> None:
        """Give the folder back. Does nothing if it is not taken."""
        if self._lock is not None:
            # Closing alone would keep the lock while a forked process has a copy of the descriptor.
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            os.close(self._lock)
            self._lock = None

    def write_state(self, packed: str) -> None:
        """Replace the state, whole or not at all. packed: of anvil_dumpState, gzip in
        hexadecimal."""
        unfinished = self.state_file.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            file.write(gzip.decompress(bytes.fromhex(packed.removeprefix("0x"))))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.state_file)
