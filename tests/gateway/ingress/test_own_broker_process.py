"""The process of the site's own broker: it is started, watched, started again, and ended."""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign import accounts
from countersign_gateway.ingress.mqtt import mosquitto_process, mosquitto_program, own_broker
from countersign_gateway.ingress.mqtt.account_book import CHECKERS, AccountBook
from countersign_gateway.ingress.mqtt.filter_watch import FilterWatch
from countersign_gateway.operations.log import EventLog
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.own_broker import broker_pid, enrolled, eventually, named
from support.gateway.running_site import SITE, RunningSite, running_site

MIB = 1024 * 1024
IDLE = """
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (2000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
idle = [socket.create_connection((sys.argv[1], int(sys.argv[2])), 20) for _ in range(1500)]
print(len(idle), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    with running_site(tmp_path, None) as running:
        yield running


def test_the_gateway_has_another_name_at_each_start(tmp_path):
    names = set()
    for _ in range(2):
        with running_site(tmp_path, None) as site:
            assert site.gateway.broker is not None
            way = site.gateway.broker.way()
            names.add(way.username)
            assert site.gateway.key.gateway_id.hex()[:8] not in way.username
            assert way.password not in site.log.getvalue()
            for file in (tmp_path / "broker").iterdir():
                if file.is_socket():
                    continue  # the folder is closed to others
                assert file.stat().st_mode & 0o077 == 0, file
                assert way.password not in file.read_text()
            assert (tmp_path / "broker").stat().st_mode & 0o077 == 0
    assert len(names) == 2


def test_a_broker_that_dies_is_started_again(site):
    device = enrolled(site, "one")
    os.kill(broker_pid(site), signal.SIGKILL)
    eventually(lambda: len(site.events("broker_listening")) == 2, "it stays dead")
    eventually(lambda: len(site.events("broker_connected")) == 2, "the gateway stays away")
    connected = site.connect(device)
    assert connected.check_in() == "ACCEPTED"
    connected.close()
    assert [event["status"] for event in site.events("broker_ended")] == [-signal.SIGKILL]
    assert site.gateway.broker.status()["restarts"] == 1


def test_a_broker_that_outgrows_its_memory_is_started_anew(site, monkeypatch):
    monkeypatch.setattr(own_broker, "MAX_RESIDENT_BYTES", MIB)
    eventually(lambda: site.events("broker_too_large"), "nobody looks")
    monkeypatch.setattr(own_broker, "MAX_RESIDENT_BYTES", 1024 * MIB)
    eventually(lambda: len(site.events("broker_connected")) == 2, "the gateway stays away")
    assert site.connect(named(site, "one")).enrol() == "ACCEPTED"


def test_it_ends_with_the_gateway(tmp_path):
    with running_site(tmp_path, None) as site:
        pid = broker_pid(site)
        assert Path(f"/proc/{pid}").exists()
    assert not Path(f"/proc/{pid}").exists()


def test_its_absence_is_one_sentence():
    with pytest.raises(mosquitto_program.MosquittoMissing, match="apt install mosquitto"):
        monkeyed = {"PATH": "/nowhere"}
        if Path("/usr/sbin/mosquitto").exists():
            pytest.skip("this machine has a Mosquitto of its own")
        mosquitto_program.mosquitto_program(monkeyed)
    named = {mosquitto_program.VARIABLE: "/a/loader --library-path '/b c' /d"}
    assert mosquitto_program.mosquitto_program(named) == [
        "/a/loader",
        "--library-path",
        "/b c",
        "/d",
    ]


def test_a_program_that_is_no_broker_is_said_in_one_sentence(tmp_path, monkeypatch):
    for command in ("/bin/false", "/nowhere/mosquitto", "/bin/sh -c 'echo Error: No. >&2; exit 1'"):
        monkeypatch.setenv(mosquitto_program.VARIABLE, command)
        with (
            pytest.raises(mosquitto_process.BrokerUnusable, match="does not start"),
            running_site(tmp_path, None),
        ):
            pass


def test_what_it_says_of_its_clients_is_not_passed_on(tmp_path):
    log = io.StringIO()
    broker = object.__new__(own_broker.OwnBroker)
    broker._log = EventLog(log)
    broker._watch = FilterWatch(SITE, frozenset())
    secret = "\x1b]0;evil"
    for line in (f"1: Warning: Client {secret} did that.", "2: Error: Out of memory."):
        broker._take_line(line, True)
    assert secret not in log.getvalue()
    assert "evil" not in log.getvalue()
    assert '"what":"memory_full"' in log.getvalue()


def test_ten_thousand_accounts_are_written_in_little_time():
    book = AccountBook(b"\x05" * 32, SITE)
    device = SimulatedDevice.named("one", bytes(32))
    devices = {number.to_bytes(32, "big"): device.public_key for number in range(10_000)}
    first = list(book.lines(devices, True))
    assert len(first) == 10_000 + len(CHECKERS) + accounts.LOBBIES
    begun_s = time.process_time()
    assert list(book.lines(devices, False)) == first[: -accounts.LOBBIES]
    assert time.process_time() - begun_s < 1.0  # nothing is computed again
    assert repr(book) == f"AccountBook(site={SITE!r})"
