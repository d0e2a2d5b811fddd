"""How the figures of boards are computed. No board runs in these tests."""

import json

import pytest

from countersign.carriers import framing, kinds
from countersign_cli import cli
from countersign_workshop.bench_boards import figures, soak, trend, wear
from countersign_workshop.bench_boards.heard import CheckIn, Erase, Heard, NotAsSaid, replayed
from countersign_workshop.simulation.simulated_device import SimulatedDevice

SETTLED = 300


class Record:
    """A board's record of itself, written by hand."""

    def __init__(self):
        self.device = SimulatedDevice.named("board", bytes(32))
        self.lines = []
        self.sequence = 0

    def say(self, data, at_ms):
        # USB delivers the bytes in pieces, too.
        for begin in range(0, len(data), 64):
            piece = data[begin : begin + 64].hex()
            self.lines.append(json.dumps({"said": piece, "on": "usb", "ms": at_ms}))

    def event(self, at_ms, **fields):
        self.say(json.dumps(fields).encode() + b"\r\n", at_ms)

    def evidence(self, counter, heap_free, at_ms, times=1):
        readings = {"heap_free": heap_free} if heap_free is not None else {}
        payload = self.device.evidence(bytes(32), counter=counter, readings=readings)
        for _ in range(times):
            self.sequence += 1
            frame = framing.Frame(
                kinds.EVIDENCE.frame, 7, self.sequence, 0, self.device.device_id, payload
            )
            self.say(framing.encode(frame), at_ms)

    def erase(self, offset, count):
        self.lines.append(json.dumps({"erase": count, "offset": offset}))


def test_a_record_gives_check_ins_verdicts_and_erases_in_the_boards_time():
    record = Record()
    record.event(900.5, event="started", engine="native")
    record.erase(0x100000, 4096)
    record.evidence(1, 180_000, 1000.25, times=2)
    record.event(1100, event="verdict", message="enrol_proof", allow=True)
    record.event(1200, event="verdict", message="evidence", allow=True)
    record.erase(0x101000, 8192)
    record.lines.append(json.dumps({"program": "00", "offset": 0}))
    record.lines.append(json.dumps({"said": "00", "on": "uart1", "ms": 1250}))
    record.evidence(2, 179_000, 1300)
    heard = replayed(record.lines)
    assert heard.started_ms == 900.5
    assert heard.check_ins == [CheckIn(1, 180_000, 1000.25), CheckIn(2, 179_000, 1300)]
    assert heard.verified_ms == [1200]
    assert heard.erases == [Erase(0x100, 0), Erase(0x101, 1), Erase(0x102, 1)]
    assert not heard.troubles


def test_trouble_is_counted():
    record = Record()
    record.event(1, event="verdict", message="evidence", allow=False)
    record.event(2, event="timed_out", message="evidence")
    record.event(3, event="timed_out", message="evidence")
    record.event(4, event="stopped", reason="INTERRUPTED")
    heard = replayed(record.lines)
    assert heard.troubles == {"denied": 1, "timed_out": 2}
    assert heard.verified_ms == []


def test_evidence_without_the_reading_is_no_sample():
    record = Record()
    record.evidence(1, None, 0)
    with pytest.raises(NotAsSaid, match="heap_free"):
        replayed(record.lines)


def test_the_trend_is_that_of_the_whole_run_and_noise_is_none():
    assert trend.rise([5, 5, 5]) == 0
    assert trend.rise([0, -10, -20, -30]) == pytest.approx(-30)
    assert trend.rise([100, 0] * 50) == pytest.approx(0, abs=3.1)
    with pytest.raises(ValueError, match="two samples"):
        trend.rise([1])


def test_wear_is_that_of_the_check_ins_asked_for():
    erases = [Erase(1, 0), Erase(1, 1), Erase(2, 1), Erase(1, 9), Erase(3, 10)]
    worn = wear.between(erases, 1, 10)
    assert (worn.check_ins, worn.erases, worn.sectors, worn.worst) == (9, 3, 2, 2)
    assert wear.between([], 0, 5).years_if_one_sector is None


def test_years_are_those_of_the_rating():
    """A hundred thousand cycles last 69 days at one erase a check-in and one check-in a minute."""
    worn = wear.Wear(check_ins=1000, erases=1000, sectors=4, worst=250)
    assert worn.years_if_one_sector == pytest.approx(100_000 / (60 * 24 * 365.25))
    assert worn.years_of_worst_sector == pytest.approx(4 * worn.years_if_one_sector)


def run_of(free, erases=()):
    heard = Heard()
    heard.check_ins = [CheckIn(n, free(n), n) for n in range(SETTLED + 1)]
    heard.erases = list(erases)
    return soak.judge(heard, SETTLED, True)


def test_a_run_that_is_flat_passes():
    result = run_of(lambda n: 180_000 + 16 * (n % 7) - (0 if n > 64 else 64 - n))
    assert result["faults"] == []
    assert result["heap"]["warm_up_check_ins"] == 100
    assert result["flash"]["years_if_one_sector"] is None


def test_a_leak_of_one_block_each_check_in_is_found():
    (fault,) = run_of(lambda n: 180_000 - 16 * n)["faults"]
    assert fault == "free memory falls by 3184 bytes over the run"


def test_an_erase_each_check_in_is_too_many():
    (fault,) = run_of(lambda _: 1, [Erase(9, n) for n in range(SETTLED + 1)])["faults"]
    assert fault == "the flash may last 0.2 years, wanted are 10"


def test_a_run_that_is_short_or_troubled_fails():
    heard = Heard()
    heard.check_ins = [CheckIn(n, 1, n) for n in range(SETTLED)]
    heard.troubles["reconnecting"] = 1
    assert soak.judge(heard, SETTLED, False)["faults"] == [
        "299 check-ins were seen of 300",
        "there was trouble: {'reconnecting': 1}",
    ]


def test_what_is_wanted_of_a_pico_is_told_where_it_is_missed():
    reached = {"heap_free_bytes": 150_000, "boot_to_verified_ms": 1_500, "erases_per_1000": 4}
    assert figures.missed(reached) == []
    assert figures.missed({**reached, "heap_free_bytes": 149_999}) == [
        "heap_free_bytes is 149999, wanted at least 150000"
    ]
    assert figures.missed({**reached, "erases_per_1000": 4.1}) == [
        "erases_per_1000 is 4.1, wanted at most 4"
    ]


def test_commands_refuse_counts_that_tell_nothing(capsys):
    assert cli.main(["soak", "--check-ins", "199"]) == 2
    assert cli.main(["bench-boards", "--boots", "0"]) == 2
    assert capsys.readouterr().err == (
        "soak: --check-ins is 200 or more\nbench-boards: --check-ins and --boots are 1 or more\n"
    )
