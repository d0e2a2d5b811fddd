"""Filters at the own broker: what an account that asks for too many brings about."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign import accounts
from countersign.carriers import kinds, topics
from countersign_gateway.ingress.mqtt import taken_out
from support.gateway.own_broker import broker_pid, enrolled, own_account
from support.gateway.raw_mqtt import (
    ACCEPTED,
    NOT_AUTHORISED,
    SUBSCRIBE,
    RawClient,
    connect_packet,
    packet,
    subscribe_packet,
    text,
)
from support.gateway.running_site import PATIENCE_S, SITE, RunningSite, running_site
from support.process_memory import resident_bytes

MIB = 1024 * 1024


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    with running_site(tmp_path, None) as running:
        yield running


def lobby(site: RunningSite, number: int) -> tuple[str, str]:
    assert site.site_account_key is not None
    name = f"{accounts.LOBBY}{number:02d}"
    return name, accounts.lobby_password(site.site_account_key, SITE)


def deep_filters(numbers: Iterator[int]) -> bytes:
    """A SUBSCRIBE of 3.6 kB. Each of its filters has 190 levels, and shares none with another."""
    body = b"\x00\x01"
    while len(body) < 3600:
        body += text("/".join([f"{next(numbers):x}", *["a"] * 189])) + b"\x00"
    return packet(SUBSCRIBE, body)


@pytest.mark.parametrize("who", ["device", "stranger"])
def test_many_deep_filters_cost_their_account_and_nobody_else(site, who):
    honest = site.connect(enrolled(site, "honest"))
    account = lobby(site, 3) if who == "stranger" else own_account(site, enrolled(site, "insider"))
    before = resident_bytes(broker_pid(site))
    raw = RawClient(site.address, connect_packet("any", account, clean=False))
    assert raw.code == ACCEPTED
    numbers = itertools.count()
    deadline_s = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < deadline_s:
            raw.send(deep_filters(numbers))
    except OSError:
        pass  # the broker ended the connection
    else:
        pytest.fail("it may go on")
    assert resident_bytes(broker_pid(site)) - before < 64 * MIB
    assert RawClient(site.address, connect_packet("any", account)).code == NOT_AUTHORISED
    assert honest.check_in() == "ACCEPTED"
    honest.close()
    assert site.events("broker_ended") == []
    (alarm,) = [one for one in site.events("alarm") if one["kind"] == "account_taken_out"]
    assert alarm["account"] == account[0]
    assert alarm["account"] in str(site.gateway.alarms.status())


def test_the_filters_of_an_agent_cost_it_nothing(site):
    device = enrolled(site, "one")
    account = own_account(site, device)
    raw = RawClient(site.address, connect_packet("any", account))
    down = [one.name for one in kinds.ALL if one.direction == kinds.DOWN]
    for end in ("+", *down):
        raw.send(subscribe_packet(topics.of_account(SITE, account[0], f"down/{end}")))
    for _ in range(300):
        raw.send(subscribe_packet(topics.beacon(SITE)))
    assert not raw.is_closed(1.0)
    raw.close()
    assert site.events("alarm") == []


def test_an_account_comes_back_after_its_time(site, monkeypatch):
    monkeypatch.setattr(taken_out, "FIRST_S", 1.0)
    device = enrolled(site, "one")
    raw = RawClient(site.address, connect_packet("any", own_account(site, device)))
    raw.send(subscribe_packet("#"))
    assert raw.is_closed(PATIENCE_S)
    packet_in = connect_packet("any", own_account(site, device))
    assert RawClient(site.address, packet_in).code == NOT_AUTHORISED
    deadline_s = time.monotonic() + PATIENCE_S
    while RawClient(site.address, packet_in).code != ACCEPTED:
        assert time.monotonic() < deadline_s, "it stays out"
        time.sleep(0.1)
    connected = site.connect(device)
    assert connected.check_in() == "ACCEPTED"
    connected.close()


def test_no_client_s_words_make_a_line_about_another(site):
    """The gateway acts on lines that quote clients, so a client must not be able to write one."""
    victim = enrolled(site, "victim")
    for number, mark in enumerate("\n\r\x0b\x1e\x7f\x85\u2028 "):
        forged = f"x{mark}{victim.device_id.hex()} 0 #"
        account = own_account(site, enrolled(site, f"insider {number}"))
        insider = RawClient(site.address, connect_packet("any", account))
        assert insider.code == ACCEPTED
        insider.send(subscribe_packet(forged))
        assert insider.is_closed(PATIENCE_S)
        # Whoever has no account chooses the name that the broker's refusal quotes.
        assert RawClient(site.address, connect_packet("any", (forged, "secret"))).code != ACCEPTED
        assert RawClient(site.address, connect_packet(forged)).code != ACCEPTED
    connected = site.connect(victim)
    assert connected.check_in() == "ACCEPTED"
    connected.close()
    named = [one.get("account") for one in site.events("alarm")]
    assert victim.device_id.hex() not in named
