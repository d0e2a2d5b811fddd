"""The RP2040: whether this is one, and whether its source of randomness runs."""

from machine import mem32

from countersign_agent.keys.entropy import EntropyError

# RP2040 datasheet, 2.20: bit 1 of SYSINFO.PLATFORM means "chip". Our emulator leaves it clear.
_PLATFORM = 0x40000004
_IS_CHIP = 2
# 2.17: ROSC.RANDOMBIT samples the ring oscillator. It is the only source of this chip's urandom.
_RANDOM_BIT = 0x4006001C
_SAMPLES = 256


def is_emulated() -> bool:
    """Whether the registers say that this is no chip."""
    return not mem32[_PLATFORM] & _IS_CHIP


def check_random() -> None:
    """Raise EntropyError if the ring oscillator stands still.

    MicroPython stretches even a constant bit into bytes that look random, but they are the same
    on every board.
    """
    first = mem32[_RANDOM_BIT]
    if all([mem32[_RANDOM_BIT] == first for _ in range(_SAMPLES)]):
        raise EntropyError("the ring oscillator stands still")
