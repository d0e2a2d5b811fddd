"""The device as its storage makes it: what the agent and the provisioner start from alike.

What differs from platform to platform is in a file of its own, loaded only there.
"""

import os
import sys
import time

from countersign_agent.keys import keystore
from countersign_agent.keys.entropy import EntropyPool
from countersign_agent.keys.storage import FolderStorage
from countersign_agent.keys.stored_records import StoredRecords

# Where MicroPython is a process, or a machine of QEMU: nothing there is a device's hardware.
_HOSTED = ("linux", "darwin", "win32")
_QEMU = ("qemu", "qemu-arm", "qemu-riscv32", "qemu-riscv64")


def is_emulated() -> bool:
    """Whether this is known not to be a device's hardware, whatever a configuration says.

    An emulator that wants to pass for a chip can: what it runs is all its own. This keeps what
    honest tools emulate from ever being taken for more.
    """
    if sys.platform in _HOSTED + _QEMU:
        return True
    if not _is_rp2040():
        return False
    from countersign_agent.hardware import rp2040

    return rp2040.is_emulated()


def random_source():
    """The platform's urandom, or None if it has none. What it draws on is on when this returns.

    Raises EntropyError if that stands still or cannot be switched on.
    """
    if sys.platform == "esp32":
        from countersign_agent.hardware import esp32

        esp32.switch_radio_on()
    if _is_rp2040():
        from countersign_agent.hardware import rp2040

        rp2040.check_random()
    return getattr(os, "urandom", None)


def open_storage(folder: str):
    """The storage in `folder`, which is made if it is absent. Raises StorageError."""
    if sys.platform not in _HOSTED:
        return FolderStorage(folder)
    from countersign_agent.hardware import hosted

    return hosted.PosixFolderStorage(folder)


def start(storage, device_id: bytes = None) -> tuple:
    """(KeyStore, EntropyPool): this boot counted, the identity made if there never was one.

    device_id: of the device that this must be, if that is known: no other is started or made.
    The order is that of keystore.py: counters, entropy, identity. Raises KeyStoreDamaged,
    StorageError, EntropyError.
    """
    records = StoredRecords(storage)
    counters = keystore.load_counters(records, device_id)
    entropy = EntropyPool(random_source(), time.ticks_us, records, counters.boot_count)
    return keystore.open_key_store(records, counters, entropy), entropy


def _is_rp2040():
    return "RP2040" in getattr(sys.implementation, "_machine", "")
