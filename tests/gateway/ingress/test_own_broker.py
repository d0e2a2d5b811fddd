"""The site's own broker: what its clients may not do, each as an attack on a running site."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign import accounts
from countersign.carriers import topics
from countersign_gateway.ingress.mqtt.account_book import CHECKERS, AccountBook
from countersign_gateway.model import Status
from support.gateway.own_broker import (
    Watcher,
    broker_pid,
    client,
    enrolled,
    eventually,
    named,
    own_account,
)
from support.gateway.raw_mqtt import (
    ACCEPTED,
    NOT_AUTHORISED,
    RawClient,
    connect_packet,
    publish_packet,
    subscribe_packet,
)
from support.gateway.running_site import PATIENCE_S, SITE, RunningSite, running_site
from support.process_memory import resident_bytes

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
    one = RawClient(site.address, connect_packet("any", own_account(site, stranger)))
    assert one.code == NOT_AUTHORISED
    assert site.connect(stranger).enrol() == "ACCEPTED"


def test_a_client_that_is_not_let_in_leaves_a_trace(site):
    stranger = named(site, "stranger")
    name, password = own_account(site, stranger)
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
        one = RawClient(site.address, connect_packet(client_id, own_account(site, thief)))
        assert one.code == ACCEPTED
        assert connected.check_in() == "ACCEPTED"
        one.close()
    assert site.events("broker_disconnected") == []
    assert len(site.events("broker_connected")) == 1
    connected.close()


def test_a_revoked_device_is_out_within_a_second_and_may_not_come_back(site):
    device = enrolled(site, "one")
    one = client(site, device)
    site.gateway.registry.set_status(device.device_id, Status.REVOKED)
    begun_s = time.monotonic()
    assert one.is_closed(PATIENCE_S)
    assert time.monotonic() - begun_s < 1.5
    again = RawClient(site.address, connect_packet("any", own_account(site, device)))
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
            site.address, connect_packet("any", own_account(site, device), will=(topic, b"false"))
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
        packet = connect_packet("any", own_account(site, device), keep_alive_s)
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
    for level, admitted in ((own, own_account(site, device)), (name, lobby)):
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
