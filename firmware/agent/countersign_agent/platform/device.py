"""The device as its storage makes it: what the agent and the provisioner start from alike."""

import os
import sys
import time

from countersign_agent.keys import keystore
from countersign_agent.keys.entropy import EntropyError, EntropyPool
from countersign_agent.keys.records import Records
from countersign_agent.keys.storage import FolderStorage, PosixFolderStorage

# Where MicroPython is a process, a folder is the host's.
HOSTED = ("linux", "darwin", "win32")
# Where it is a process, or a machine of QEMU: nothing there is a device's hardware.
_EMULATED = HOSTED + ("qemu", "qemu-arm", "qemu-riscv32", "qemu-riscv64")

# RP2040 datasheet, 2.20: SYSINFO.PLATFORM, of which bit 1 says "a chip". Our emulator says no.
_RP2040_PLATFORM = 0x40000004
_RP2040_IS_CHIP = 2
# 2.17: ROSC.RANDOMBIT, the oscillator's output, sampled; all that this chip's urandom draws on.
_RP2040_RANDOM_BIT = 0x4006001C
_RANDOM_BIT_SAMPLES = 256


# ESP32 technical reference manual, "Random Number Generator": noise reaches it from the radio or
# the SAR ADC, and while both are off what it gives is pseudo-random. So it is on the S3 and C3.
_NEEDS_RADIO = "esp32"


def is_emulated() -> bool:
    """Whether this is known not to be a device's hardware, whatever a configuration says.

    An emulator that wants to pass for a chip can: what it runs is all its own. This keeps what
    honest tools emulate from ever being taken for more.
    """
    if sys.platform in _EMULATED:
        return True
    memory = _rp2040_memory()
    return memory is not None and not memory[_RP2040_PLATFORM] & _RP2040_IS_CHIP


def random_source():
    """The platform's urandom, or None if it has none. What it draws on is on when this returns.

    Raises EntropyError if that stands still: MicroPython stretches even a constant bit into bytes
    that look random, and the same ones at every board. So it does if that cannot be switched on.
    """
    if sys.platform == _NEEDS_RADIO:
        _switch_radio_on()
    memory = _rp2040_memory()
    if memory is not None:
        first = memory[_RP2040_RANDOM_BIT]
        if all([memory[_RP2040_RANDOM_BIT] == first for _ in range(_RANDOM_BIT_SAMPLES)]):
            raise EntropyError("the ring oscillator stands still")
    return getattr(os, "urandom", None)


def open_storage(folder: str):
    """The storage in `folder`, which is made if it is absent. Raises StorageError."""
    return PosixFolderStorage(folder) if sys.platform in HOSTED else FolderStorage(folder)


def start(storage, device_id: bytes = None) -> tuple:
    """(KeyStore, EntropyPool): this boot counted, the identity made if there never was one.

    device_id: of the device that this must be, if that is known: no other is started or made.
    The order is that of keystore.py: counters, entropy, identity. Raises KeyStoreDamaged,
    StorageError, EntropyError.
    """
    records = Records(storage)
    counters = keystore.load_counters(records, device_id)
    entropy = EntropyPool(random_source(), time.ticks_us, records, counters.boot_count)
    return keystore.open_key_store(records, counters, entropy), entropy


def _switch_radio_on():
    """It stays on: nonces draw on it as long as the agent runs, whatever line it speaks on."""
    try:
        import network  # only here: most builds have none

        network.WLAN(network.STA_IF).active(True)
    except (ImportError, OSError, RuntimeError) as error:
        raise EntropyError("the radio, which feeds this chip's generator, stays off: " + str(error))


def _rp2040_memory():
    """The registers of an RP2040, or None elsewhere."""
    if "RP2040" not in getattr(sys.implementation, "_machine", ""):
        return None
    from machine import mem32  # only here: not every platform has it

    return mem32
