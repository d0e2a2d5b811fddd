"""The agent joins Wi-Fi when it needs it, and every failure is a TransportError."""

import sys

from countersign_agent.hardware import wifi
from countersign_agent.transports.transport import TransportError
from support.agent.memory_site import Clock


class FakeNetwork:
    """A fake `network` module, as far as a station uses it. joins_after: polls until it joins."""

    STA_IF = 0

    def __init__(self, joins_after, fault=None):
        self.joins_after = joins_after
        self.fault = fault
        self.asked = 0
        self.calls = []

    def WLAN(self, interface):
        assert interface == self.STA_IF
        return self

    def active(self, on):
        self.calls.append("active" if on else "inactive")
        if not on:
            self.asked = 0

    def isconnected(self):
        self.asked += 1
        return self.asked > self.joins_after

    def disconnect(self):
        self.calls.append("disconnect")

    def connect(self, ssid, password):
        if self.fault is not None:
            raise OSError(self.fault)
        self.calls.append((ssid, password))

    def status(self):
        return 201


def station_of(said=None, join_ms=5000):
    def report(event, **fields):
        said.append((event, fields))

    clock = Clock()
    return wifi.Station("ward", "a password", join_ms, clock, report), clock


def join(network, join_ms=5000):
    station, clock = station_of(join_ms=join_ms)
    joined(network, station)
    return clock.now_ms()


def joined(network, station):
    before = sys.modules.get("network")
    sys.modules["network"] = network
    try:
        station.join()
    finally:
        del sys.modules["network"]
        if before is not None:
            sys.modules["network"] = before


def fails(network):
    try:
        join(network)
    except TransportError as error:
        assert "a password" not in str(error)
        return True
    return False


def test_it_joins_and_waits_until_it_has():
    network = FakeNetwork(joins_after=4)
    assert join(network) > 0
    assert network.calls == ["active", "disconnect", ("ward", "a password")]


def test_a_joined_network_is_left_alone():
    network = FakeNetwork(joins_after=0)
    assert join(network) == 0
    assert network.calls == ["active"]


def test_it_gives_up_in_time():
    assert fails(FakeNetwork(joins_after=10**6))


def test_what_the_driver_says_is_a_transport_error():
    assert fails(FakeNetwork(joins_after=3, fault=1))


def test_a_slow_join_has_the_time_that_the_settings_give_it():
    # 12 seconds, at a look each tenth of a second.
    assert fails(FakeNetwork(joins_after=120))
    assert join(FakeNetwork(joins_after=120), join_ms=30000) > 10000


def test_a_network_that_passes_nothing_is_left_and_joined_again():
    network = FakeNetwork(joins_after=0)
    said = []
    station, _ = station_of(said)
    for _ in range(wifi.RESET_AFTER):
        joined(network, station)
    assert "inactive" not in network.calls
    joined(network, station)
    assert network.calls.count("inactive") == 1
    assert said == [("wifi_reset", {"tries": wifi.RESET_AFTER})]
    for _ in range(wifi.RESET_AFTER):
        joined(network, station)
    assert network.calls.count("inactive") == 2


def test_a_network_that_works_is_never_left():
    network = FakeNetwork(joins_after=0)
    station, _ = station_of([])
    for _ in range(10 * wifi.RESET_AFTER):
        joined(network, station)
        station.worked()
    assert "inactive" not in network.calls
