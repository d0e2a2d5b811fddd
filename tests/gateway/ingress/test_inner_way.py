"""The gateway's way into its own broker: nobody takes its place, and nobody fills it up."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from countersign_gateway.ingress.mqtt import broker_rules, own_broker
from countersign_gateway.ingress.mqtt.site_authority import create_authority
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.own_broker import broker_pid, eventually
from support.gateway.raw_mqtt import ACCEPTED, RawClient, connect_packet
from support.gateway.running_site import PATIENCE_S, SITE, running_site

TLS = 'authority_file = "authority.pem"\n'


def listening_ports(pid: int) -> set[int]:
    """The TCP ports of a process."""
    own = {os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1][-4:], 16) for row in rows if f"socket:[{row[9]}]" in own and row[3] == "0A"}


def bind_soon(port: int) -> socket.socket:
    thief = socket.socket()
    thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            thief.bind(("127.0.0.1", port))
        except OSError:
            assert time.monotonic() < deadline_s, "the port does not become free"
            time.sleep(0.003)
        else:
            thief.listen(8)
            thief.settimeout(3)
            return thief


@pytest.mark.parametrize("mqtt", ["", TLS], ids=["clear", "tls"])
def test_who_takes_a_port_of_the_broker_hears_nothing_of_the_gateway(tmp_path, mqtt):
    create_authority(tmp_path / "authority.pem", SITE)
    with running_site(tmp_path, None, mqtt=mqtt) as site:
        ports = listening_ports(broker_pid(site))
        assert ports == {site.address.port}
        os.kill(broker_pid(site), signal.SIGKILL)
        heard = b""
        with bind_soon(site.address.port) as thief:
            deadline_s = time.monotonic() + 3
            while time.monotonic() < deadline_s:
                try:
                    connection, _ = thief.accept()
                except TimeoutError:
                    break
                connection.settimeout(0.5)
                try:
                    heard += connection.recv(1000)
                except OSError:
                    pass
                connection.close()
        assert b"gateway-" not in heard
        eventually(lambda: len(site.events("broker_connected")) == 2, "the gateway stays away")


def test_each_process_of_the_broker_knows_the_gateway_by_another_account(tmp_path):
    with running_site(tmp_path, None) as site:
        broker = site.gateway.broker
        assert broker is not None
        first = broker.way()
        assert first is not None
        assert first.password not in repr(first)
        os.kill(broker_pid(site), signal.SIGKILL)
        eventually(lambda: len(site.events("broker_connected")) == 2, "the gateway stays away")
        second = broker.way()
        assert second is not None
        assert (second.username, second.password) != (first.username, first.password)
        stolen = (first.username, first.password)
        assert RawClient(site.address, connect_packet("any", stolen)).code != ACCEPTED
        device = SimulatedDevice.named("one", site.gateway.key.gateway_id)
        assert site.connect(device).enrol() == "ACCEPTED"


def test_there_is_no_way_while_no_process_of_ours_listens(tmp_path, monkeypatch):
    monkeypatch.setattr(own_broker, "BACKOFF_S", (2.0, 2.0))
    with running_site(tmp_path, None) as site:
        broker = site.gateway.broker
        assert broker is not None
        os.kill(broker_pid(site), signal.SIGKILL)
        eventually(lambda: site.events("broker_restarting"), "it does not notice")
        assert broker.way() is None
        eventually(lambda: broker.way() is not None, "it does not come back")


def test_the_folder_of_a_site_may_be_deep(tmp_path):
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    with running_site(deep, None) as site:
        assert len(site.events("broker_connected")) == 1


def test_silent_strangers_that_hold_all_connections_are_told_and_the_gateway_gets_in(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(broker_rules, "MAX_CONNECTIONS", 200)
    with running_site(tmp_path, None) as site, contextlib.ExitStack() as held:
        for _ in range(300):
            one = socket.create_connection((site.address.host, site.address.port))
            held.enter_context(one)
        eventually(lambda: site.events("alarm"), "no alarm")
        (alarm,) = site.events("alarm")
        assert (alarm["kind"], alarm["most"]) == ("connections_nearly_full", 200)
        site.gateway._mqtt._client.buffered_socket()._raw.shutdown(socket.SHUT_RDWR)
        eventually(lambda: len(site.events("broker_connected")) == 2, "the gateway is locked out")
        held.close()
        eventually(lambda: site.gateway.broker.status()["connections"] < 100, "they stay")
        assert len(site.events("alarm")) == 1
