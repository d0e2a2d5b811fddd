"""A board that is a MicroPython process on a pty. It costs little, so a test can have many.

vm_board_main.py gives it a prompt, a reset and a file system. It lacks what a board of silicon has
beside those: flash, USB, and an entropy source of its own.
"""

from __future__ import annotations

import os
import pty
import subprocess
import threading
import tty
from pathlib import Path

from countersign_workshop.child_processes.process import die_with_parent
from countersign_workshop.parts import micropython

_FIRMWARE = Path(__file__).with_name("vm_board_main.py")
_SOFT_RESET, _BOOT_LOADER = 4, 5
_HEAP_BYTES = 1_000_000


class VmBoard:
    """One board, which runs from construction until `stop`. Use it in a `with` statement.

    folder: its file system, made if absent. port: what a provisioner opens. runs_main: whether its
    last start was as its power does, and not one that comes back at its prompt.
    """

    def __init__(self, folder: Path, unique_id: str, runtime: str | None = None) -> None:
        self.folder = folder
        self.unique_id = unique_id
        self.starts = 0
        self.runs_main = False
        self.in_boot_loader = False
        folder.mkdir(mode=0o700, exist_ok=True)
        self._argv = micropython.argv(runtime, _HEAP_BYTES)
        # The board has the pty's master side, so that no terminal's line editing comes between. The
        # other side stays open here, so that killing a provisioner does not unplug the board.
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._start(raw=False)
        self._thread.start()

    def __enter__(self) -> VmBoard:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Switch the board off and unplug it."""
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
            if self._process is not None:
                self._process.kill()
        self._thread.join(10)
        os.close(self._master)
        os.close(self._slave)

    def power_cut(self) -> None:
        """Switch the board off and on again. Its port stays, as that of a USB bridge does."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def hold_bootsel(self, held: bool) -> None:
        """Press the board's button, or let go of it."""
        mark = self.folder.with_name(self.folder.name + ".bootsel")
        if held:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)

    def file(self, path: str) -> bytes | None:
        """The content of a file on the board; None if there is no such file."""
        found = self.folder / path.lstrip("/")
        return found.read_bytes() if found.is_file() else None

    def _start(self, raw: bool) -> None:
        self.starts += 1
        self.runs_main = not raw
        self._process = subprocess.Popen(
            [*self._argv, _FIRMWARE, str(self.folder), self.unique_id, *(["raw"] if raw else [])],
            stdin=self._master,
            stdout=self._master,
            stderr=subprocess.DEVNULL,
            env=micropython.environment([]),
            preexec_fn=die_with_parent,
        )

    def _run(self) -> None:
        while self._process is not None:
            status = self._process.wait()
            with self._lock:
                if self._stopping:
                    return
                if status == _BOOT_LOADER:
                    self.in_boot_loader = True
                    return
                self._start(raw=status == _SOFT_RESET)
