"""The RP2040: whether this is one, and whether its source of randomness runs."""

from machine import mem32

from countersign_agent.keys.entropy import EntropyError

# RP2040 datasheet, 2.20: SYSINFO.PLATFORM, of which bit 1 says "a chip". Our emulator says no.
_PLATFORM = 0x40000004
_IS_CHIP = 2
# 2.17: ROSC.RANDOMBIT, the oscillator's output, sampled; all that this chip's urandom draws on.
_RANDOM_BIT = 0x4006001C
_SAMPLES = 256


def is_emulated() -> bool:
    """Whether the registers say that this is no chip."""
    return not mem32[_PLATFORM] & _IS_CHIP


def check_random() -> None:
    """Raises EntropyError if the ring oscillator stands still.

    MicroPython stretches even a constant bit into bytes that look random, and the same ones at
    every board.
    """
    first = mem32[_RANDOM_BIT]
    if all([mem32[_RANDOM_BIT] == first for _ in range(_SAMPLES)]):
        raise EntropyError("the ring oscillator stands still")
