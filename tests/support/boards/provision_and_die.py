"""Runs `countersign provision` and kills it, as a power cut would, at a given moment.

Standard input has one JSON object a line, {"argv": […], "die_at": n or null}. Standard output has
for each {"status": …, "moments": …}. Moments are counted from 1. There is one before and one after
each line of the journal, and one before and one after each change of the board. Each run is a
forked child, so that it need not start Python anew.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from countersign_cli import cli
from countersign_cli.provisioning import bundle
from countersign_cli.provisioning.resume_file import ResumeFile
from countersign_cli.provisioning.session import Session

WATCHED = {
    ResumeFile: ("_write",),
    Session: ("write", "remove", "rename", "abandon_identity", "device", "restart", "reset"),
}


def watch(die_at: int | None, counted: int) -> None:
    """counted: a descriptor that gets a byte for each moment."""
    numbers = itertools.count(1)

    def moment() -> None:
        os.write(counted, b".")
        if next(numbers) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            moment()
            result = function(*arguments, **named)
            moment()
            return result

        return call

    for kind, names in WATCHED.items():
        for name in names:
            setattr(kind, name, around(getattr(kind, name)))


def main() -> None:
    bundle.modules()
    for line in sys.stdin:
        order = json.loads(line)
        counted_read, counted_write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(counted_read)
            os.dup2(2, 1)
            watch(order["die_at"], counted_write)
            os._exit(cli.main(order["argv"]))
        os.close(counted_write)
        with os.fdopen(counted_read, "rb") as counted:
            moments = len(counted.read())
        _, status = os.waitpid(child, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status), "moments": moments}))
        sys.stdout.flush()


main()
