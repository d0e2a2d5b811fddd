"""The device as its storage makes it: what the agent and the provisioner start from alike."""

import os
import sys
import time

from countersign_agent import keystore
from countersign_agent.entropy import EntropyPool
from countersign_agent.records import Records
from countersign_agent.storage import FolderStorage, PosixFolderStorage

# Where MicroPython is a process, a folder is the host's.
HOSTED = ("linux", "darwin", "win32")


def open_storage(folder: str):
    """The storage in `folder`, which is made if it is absent. Raises StorageError."""
    return PosixFolderStorage(folder) if sys.platform in HOSTED else FolderStorage(folder)


def start(storage) -> tuple:
    """(KeyStore, EntropyPool): this boot counted, the identity made if there never was one.

    The order is that of keystore.py: counters, entropy, identity. Raises KeyStoreDamaged,
    StorageError, EntropyError.
    """
    records = Records(storage)
    counters = keystore.load_counters(records)
    urandom = getattr(os, "urandom", None)
    entropy = EntropyPool(urandom, time.ticks_us, records, counters.boot_count)
    return keystore.open_key_store(records, counters, entropy), entropy
