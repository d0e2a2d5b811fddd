"""Runs the agent on a board, and resets the board if the agent ends by a fault.

A board's main.py calls `run`. After a fault the board prints one line, pauses, and resets. Each
pause is twice the last, up to a bound, because a start writes flash and a person who repairs the
board needs time. The count begins anew after a run that was longer than the longest pause, and
after the power was off.

`run` returns, and so gives the prompt, only on a board without configuration and for those whom the
door lets in (service.py). It does not return after a fault, in a pause, or after a revocation.
"""

import gc
import io
import os
import sys
import time

from countersign_agent import report, service
from countersign_agent.config import ConfigError, load_config
from countersign_agent.hardware import button, device, flash_files
from countersign_agent.hardware.clock import TicksClock
from countersign_agent.hardware.watchdog import Watchdog
from countersign_agent.main import main
from countersign_agent.transports import serial_stream

FIRST_PAUSE_MS = 5000
LONGEST_PAUSE_MS = 600000
# The pause on chips where no register that a program can write survives a reset.
ONLY_PAUSE_MS = 60000

# WATCHDOG.SCRATCH0 survives a software reset, and neither boot ROM nor MicroPython uses it:
# RP2040 datasheet, 4.7.6, and RP2350 datasheet, 12.9.7.
_SCRATCH = {"RP2040": 0x4005800C, "RP2350": 0x400D800C}
# This mark stands above the count, so that a random value is not taken for a count.
_MARK = 0xC5160000
_MOST_COUNTED = 0xFF
_ENOENT = 2
_LOOK_EVERY_MS = 100


def run(config_path: str) -> None:
    """Run the agent. Returns if the door is open, or if the board has no configuration yet.
    Resets the board otherwise."""
    if not _is_there(config_path):
        serial_stream.release()
        report.print_json_line("not_configured", do="countersign provision")
        return
    serial_stream.claim()
    try:
        config = load_config(config_path)
    except (ConfigError, OSError):
        config = None  # main says what is wrong with it
    door = _door(config_path, config)
    if door.is_open():
        _give_prompt(config)
        return
    started_ms = time.ticks_ms()
    turn = _turn(door, config)
    try:
        said, delay_ms = _run_agent(config_path, door, turn), None
        if said is not None:
            delay_ms = _next_pause_ms(time.ticks_diff(time.ticks_ms(), started_ms))
            report.print_json_line("restarting", delay_ms=delay_ms, **said)
        # A revoked device stays silent for good. Only the door and the power end that.
        _pause(delay_ms, turn)
    except service.ServiceWanted:
        report.print_json_line("service", do="let go of the button")
        # The boot loaders in ROM take a button that is held at a reset for a request to them.
        while door.is_held():
            time.sleep_ms(_LOOK_EVERY_MS)
        door.open()
    _machine().reset()


def pause_ms(faults: int) -> int:
    """How long to wait after that many faults in a row, the last one included."""
    return min(FIRST_PAUSE_MS << min(faults - 1, 16), LONGEST_PAUSE_MS)


def _turn(door, config):
    """What the agent does at each of its turns."""
    most_s = 0 if config is None else config.watchdog_s
    if not most_s or not hasattr(_machine(), "WDT"):
        return door.turn
    watchdog = Watchdog(most_s * 1000)

    def turn():
        watchdog.feed()
        door.turn()

    return turn


def _run_agent(config_path, door, turn):
    """What to say of the fault by which the agent ended. None if it was revoked."""
    try:
        return None if main(config_path, door, turn) == 0 else {}
    except service.ServiceWanted:
        raise
    except BaseException as error:  # noqa: BLE001 - the board reports any fault, then resets
        gc.collect()
        return {"error": type(error).__name__, "why": str(error), "where": _where(error)}


def _pause(delay_ms, turn):
    while delay_ms is None or delay_ms > 0:
        turn()
        time.sleep_ms(_LOOK_EVERY_MS)
        if delay_ms is not None:
            delay_ms -= _LOOK_EVERY_MS


def _door(config_path, config):
    clock = TicksClock()
    line = serial_stream.standard_line(clock)
    return service.Door(
        config_path,
        config and config.provisioner_public_key,
        config and config.device_id,
        button.find(config and config.service_pin),
        device.random_bytes,
        clock,
        report.print_json_line,
        line.read_some,
    )


def _give_prompt(config):
    if flash_files.is_unfinished() or config is not None and config.erase_on_service:
        report.print_json_line("erasing")
        flash_files.erase()
        _machine().reset()
    report.print_json_line("service")
    serial_stream.release()


def _machine():
    import machine  # only here: MicroPython as a process has no reset

    return machine


def _next_pause_ms(ran_ms):
    address = _scratch()
    if address is None:
        return ONLY_PAUSE_MS
    from machine import mem32

    value = mem32[address] & 0xFFFFFFFF
    is_ours = value & 0xFFFF0000 == _MARK and ran_ms < LONGEST_PAUSE_MS
    faults = min((value & _MOST_COUNTED if is_ours else 0) + 1, _MOST_COUNTED)
    mem32[address] = _MARK | faults
    return pause_ms(faults)


def _scratch():
    machine = getattr(sys.implementation, "_machine", "")
    for chip, address in _SCRATCH.items():
        if chip in machine:
            return address
    return None


def _is_there(path):
    try:
        os.stat(path)
    except OSError as error:
        return error.errno != _ENOENT
    return True


def _where(error):
    text = io.StringIO()
    sys.print_exception(error, text)
    lines = [line for line in text.getvalue().split("\n") if line.startswith("  File")]
    return lines[-1].strip() if lines else ""
