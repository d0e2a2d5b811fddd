"""The agent switches the radio on before the first random byte, on chips whose generator needs it.

These tests use a fake chip. The code has never run on a real one."""

import os
import sys
import time

from countersign_agent.hardware import device
from countersign_agent.keys.entropy import EntropyError
from support.agent.memory_site import Storage
from support.agent.noise import Noise


class Chip:
    """A chip as device.py sees it: `sys`, `os`, `time` and MicroPython's `network`. It records the
    order of their use. fault: the exception that switching the radio on raises."""

    STA_IF = 0
    implementation = None

    def __init__(self, platform, fault=None):
        self.platform = platform
        self.events = []
        self._fault = fault
        self._noise = Noise(b"chip")

    def urandom(self, size):
        self.events.append("random")
        return self._noise.urandom(size)

    def ticks_us(self):
        return self._noise.ticks_us()

    def WLAN(self, interface):
        assert interface == self.STA_IF
        return self

    def active(self, on):
        if self._fault is not None:
            raise self._fault
        self.events.append("radio on" if on else "radio off")


class Watched(Storage):
    """A storage whose writes the chip records as events."""

    def __init__(self, chip):
        Storage.__init__(self)
        self._chip = chip

    def write(self, name, data):
        self._chip.events.append("write " + name)
        Storage.write(self, name, data)


def start(chip, storage, has_network=True):
    """device.start on this chip."""
    before = sys.modules.get("network")
    if has_network:
        sys.modules["network"] = chip
    device.sys = device.os = device.time = chip
    try:
        return device.start(storage)
    finally:
        device.sys, device.os, device.time = sys, os, time
        if has_network:
            del sys.modules["network"]
        if before is not None:
            sys.modules["network"] = before


def test_the_radio_is_on_before_the_first_byte_of_a_key():
    chip = Chip("esp32")
    store, _ = start(chip, Watched(chip))
    assert store.is_new
    drawn = chip.events.index("random")
    assert chip.events.index("radio on") < drawn < chip.events.index("write identity")
    # The radio stays on because it feeds the nonces too.
    assert "radio off" not in chip.events


def test_it_is_on_at_every_later_start_too():
    chip = Chip("esp32")
    storage = Watched(chip)
    start(chip, storage)
    chip.events = []
    store, _ = start(chip, storage)
    assert not store.is_new
    assert chip.events.index("radio on") < chip.events.index("random")


def test_without_the_radio_no_key_is_made():
    for fault in (OSError(1), RuntimeError("Wifi Unknown Error 0x0101")):
        chip = Chip("esp32", fault)
        storage = Watched(chip)
        assert refused(chip, storage)
        assert "random" not in chip.events
        assert "identity" not in storage.files
    chip = Chip("esp32")
    assert refused(chip, Watched(chip), has_network=False)


def test_other_chips_leave_their_radio_alone():
    chip = Chip("rp2")
    start(chip, Watched(chip))
    assert "radio on" not in chip.events


def refused(chip, storage, has_network=True):
    try:
        start(chip, storage, has_network)
    except EntropyError as error:
        return "radio" in str(error)
    return False
