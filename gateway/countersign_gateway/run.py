"""`countersign gateway run`: one gateway, from its configuration until SIGTERM or Ctrl-C.

SIGHUP ends nothing: a terminal that closes must not take the site's gateway with it. Nor does it
read the settings again, and the log says so.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from countersign_gateway import config as configuration
from countersign_gateway.app import Gateway
from countersign_gateway.model import OperatorError
from countersign_gateway.operations.log import EventLog
from countersign_gateway.operations.plain_text import printable

TICK_S = 0.25


def main(argv: Sequence[str] | None = None) -> int:
    """`run --config gateway.toml`. Exit status: 0 after a clean stop, 1 on error, 2 on misuse."""
    parser = argparse.ArgumentParser(prog="countersign gateway", description="The site's gateway.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run until SIGTERM or Ctrl-C")
    run.add_argument("--config", type=Path, required=True, help="the site's gateway.toml")
    arguments = parser.parse_args(argv)

    stop_asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_asked.set())
    hung_up = threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: hung_up.set())
    # Only this user may read the keys, the registry and its log, whatever umask the shell has set.
    os.umask(0o077)
    log = EventLog(sys.stderr)
    try:
        gateway = Gateway(configuration.load(arguments.config), log)
        gateway.start(stop_asked)
    except (OperatorError, OSError) as error:
        for sentence in str(error).splitlines():
            print(f"countersign gateway: {printable(sentence)}", file=sys.stderr)
        return 1
    while not stop_asked.wait(TICK_S):
        if hung_up.is_set():
            hung_up.clear()
            log.event("hangup_ignored", why="settings are read at a start only: stop it, start it")
        try:
            gateway.tick()
        except Exception as error:  # noqa: BLE001 - other threads go on serving devices
            log.fault("tick_fault", error)
    gateway.stop()
    return 0
