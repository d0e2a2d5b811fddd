"""Runs the agent on a board, and resets the board if the agent ends by a fault.

A board's main.py calls `run`. After a fault the board prints one line, pauses, and resets. During
the pause Ctrl-C leads to the prompt. Each pause is twice the last, up to a bound, because a start
writes flash and a person who repairs the board needs time. The count begins anew after a run that
was longer than the longest pause, and after the power was off.
"""

import gc
import io
import os
import sys
import time

from countersign_agent import report
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


def run(config_path: str) -> None:
    """Run the agent. Returns if the agent was revoked or interrupted, or if the board has no
    configuration yet. Resets the board otherwise."""
    if not _is_there(config_path):
        serial_stream.release()
        report.print_json_line("not_configured", do="countersign provision")
        return
    started_ms = time.ticks_ms()
    said = {}
    try:
        if main(config_path) == 0:
            return
    except Exception as error:  # noqa: BLE001 - the board reports any fault, then resets
        gc.collect()
        said = {"error": type(error).__name__, "why": str(error), "where": _where(error)}
    serial_stream.release()  # however far the agent had come
    ran_ms = time.ticks_diff(time.ticks_ms(), started_ms)
    delay_ms = _next_pause_ms(ran_ms)
    report.print_json_line("restarting", delay_ms=delay_ms, **said)
    time.sleep_ms(delay_ms)

    import machine  # imported only here: MicroPython as a process has no such module

    machine.reset()


def pause_ms(faults: int) -> int:
    """How long to wait after that many faults in a row, the last one included."""
    return min(FIRST_PAUSE_MS << min(faults - 1, 16), LONGEST_PAUSE_MS)


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
