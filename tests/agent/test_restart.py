"""The end of the agent on a board: a log line, a growing pause and a reset, and no prompt."""

import os
import sys

# These imports come first because modules that are compiled within one another's imports exhaust
# a 32-bit interpreter's stack. A board has frozen modules and no such problem.
from countersign import messages  # noqa: F401
from countersign_agent.keys import keystore  # noqa: F401

from countersign_agent import restart  # isort: skip

CONFIG = "/tmp/countersign-restart-test-" + "".join(["%02x" % b for b in os.urandom(8)])


class Settings:
    """As far as restart.py reads a configuration."""

    provisioner_public_key = None
    device_id = None
    service_pin = None
    erase_on_service = False
    watchdog_s = 0


class Board:
    """A fake `machine`, `time` and the like for restart.py, which records their use. chip: the
    chip's own name for itself. took_ms: how long the agent runs. opens: at which turn of a pause
    the door opens; None for never. most_turns: after so many the test gives up waiting."""

    def __init__(self, chip="Raspberry Pi Pico with RP2040", took_ms=0):
        self.implementation = self
        self._machine = chip
        self.mem32 = {0x4005800C: 0x12345678, 0x400D800C: 0}
        self.done = []
        self.took_ms = took_ms
        self.settings = Settings()
        self.is_opened = False
        self.opens = None
        self.most_turns = None
        self.turns = 0
        self._now_ms = 0

    def ticks_ms(self):
        return self._now_ms

    def ticks_diff(self, later, earlier):
        return later - earlier

    def sleep_ms(self, duration_ms):
        self._now_ms += duration_ms

    def reset(self):
        self.done.append("reset")

    def print_exception(self, error, text):
        text.write('Traceback:\n  File "a.py", line 1, in f\nOops\n')

    def claim(self):
        self.done.append("Ctrl-C off")

    def release(self):
        self.done.append("prompt")

    def is_unfinished(self):
        return False

    def erase(self):
        self.done.append("erased")

    def print_json_line(self, event, **fields):
        self.said.append(dict(fields, event=event))

    # The door.
    def is_open(self):
        return self.is_opened

    def is_held(self):
        return False

    def open(self):
        self.done.append("door opened")

    def turn(self):
        self.turns += 1
        if self.turns == self.opens:
            raise restart.service.ServiceWanted
        if self.turns == self.most_turns:
            raise StillWaiting

    def run(self, outcome, has_config=True):
        """Call restart.run with an agent that ends in `outcome`: a return value or an exception."""

        def main(path, door, turn):
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
        kept = [(name, getattr(restart, name)) for name in _REPLACED]
        for name in _MODULES:
            setattr(restart, name, self)
        restart.main = main
        restart.load_config = lambda path: self.settings
        restart._door = lambda path, config: self
        self.done, self.said = [], []
        self.started_ms = self._now_ms
        try:
            restart.run(CONFIG)
        finally:
            for name, value in kept:
                setattr(restart, name, value)
            del sys.modules["machine"]
            if before is not None:
                sys.modules["machine"] = before
            if has_config:
                os.remove(CONFIG)

    def paused_ms(self):
        return self._now_ms - self.started_ms - self.took_ms


class StillWaiting(Exception):
    """The board waits for longer than the test does."""


_MODULES = ("sys", "time", "report", "serial_stream", "flash_files")
_REPLACED = _MODULES + ("main", "load_config", "_door")
FAULT = {
    "event": "restarting",
    "delay_ms": 5000,
    "error": "MemoryError",
    "why": "no memory",
    "where": 'File "a.py", line 1, in f',
}


def test_a_fault_is_said_in_one_line_and_leads_to_a_reset():
    board = Board()
    board.run(MemoryError("no memory"))
    assert board.said == [FAULT]
    assert board.done == ["Ctrl-C off", "reset"]
    assert board.paused_ms() == 5000


def test_no_end_of_the_agent_leads_to_the_prompt():
    for outcome in (2, KeyboardInterrupt(), SystemExit(), OSError(5), ValueError("a fault")):
        board = Board()
        board.run(outcome)
        assert board.done == ["Ctrl-C off", "reset"], outcome


def test_a_revoked_device_waits_in_silence():
    board = Board()
    board.most_turns = 10000
    try:
        board.run(0)
    except StillWaiting:
        assert (board.said, board.done) == ([], ["Ctrl-C off"])
        return
    raise AssertionError("it went on")


def test_a_device_that_must_not_start_tries_again_too():
    board = Board()
    board.run(2)
    assert board.said == [{"event": "restarting", "delay_ms": 5000}]


def test_the_pause_grows_to_its_bound():
    for chip in ("Raspberry Pi Pico with RP2040", "Raspberry Pi Pico 2 W with RP2350"):
        board = Board(chip)
        pauses = []
        for _ in range(12):
            board.run(2)
            pauses.append(board.paused_ms())
        assert pauses[:9] == [5000, 10000, 20000, 40000, 80000, 160000, 320000, 600000, 600000]
        assert set(pauses[8:]) == {restart.LONGEST_PAUSE_MS}
    assert restart.pause_ms(255) == restart.LONGEST_PAUSE_MS


def test_a_long_run_begins_the_count_anew():
    board = Board()
    for _ in range(3):
        board.run(2)
    board.took_ms = restart.LONGEST_PAUSE_MS
    board.run(2)
    assert board.paused_ms() == restart.FIRST_PAUSE_MS


def test_where_a_reset_leaves_nothing_the_pause_is_always_the_same():
    board = Board("Generic ESP32 module with ESP32")
    for _ in range(3):
        board.run(2)
        assert board.paused_ms() == restart.ONLY_PAUSE_MS
    assert board.mem32[0x4005800C] == 0x12345678


def test_the_door_opens_while_the_agent_runs_in_a_pause_and_after_a_revocation():
    for outcome, opens in ((restart.service.ServiceWanted(), None), (2, 3), (0, 7)):
        board = Board()
        board.opens = opens
        board.run(outcome)
        assert board.said[-1] == {"event": "service", "do": "let go of the button"}
        assert board.done == ["Ctrl-C off", "door opened", "reset"]


def test_an_open_door_gives_the_prompt_before_anything_else():
    board = Board()
    board.is_opened = True
    board.run(AssertionError("the agent ran"))
    assert board.said == [{"event": "service"}]
    assert board.done == ["Ctrl-C off", "prompt"]


def test_files_are_erased_before_the_prompt_where_the_settings_say_so():
    board = Board()
    board.is_opened = True
    board.settings.erase_on_service = True
    board.run(AssertionError("the agent ran"))
    assert board.done[:3] == ["Ctrl-C off", "erased", "reset"]


def test_a_board_without_configuration_is_no_device():
    board = Board()
    board.run(2, has_config=False)
    assert board.said == [{"event": "not_configured", "do": "countersign provision"}]
    assert board.done == ["prompt"]
