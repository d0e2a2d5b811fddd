"""The site's own broker: what its clients may not do, each as an attack on a running site."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from countersign import accounts
from countersign.carriers import topics
from countersign_gateway.ingress.mqtt import mosquitto_process, mosquitto_program, own_broker
from countersign_gateway.ingress.mqtt.account_book import CHECKERS, AccountBook
from countersign_gateway.ingress.mqtt.filter_watch import FilterWatch
from countersign_gateway.model import Status
from countersign_gateway.operations.log import EventLog
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.raw_mqtt import (
    ACCEPTED,
    NOT_AUTHORISED,
    RawClient,
    connect_packet,
    publish_packet,
    subscribe_packet,
)
from support.gateway.running_site import PATIENCE_S, SITE, RunningSite, running_site

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


def named(site: RunningSite, name: str) -> SimulatedDevice:
    return SimulatedDevice.named(name, site.gateway.key.gateway_id)


def account(site: RunningSite, device: SimulatedDevice) -> tuple[str, str]:
    assert site.site_account_key is not None
    return device.broker_account(site.site_account_key, SITE)


def enrolled(site: RunningSite, name: str) -> SimulatedDevice:
    """A device that the site knows, with no connection."""
    device = named(site, name)
    connected = site.connect(device)
    assert connected.enrol() == "ACCEPTED"
    connected.close()
    return device


def client(site: RunningSite, device: SimulatedDevice, **more: object) -> RawClient:
    one = RawClient(site.address, connect_packet("any", account(site, device), **more))  # type: ignore[arg-type]
    assert one.code == ACCEPTED
    return one


def eventually(holds: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.02)


class Watcher:
    """What the account that reads everything sees."""

    def __init__(self, site: RunningSite) -> None:
        self.seen: list[paho.MQTTMessage] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        self._client.username_pw_set(*site.watcher())
        self._client.on_connect = lambda one, *_: one.subscribe(f"{topics.ROOT}{SITE}/#", 1)
        self._client.on_message = lambda _client, _data, message: self.seen.append(message)
        self._client.connect(site.address.host, site.address.port)
        self._client.loop_start()
        eventually(lambda: self.on(topics.beacon(SITE)), "no beacon")

    def on(self, topic: str) -> list[bytes]:
        return [bytes(message.payload) for message in self.seen if message.topic == topic]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def broker_pid(site: RunningSite) -> int:
    broker = site.gateway.broker
    assert broker is not None and broker._process is not None
    return broker._process.pid


def resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


# Who gets in ---------------------------------------------------------------------------------


def test_nobody_is_anonymous_and_no_password_is_guessed(site):
    gateway = site.gateway.broker
    assert gateway is not None
    known = accounts.username(enrolled(site, "one").device_id)
    own = gateway.way().username
    for wrong in (None, ("", ""), (own, "guess"), ("gateway", "gateway"), (known, "")):
        one = RawClient(site.address, connect_packet("any", wrong))
        assert one.code in (NOT_AUTHORISED, None), wrong
        one.close()


def test_a_device_without_an_account_gets_in_by_the_lobby_alone(site):
    stranger = named(site, "stranger")
    one = RawClient(site.address, connect_packet("any", account(site, stranger)))
    assert one.code == NOT_AUTHORISED
    assert site.connect(stranger).enrol() == "ACCEPTED"


def test_a_client_that_is_not_let_in_leaves_a_trace(site):
    stranger = named(site, "stranger")
    name, password = account(site, stranger)
    for client_id in ("any", name):
        RawClient(site.address, connect_packet(client_id, (name, password))).close()
    broker = site.gateway.broker
    assert broker is not None
    deadline_s = time.monotonic() + PATIENCE_S
    while broker.status()["refused"] < 2 and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert broker.status()["refused"] == 2
    last = site.events("broker_refused_client")[-1]
    assert last["device_id"] == name
    assert last["why"].startswith("code 5: not admitted")


def test_the_client_id_of_another_takes_no_session_over(site):
    broker = site.gateway.broker
    assert broker is not None
    victim, thief = enrolled(site, "victim"), enrolled(site, "thief")
    connected = site.connect(victim)
    for client_id in (broker.way().username, "gateway", accounts.username(victim.device_id)):
        one = RawClient(site.address, connect_packet(client_id, account(site, thief)))
        assert one.code == ACCEPTED
        assert connected.check_in() == "ACCEPTED"
        one.close()
    assert site.events("broker_disconnected") == []
    assert len(site.events("broker_connected")) == 1
    connected.close()


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


def test_a_revoked_device_is_out_within_a_second_and_may_not_come_back(site):
    device = enrolled(site, "one")
    one = client(site, device)
    site.gateway.registry.set_status(device.device_id, Status.REVOKED)
    begun_s = time.monotonic()
    assert one.is_closed(PATIENCE_S)
    assert time.monotonic() - begun_s < 1.5
    again = RawClient(site.address, connect_packet("any", account(site, device)))
    assert again.code == NOT_AUTHORISED


def test_a_revoked_device_is_told_so_in_the_lobby(site):
    device = enrolled(site, "one")
    site.gateway.registry.set_status(device.device_id, Status.REVOKED)
    eventually(lambda: site.gateway.broker.status()["accounts"] == 0, "it keeps its account")
    assert site.connect(device).enrol() == "REVOKED"


# What a client may say, and hear ---------------------------------------------------------------


def test_a_device_writes_under_its_own_name_alone(site):
    one, other = enrolled(site, "one"), enrolled(site, "other")
    watcher = Watcher(site)
    beacon = watcher.on(topics.beacon(SITE))
    raw = client(site, one)
    foreign = [
        topics.beacon(SITE),
        topics.uplink(SITE, other.device_id, "evidence"),
        topics.uplink(SITE, other.device_id, "enrol"),
        topics.presence(SITE, other.device_id),
        topics.downlink(SITE, one.device_id, "result"),
        topics.downlink(SITE, other.device_id, "error"),
        topics.uplink(SITE, one.device_id, "more"),
        topics.uplink("other", one.device_id, "evidence"),
        "$SYS/broker/uptime",
        "anything",
    ]
    for number, topic in enumerate(foreign, 1):
        raw.send(publish_packet(topic, b"x", True, number))
    own = topics.presence(SITE, one.device_id)
    raw.send(publish_packet(own, b"last", False, 99))
    eventually(lambda: watcher.on(own), "its own topic is refused")
    for topic in foreign:
        assert watcher.on(topic) == (beacon if topic == topics.beacon(SITE) else []), topic
    watcher.close()
    late = Watcher(site)
    assert late.on(topics.beacon(SITE)) == beacon
    late.close()


def test_a_device_hears_its_own_answers_alone(site, tmp_path):
    """A checker has a device's rights, and may ask for more than a device may."""
    other = enrolled(site, "other")
    book = AccountBook.from_file(tmp_path / "site_account.key", SITE)
    checker = (CHECKERS[0], book.checker_password())
    raw = RawClient(site.address, connect_packet("any", checker))
    assert raw.code == ACCEPTED
    for topic in ("#", f"{topics.ROOT}{SITE}/+/down/+", f"{topics.ROOT}{SITE}/+/up/+"):
        raw.send(subscribe_packet(topic))
    connected = site.connect(other)
    assert connected.check_in() == "ACCEPTED"
    connected.close()
    assert accounts.username(other.device_id).encode() not in raw.received(1.0)


