"""Brokers for tests: Mosquitto as its own process, on loopback, on a free port."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from countersign_gateway.config import Endpoint
from countersign_tools import toolchain

# A gateway acknowledges in groups, so a broker must let many messages be under way to it:
# Mosquitto's own default of 20 would cap a site at 20 messages a disk flush.
MOSQUITTO_CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_inflight_messages 8192
max_queued_messages 65536
message_size_limit 4096
set_tcp_nodelay true
log_type error
"""


def mosquitto_command() -> list[str] | None:
    """What starts Mosquitto here, or None if there is none."""
    installed = shutil.which("mosquitto")
    if installed is not None:
        return [installed]
    try:
        return list(toolchain.mosquitto())
    except toolchain.FAULTS:
        return None


@contextmanager
def mosquitto(command: list[str], folder: Path) -> Iterator[Endpoint]:
    """A running Mosquitto; it is ended when the block ends."""
    port = free_port()
    configuration = folder / "mosquitto.conf"
    configuration.write_text(MOSQUITTO_CONFIG.format(port=port))
    process = subprocess.Popen(
        [*command, "-c", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_listening(port, process)
        yield Endpoint("127.0.0.1", port)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            raise RuntimeError(f"the broker ended with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the broker does not listen")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
