"""The end of the agent on a board: a log line, a growing pause and a reset, or the prompt."""

import os
import sys
import time

# These imports come first because modules that are compiled within one another's imports exhaust
# a 32-bit interpreter's stack. A board has frozen modules and no such problem.
from countersign import messages  # noqa: F401
from countersign_agent.keys import keystore  # noqa: F401

from countersign_agent import restart  # isort: skip

CONFIG = "/tmp/countersign-restart-test-" + "".join(["%02x" % b for b in os.urandom(8)])


class Board:
    """A fake `machine`, `time` and the like for restart.py, which records their use. chip: the
    chip's own name for itself. took_ms: how long the agent runs."""

    def __init__(self, chip="Raspberry Pi Pico with RP2040", took_ms=0):
        self.implementation = self
        self._machine = chip
        self.mem32 = {0x4005800C: 0x12345678, 0x400D800C: 0}
        self.done = []
        self.took_ms = took_ms
        self._now_ms = 0

    def ticks_ms(self):
        return self._now_ms

    def ticks_diff(self, later, earlier):
        return later - earlier

    def sleep_ms(self, duration_ms):
        self.done.append(duration_ms)

    def reset(self):
        self.done.append("reset")

    def print_exception(self, error, text):
        text.write('Traceback:\n  File "a.py", line 1, in f\nOops\n')

    def release(self):
        self.done.append("Ctrl-C given back")

    def print_json_line(self, event, **fields):
        self.said = dict(fields, event=event)

    def run(self, outcome, has_config=True):
        """Call restart.run with an agent that ends in `outcome`: a return value or an exception."""

        def main(path):
            assert path == CONFIG
            self._now_ms += self.took_ms
            if isinstance(outcome, int):
                return outcome
            raise outcome

        if has_config:
            with open(CONFIG, "w"):
                pass
        before = sys.modules.get("machine")
        sys.modules["machine"] = self
        restart.sys = restart.time = restart.report = restart.serial_stream = self
        restart_main, restart.main = restart.main, main
        self.done, self.said = [], None
        try:
            restart.run(CONFIG)
        finally:
            restart.sys, restart.time = sys, time
            restart.report, restart.serial_stream = report, serial_stream
            restart.main = restart_main
            del sys.modules["machine"]
            if before is not None:
                sys.modules["machine"] = before
            if has_config:
                os.remove(CONFIG)


report, serial_stream = restart.report, restart.serial_stream


def test_a_fault_is_said_in_one_line_and_leads_to_a_reset():
    board = Board()
    board.run(MemoryError("no memory"))
    assert board.said == {
        "event": "restarting",
        "delay_ms": 5000,
        "error": "MemoryError",
        "why": "no memory",
        "where": 'File "a.py", line 1, in f',
    }
    assert board.done == ["Ctrl-C given back", 5000, "reset"]


def test_a_device_that_must_not_start_tries_again_too():
    board = Board()
    board.run(2)
    assert board.said == {"event": "restarting", "delay_ms": 5000}
    assert board.done == ["Ctrl-C given back", 5000, "reset"]


def test_the_pause_grows_to_its_bound():
    for chip in ("Raspberry Pi Pico with RP2040", "Raspberry Pi Pico 2 W with RP2350"):
        board = Board(chip)
        pauses = []
        for _ in range(300):
            board.run(2)
            pauses.append(board.done[1])
        assert pauses[:9] == [5000, 10000, 20000, 40000, 80000, 160000, 320000, 600000, 600000]
        assert set(pauses[8:]) == {restart.LONGEST_PAUSE_MS}


def test_a_long_run_begins_the_count_anew():
    board = Board()
    for _ in range(3):
        board.run(2)
    board.took_ms = restart.LONGEST_PAUSE_MS
    board.run(2)
    assert board.done[1] == restart.FIRST_PAUSE_MS


def test_where_a_reset_leaves_nothing_the_pause_is_always_the_same():
    board = Board("Generic ESP32 module with ESP32")
    for _ in range(3):
        board.run(2)
        assert board.done == ["Ctrl-C given back", restart.ONLY_PAUSE_MS, "reset"]
    assert board.mem32[0x4005800C] == 0x12345678


def test_who_interrupts_gets_the_prompt():
    board = Board()
    try:
        board.run(KeyboardInterrupt())
    except KeyboardInterrupt:
        assert board.done == []
        return
    raise AssertionError("Ctrl-C was swallowed")


def test_revoked_and_interrupted_agents_stay_ended():
    board = Board()
    board.run(0)
    assert (board.said, board.done) == (None, [])


def test_a_board_without_configuration_is_no_device():
    board = Board()
    board.run(2, has_config=False)
    assert board.said == {"event": "not_configured", "do": "countersign provision"}
    assert board.done == ["Ctrl-C given back"]