def test_the_beacon_goes_to_those_alone_who_asked_for_it(site):
    raw = client(site, enrolled(site, "one"))
    site.gateway._publisher.publish()
    assert raw.received(1.0) == b""


def test_a_will_on_the_beacon_has_no_effect(site):
    device = enrolled(site, "one")
    for topic in (topics.beacon(SITE), topics.presence(SITE, b"\x05" * 32)):
        watcher = Watcher(site)
        beacon = watcher.on(topics.beacon(SITE))
        raw = RawClient(
            site.address, connect_packet("any", account(site, device), will=(topic, b"false"))
        )
        raw.close()  # without DISCONNECT
        own = topics.presence(SITE, device.device_id)
        last = client(site, device, will=(own, b"gone"))
        last.close()
        eventually(lambda watcher=watcher, own=own: watcher.on(own), "no will at all")
        assert b"false" not in [bytes(message.payload) for message in watcher.seen]
        assert watcher.on(topics.beacon(SITE)) == beacon
        watcher.close()


def test_a_second_connect_ends_the_connection_and_lifts_no_rights(site):
    broker = site.gateway.broker
    assert broker is not None
    device = enrolled(site, "one")
    watcher = Watcher(site)
    raw = client(site, device)
    raw.send(
        connect_packet(broker.way().username, (broker.way().username, "guess"))
        + publish_packet(topics.beacon(SITE), b"false", True)
    )
    assert raw.is_closed(PATIENCE_S)
    assert b"false" not in watcher.on(topics.beacon(SITE))
    watcher.close()


def test_a_packet_that_is_too_long_is_refused_by_its_head(site):
    raw = client(site, enrolled(site, "one"))
    raw.send(b"\x30\xff\xff\xff\x7f")  # a PUBLISH of 268,435,455 bytes, none of which is sent
    assert raw.is_closed(PATIENCE_S)


