"""Faults that happen in the field: of a sensor, of a network, of a broker. The agent goes on."""

import sys

from countersign_agent.agent import SHORT_SESSION_MS, SHORT_SESSIONS
from countersign_agent.exchanges import readings
from support.agent.memory_site import Clock
from support.agent.rig import INTERVAL_MS, Rig

from countersign_agent.hardware import watchdog  # isort: skip


class Bench:
    """A sensor whose answer a test sets, and a log."""

    def __init__(self, answer):
        self.answer = answer
        self.clock = Clock()
        self.events = []
        self.readings = readings.Readings(self.sense, self.clock, self.report)

    def sense(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def report(self, event, **fields):
        self.events.append((event, fields))

    def take(self):
        return self.readings.take()


def test_what_a_message_cannot_carry_is_left_out_and_said():
    for wrong in (
        {"t": 21.5},
        {"t": None},
        {"t": 1 << 31},
        {"t": -(1 << 31) - 1},
        {"t": True},
        {"t": "21"},
        {"grad\u00fc": 1},
        {"a\x1b[2J": 1},
        {"a\n": 1},
        {"": 1},
        {"x" * 24: 1},
        {7: 1},
        {None: 1},
        {b"t": 1},
    ):
        found = {"sound": 5}
        found.update(wrong)
        bench = Bench(found)
        assert bench.take() == {"sound": 5}, wrong
        ((event, fields),) = bench.events
        assert event == "reading_left_out"
        assert fields["count"] == 1
        assert "\x1b" not in fields["name"] and "\n" not in fields["name"]


def test_the_bounds_are_those_of_a_message():
    sound = {"x" * 23: (1 << 31) - 1, "~ a!": -(1 << 31)}
    bench = Bench(sound)
    assert bench.take() == sound
    assert bench.events == []


def test_of_more_than_16_the_same_ones_go_each_time():
    bench = Bench({"reading %02d" % number: number for number in range(20)})
    assert sorted(bench.take().values()) == list(range(16))
    assert sorted(bench.take().values()) == list(range(16))


def test_whatever_a_sensor_raises_leaves_a_message_without_readings():
    for fault in (OSError(5), MemoryError(), ValueError("x"), ZeroDivisionError()):
        bench = Bench(fault)
        assert bench.take() == {}
        ((event, fields),) = bench.events
        assert event == "reading_left_out"
        assert fields["why"].startswith(type(fault).__name__)
    for nothing in (None, 5, "text"):
        bench = Bench(nothing)
        assert bench.take() == {}
        assert bench.events


def test_a_sensor_that_fails_for_ever_does_not_fill_the_log():
    bench = Bench(OSError(5))
    for _ in range(1000):
        bench.take()
        bench.clock.ms += 100
    assert 2 <= len(bench.events) <= 3
    assert bench.events[1][1]["count"] > 100


def test_an_agent_with_a_broken_sensor_checks_in():
    rig = Rig()
    rig.agent._check_in._readings._sensors = lambda: {"t": 1.5, "door": 1}
    rig.run_until("verdict", 4)
    assert rig.gateway.received[-1][1].fields["readings"] == {"door": 1}
    assert len(rig.all("reading_left_out")) == 1


def test_a_beacon_that_stays_away_is_asked_for_and_then_a_new_session_is():
    rig = Rig()
    rig.run_until("verdict", 2)
    asked = []
    rig.transport.ask_beacon = lambda: asked.append(rig.clock.ms)
    check_in = rig.agent._check_in
    check_in._beacon = None
    rig.run_for(16 * INTERVAL_MS)
    missing = rig.all("beacon_missing")
    assert [fields["tries"] for fields in missing[:4]] == [1, 2, 3, 4]
    assert len(asked) == 3
    lost = rig.all("reconnecting")
    assert lost and lost[0]["why"] == "no beacon comes"
    # The new session brings the beacon.
    before = len(rig.all("verdict"))
    rig.run_until("verdict", before + 1)


def test_two_holders_of_one_name_reconnect_more_and_more_slowly_and_say_so():
    rig = Rig(reconnect_least_ms=100)
    rig.run_until("verdict", 2)
    delays = []
    for _ in range(10):
        verdicts = len(rig.all("verdict"))
        rig.run_until("verdict", verdicts + 1)
        cut(rig)
        delays.append(rig.all("reconnecting")[-1]["delay_ms"])
    assert max(delays[:SHORT_SESSIONS]) <= 200
    assert min(delays[-2:]) > 2000
    assert rig.all("session_contested")[-1]["count"] >= 8
    # A session that lasts is a good one again.
    rig.run_for(2 * SHORT_SESSION_MS)
    cut(rig)
    assert rig.all("reconnecting")[-1]["delay_ms"] <= 200


def cut(rig):
    """End the device's session, as a second holder of its name does."""
    rig.broker.is_up = False
    rig.run_until("reconnecting", len(rig.all("reconnecting")) + 1)
    rig.broker.is_up = True


class Chip:
    """A fake `machine` with a watchdog and a timer, and the time for watchdog.py."""

    def __init__(self, platform):
        self.platform = platform
        self.ms = 0
        self.fed = []
        self.timer = None
        # MicroPython imports no bound method from an object.
        self.WDT = lambda timeout: self.made(timeout)
        self.Timer = lambda period, callback: self.timed(period, callback)

    def made(self, timeout):
        self.timeout = timeout
        return self

    def feed(self):
        self.fed.append(self.ms)

    def timed(self, period, callback):
        self.timer = callback
        self.period = period
        return self

    def ticks_ms(self):
        return self.ms

    def ticks_diff(self, later, earlier):
        return later - earlier

    def start(self, most_ms):
        before = sys.modules.get("machine")
        kept = watchdog.sys, watchdog.time
        sys.modules["machine"] = self
        watchdog.sys = watchdog.time = self
        try:
            return watchdog.Watchdog(most_ms)
        finally:
            watchdog.sys = kept[0]
            self.restore = kept[1]
            del sys.modules["machine"]
            if before is not None:
                sys.modules["machine"] = before


def test_a_short_hardware_watchdog_is_fed_while_turns_are_recent():
    chip = Chip("rp2")
    try:
        dog = chip.start(20000)
        assert chip.timeout <= 8388
        assert chip.period < chip.timeout
        for second in range(60):
            chip.ms = second * 1000
            if second == 10:
                dog.feed()
            chip.timer(None)
        # A turn at the tenth second, and none later: it is fed until the thirtieth.
        assert chip.fed[-1] == 29000
    finally:
        watchdog.time = chip.restore


def test_elsewhere_the_hardware_waits_by_itself():
    chip = Chip("esp32")
    try:
        dog = chip.start(120000)
        assert (chip.timeout, chip.timer) == (120000, None)
        dog.feed()
        assert chip.fed == [0]
    finally:
        watchdog.time = chip.restore
