"""Starts the device from its storage. The agent and the provisioner both begin here.

Code for one platform is in a file of its own, which only that platform loads.
"""

import os
import sys
import time

from countersign.tagged import tagged_sha256
from countersign_agent.keys import keystore
from countersign_agent.keys.entropy import EntropyError, EntropyPool
from countersign_agent.keys.storage import FolderStorage
from countersign_agent.keys.stored_records import StoredRecords

# Here MicroPython runs as a process or on a QEMU machine, so there is no device hardware.
_HOSTED = ("linux", "darwin", "win32")
_QEMU = ("qemu", "qemu-arm", "qemu-riscv32", "qemu-riscv64")


def is_emulated() -> bool:
    """Whether this is known not to be a device's hardware, whatever a configuration says.

    A dishonest emulator can pass for a chip, since it controls everything that it runs. This
    check keeps the devices of honest emulators from being taken for hardware.
    """
    if sys.platform in _HOSTED + _QEMU:
        return True
    if not _is_rp2040():
        return False
    from countersign_agent.hardware import rp2040

    return rp2040.is_emulated()


def random_source():
    """The platform's urandom, or None if it has none. Its noise source runs on return.

    Raises EntropyError if the noise source stands still or cannot be switched on.
    """
    if sys.platform == "esp32":
        from countersign_agent.hardware import esp32

        esp32.switch_radio_on()
    if _is_rp2040():
        from countersign_agent.hardware import rp2040

        rp2040.check_random()
    return getattr(os, "urandom", None)


def random_bytes() -> bytes:
    """32 bytes that nobody can foretell and that never come again. Raises EntropyError.

    The entropy pool gives better ones, once the device has started.
    """
    urandom = random_source()
    if urandom is None:
        raise EntropyError("this platform has no os.urandom")
    ticks = (time.ticks_us() & 0xFFFFFFFF).to_bytes(4, "big")
    return tagged_sha256("countersign/random/1", urandom(32), ticks)


def open_storage(folder: str):
    """The storage in `folder`. This makes the folder if it is absent. Raises StorageError."""
    if sys.platform not in _HOSTED:
        return FolderStorage(folder)
    from countersign_agent.hardware import hosted

    return hosted.PosixFolderStorage(folder)


def start(storage, device_id: bytes = None, next_key_digest: bytes = None) -> tuple:
    """Count this boot, and make the identity if there never was one: (KeyStore, EntropyPool).

    device_id: the only device that may start here, or None; with it, no identity is made.
    next_key_digest: as in keystore.open_key_store. The order is that of keystore.py: counters,
    entropy, identity. Raises KeyStoreDamaged, StorageError, EntropyError, ValueError.
    """
    records = StoredRecords(storage)
    counters = keystore.load_counters(records, device_id)
    entropy = EntropyPool(random_source(), time.ticks_us, records, counters.boot_count)
    return keystore.open_key_store(records, counters, entropy, next_key_digest), entropy


def _is_rp2040():
    return "RP2040" in getattr(sys.implementation, "_machine", "")