def test_a_stranger_cannot_draw_the_answers_of_another_device(site):
    """It names the device in the lobby, and the device still gets its own answers."""
    victim = enrolled(site, "victim")
    connected = site.connect(victim)
    assert connected.check_in() == "ACCEPTED"
    assert site.site_account_key is not None
    name = accounts.lobby_username(victim.device_id)
    password = accounts.lobby_password(site.site_account_key, SITE)
    stranger = RawClient(site.address, connect_packet(name, (name, password)))
    assert stranger.code == ACCEPTED
    forged = named(site, "stranger").request(device_id=victim.device_id)
    stranger.send(publish_packet(topics.of_account(SITE, name, "up/enrol"), forged, False, 1))
    eventually(lambda: site.gateway.tally.refused.get("WRONG_KEY"), "not refused")
    assert connected.check_in() == "ACCEPTED"
    connected.close()


# What costs others nothing ---------------------------------------------------------------------


def test_idle_connections_lock_nobody_out(site):
    device = enrolled(site, "one")
    # In a process of their own: paho's loop takes no descriptor above 1,023.
    holder = subprocess.Popen(
        [sys.executable, "-c", IDLE, site.address.host, str(site.address.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None and holder.stdin is not None
    try:
        assert holder.stdout.readline() == b"1500\n"
        connected = site.connect(device)
        assert connected.check_in() == "ACCEPTED"
        connected.close()
    finally:
        holder.stdin.close()
        assert holder.wait(PATIENCE_S) == 0


@pytest.mark.slow
def test_a_connection_that_says_nothing_is_closed(site):
    silent = socket.create_connection((site.address.host, site.address.port))
    half = socket.create_connection((site.address.host, site.address.port))
    half.sendall(b"\x10")
    for one in (silent, half):
        one.settimeout(120)
        assert one.recv(1) == b""


def test_keep_alive_is_enforced_so_presence_becomes_offline(site):
    device = enrolled(site, "one")
    own = topics.presence(SITE, device.device_id)
    watcher = Watcher(site)
    raw = client(site, device, keep_alive_s=1, will=(own, b"offline"))
    raw.send(publish_packet(own, b"online", True))
    eventually(lambda: watcher.on(own) == [b"online", b"offline"], "it stays online")
    raw.close()
    watcher.close()


def test_no_client_goes_without_a_keep_alive(site):
    device = enrolled(site, "one")
    for keep_alive_s in (0, 65535):
        packet = connect_packet("any", account(site, device), keep_alive_s)
        assert RawClient(site.address, packet).code not in (ACCEPTED, NOT_AUTHORISED)


def test_the_longest_keep_alive_of_an_agent_ends_no_session(site):
    """Mosquitto 2.0.11 ends a client whose keep-alive is as long as the broker allows."""
    devices = [enrolled(site, str(number)) for number in range(4)]
    clients = [client(site, device, keep_alive_s=3600) for device in devices]
    deadline_s = time.monotonic() + 3
    number = 0
    while time.monotonic() < deadline_s:
        for one, device in zip(clients, devices, strict=True):
            number += 1
            topic = topics.uplink(SITE, device.device_id, "evidence")
            one.send(publish_packet(topic, bytes(200), False, number % 65535 + 1))
    assert [one.is_closed(0.5) for one in clients] == [False] * 4
    for one in clients:
        one.close()


def test_a_device_that_reboots_while_its_old_connection_is_half_open_is_served(site):
    device = enrolled(site, "one")
    halves = []
    for _ in range(10):
        halves.append(client(site, device, clean=False))  # nobody reads or closes it
        connected = site.connect(device)
        assert connected.check_in() == "ACCEPTED"
        halves.append(connected)
    for half in halves:
        half.close()


def test_retained_garbage_is_bounded(site):
    device = enrolled(site, "one")
    stranger = named(site, "stranger")
    assert site.site_account_key is not None
    name = accounts.lobby_username(stranger.device_id)
    lobby = (name, accounts.lobby_password(site.site_account_key, SITE))
    before = resident_bytes(broker_pid(site))
    own = accounts.username(device.device_id)
    for level, admitted in ((own, account(site, device)), (name, lobby)):
        raw = RawClient(site.address, connect_packet("any", admitted))
        assert raw.code == ACCEPTED
        for number in range(6000):
            tail = ("presence", "up/evidence", f"up/{number}", f"{number}/up/enrol")[number % 4]
            for start in (level, f"{number:064x}"):
                topic = topics.of_account(SITE, start, tail)
                raw.send(publish_packet(topic, bytes(2000), True))
        raw.close()
    connected = site.connect(device)
    assert connected.check_in() == "ACCEPTED"
    connected.close()
    watcher = Watcher(site)
    time.sleep(0.5)
    # The beacon, and of each account the few topics that it may write.
    assert len({message.topic for message in watcher.seen if message.retain}) <= 1 + 2 * 3
    watcher.close()
    assert resident_bytes(broker_pid(site)) - before < 40 * MIB


# The program -----------------------------------------------------------------------------------


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
