"""One running Mosquitto: started, heard, told to read its files again, and ended by its id."""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import resource
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from countersign_gateway.config import Endpoint
from countersign_gateway.model import OperatorError

SPARE_FILES = 64
STOP_S = 5.0
# Mosquitto waits while this much of what it says is unread. So a client can make it do little more
# between a line of the log and what the gateway does about it.
UNREAD_BYTES = 4096
_PR_SET_PDEATHSIG = 1
# Looked up before any fork: the child of a threaded process should not import or allocate much.
_prctl = ctypes.CDLL(None, use_errno=True).prctl

# How lines begin that say something about the broker, and our word for each. Mosquitto quotes its
# clients in its lines, and clients choose what it quotes. So no line is passed on.
_MEANINGS = (
    ("Outgoing messages are being dropped", "queue_full"),
    ("Unable to accept new connection", "connections_full"),
    ("Out of memory", "memory_full"),
    ("New connection from ", ""),
    ("New client connected from ", ""),
    ("Client ", ""),
    ("Socket error on client ", ""),
    ("Bad socket read/write on client ", ""),
    ("Expiring client ", ""),
    ("Mosquitto should not be run as root", ""),
    ("ACL pattern", ""),
    ("Unable to set TCP_NODELAY", ""),  # of the gateway's own socket, which is no TCP
)
_LINE = re.compile(r"(?:\d+: )?(?:Warning: |Error: )?(.*)")


_NOT_LET_IN = re.compile(r"(?:\d+: )?Client (.*) disconnected, not authorised\.")
_DEVICE_ID = re.compile(r"[0-9a-f]{64}")


class BrokerUnusable(OperatorError):
    """The site's own broker cannot run. The text says why."""


def meaning(line: str) -> str | None:
    """Our word for a line of Mosquitto: "" for one that says nothing, None for an unknown one."""
    found = _LINE.match(line)
    said = line if found is None else found[1]
    return next((word for start, word in _MEANINGS if said.startswith(start)), None)


def not_let_in(line: str) -> tuple[bool, str | None]:
    """Whether the line says that a client was not let in, and the device that it says it is."""
    found = _NOT_LET_IN.fullmatch(line)
    if found is None:
        return False, None
    return True, found[1] if _DEVICE_ID.fullmatch(found[1]) else None


def connection_budget(wanted: int) -> int:
    """How many connections the machine's limit of open files allows, at most `wanted`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if hard == resource.RLIM_INFINITY else max(1, min(wanted, hard - SPARE_FILES))


def machine_bytes() -> int:
    """The memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_free(listen: Endpoint) -> Endpoint:
    """The endpoint, with a free port if its port is 0. BrokerUnusable if it cannot be bound."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return Endpoint(listen.host, probe.getsockname()[1])
    except OSError as error:
        raise BrokerUnusable(
            f"the broker cannot listen on {listen.host}:{listen.port}: {error.strerror}"
        ) from None


class MosquittoProcess:
    """Starts at once. It dies with the thread that started it, even if that is killed."""

    def __init__(self, program: Sequence[str], settings: Path, connections: int) -> None:
        """It runs in the folder of its settings."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        files = connections + SPARE_FILES
        soft = files if hard == resource.RLIM_INFINITY else min(files, hard)

        def prepare() -> None:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        try:
            self._process = subprocess.Popen(
                [*program, "-c", str(settings)],
                cwd=settings.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                # Ctrl-C reaches the gateway alone, which then ends its broker in order.
                start_new_session=True,
                preexec_fn=prepare,
            )
        except OSError as error:
            raise BrokerUnusable(f"{program[0]} does not start: {error.strerror}") from None
        fcntl.fcntl(self.output, fcntl.F_SETPIPE_SZ, UNREAD_BYTES)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> int:
        """The descriptor of what it says."""
        stream = self._process.stderr
        if stream is None:
            raise RuntimeError("mosquitto has no output")
        return stream.fileno()

    def running(self) -> bool:
        return self._process.poll() is None

    def exit_status(self) -> int | None:
        """Negative for a signal; None while it runs."""
        return self._process.poll()

    def read_files_again(self) -> None:
        """Mosquitto ends the sessions of accounts that are gone from its files."""
        if self.running():
            self._process.send_signal(signal.SIGHUP)

    def resident_bytes(self) -> int:
        """Its memory; 0 once it has ended."""
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def open_files(self) -> int:
        """How many files it has open, a few more than connections; 0 once it has ended."""
        try:
            return len(os.listdir(f"/proc/{self.pid}/fd"))
        except OSError:
            return 0

    def stop(self) -> None:
        """End it, by force after STOP_S."""
        if self.running():
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Release its output, after `stop`. For the thread that reads it."""
        if self._process.stderr is not None:
            self._process.stderr.close()
