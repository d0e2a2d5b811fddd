"""Where the socket is: in a folder of its own (0700) beside the registry, itself 0600.

A socket's path may have 108 bytes only, and a site's folder may be deeper than that. So both sides
open the folder first, and name the socket by way of the open folder.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "control"
NAME = "gateway.sock"


def folder_of(registry_path: Path) -> Path:
    return registry_path.parent / FOLDER


def listen(folder: Path) -> socket.socket:
    """Make the folder and listen in it, in place of a socket that a killed gateway left behind.

    The caller holds the registry's lock, so no other gateway listens here. OSError if it fails.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(folder) as path:
            (folder / NAME).unlink(missing_ok=True)
            server.bind(path)
            (folder / NAME).chmod(0o600)
        server.listen(8)
    except BaseException:
        server.close()
        raise
    return server


def connect(folder: Path) -> socket.socket:
    """A connection to the gateway. OSError if none listens there."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(folder) as path:
            client.connect(path)
    except BaseException:
        client.close()
        raise
    return client


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)
