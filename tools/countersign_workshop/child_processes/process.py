"""Child processes that never outlive the tool that started them.

Tools start every real part (chain, broker, gateway, emulated device) through this module. The child
dies with its parent, even if the parent is killed. A thread reads its output, so that the child
never blocks on a full pipe. It is ended by its process id.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
# This is looked up before any fork: the child of a threaded process should not import or allocate
# much.
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def die_with_parent() -> None:
    """Let the kernel end this process when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """One running program.

    on_line: called from the reader thread with each line of its output (standard output and error,
    merged, decoded, no newline). `tail()` gives the last lines. terminal: a descriptor that takes
    the place of standard input, output and error; then nothing is read or kept here.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        on_line: Callable[[str], None] | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        terminal: int | None = None,
    ) -> None:
        self.name = name
        self._tail: deque[str] = deque(maxlen=40)
        self._on_line = on_line
        self._process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL if terminal is None else terminal,
            stdout=subprocess.PIPE if terminal is None else terminal,
            stderr=subprocess.STDOUT if terminal is None else terminal,
            env=dict(environment) if environment is not None else None,
            cwd=folder,
            # The child has its own session, so that Ctrl-C reaches the tool alone, which then ends
            # its children in order.
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        self._reader = threading.Thread(target=self._read, name=f"{name}-output", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def running(self) -> bool:
        return self._process.poll() is None

    def exit_status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def tail(self) -> str:
        """The last lines that it printed."""
        return "\n".join(self._tail)

    def stop(self, grace_s: float = 10.0) -> int:
        """Ask the process to end, and kill it after `grace_s`. Returns its exit status."""
        if self.running():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._finish()

    def kill(self) -> int:
        """Kill the process at once, as a power cut would. Returns its exit status."""
        if self.running():
            os.kill(self.pid, signal.SIGKILL)
        return self._finish()

    def _finish(self) -> int:
        status = self._process.wait()
        self._reader.join(5)
        return status

    def _read(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            self._tail.append(line)
            if self._on_line is not None:
                self._on_line(line)
        stream.close()
