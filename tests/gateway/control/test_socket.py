"""The control socket of a running gateway: whose it is, and what it survives."""

from __future__ import annotations

import json
import socket
import stat
import threading
import time

import pytest

from countersign_gateway.control import address, client, server, strict_json, wire
from countersign_gateway.control.client import NotDone
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.running_site import PATIENCE_S, running_site, settings

APPROVE = 'enrolment = "approve"'


@pytest.fixture
def site(tmp_path):
    # As deep as a site's folder may be: longer than the path of a socket.
    folder = tmp_path / ("a" * 60) / ("b" * 60)
    folder.mkdir(parents=True)
    (folder / "gateway.toml").write_text(settings(None, policy=APPROVE))
    with running_site(folder, None, policy=APPROVE) as running:
        yield folder, running


def wait_until(holds) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def raw(folder, data: bytes) -> bytes:
    """What the gateway answers to these bytes."""
    with address.connect(folder / address.FOLDER) as connection:
        connection.settimeout(20)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    return answer


def test_only_the_gateways_user_may_open_it(site):
    folder, _ = site
    control = folder / "control"
    assert stat.S_IMODE(control.stat().st_mode) == 0o700
    assert stat.S_IMODE((control / "gateway.sock").stat().st_mode) == 0o600


def test_another_user_is_refused_though_it_holds_the_socket(site, monkeypatch):
    folder, running = site
    monkeypatch.setattr(server.os, "geteuid", lambda: 4242)
    monkeypatch.setattr(server, "_caller", lambda _: server.Caller(4243, 1))
    reply = json.loads(raw(folder, b'{"act": "list", "arguments": {}}\n'))
    assert reply == {"ok": False, "fault": "this user may not act here"}
    assert running.events("act_refused")[0]["uid"] == 4243


def test_an_act_takes_effect_on_the_running_gateway(site):
    folder, running = site
    config = folder / "gateway.toml"
    told: list[int] = []
    running.gateway.on_change.append(lambda: told.append(1))
    gateway_id = running.gateway.key.gateway_id
    device = running.connect(SimulatedDevice.named("one", gateway_id))
    stranger = running.connect(SimulatedDevice.named("two", gateway_id))
    try:
        assert device.enrol() == "AWAITING_APPROVAL"
        answer = client.ask(
            config, "approve", {"device": device.device.device_id.hex(), "name": "bed-7"}
        )
        assert answer["said"].startswith("bed-7 is admitted")
        assert device.enrol() == "ACCEPTED"
        assert stranger.enrol() == "AWAITING_APPROVAL"
        assert device.check_in() == "ACCEPTED"
        client.ask(config, "suspend", {"device": "bed-7"})
        assert device.check_in() == "SUSPENDED"
        client.ask(config, "reinstate", {"device": "bed-7"})
        assert device.check_in() == "ACCEPTED"
        rows = running.gateway.registry.commitment_count()
        client.ask(config, "revoke", {"device": "bed-7"})
        # Its account ends within a second; until then, what it sends is shed.
        device.send(device.device.evidence(device.beacon))
        wait_until(lambda: not running.connects(device.device, by_lobby=False))
        assert running.gateway.registry.commitment_count() == rows
    finally:
        device.close()
        stranger.close()
    assert len(told) >= 5
    assert "list" not in [line["act"] for line in running.events("act")]
    (act, *_) = running.events("act")
    assert act["act"] == "approve"
    assert running.gateway.registry.acts(1)[0].name == "revoke"
    with pytest.raises(NotDone, match="no device is called bed-9"):
        client.ask(config, "show", {"device": "bed-9"})


def test_a_quiet_gateway_answers_at_once(site):
    folder, _ = site
    client.ask(folder / "gateway.toml", "list", {})
    began_s = time.monotonic()
    for _ in range(20):
        client.ask(folder / "gateway.toml", "list", {})
    # The pipeline waits a second for messages unless it is woken; 20 acts do not wait 20 times.
    assert time.monotonic() - began_s < 15


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"list\n",
        b"[]\n",
        b"{}\n",
        b'{"act": "list"}\n',
        b'{"act": "list", "arguments": []}\n',
        b'{"act": ["list"], "arguments": {}}\n',
        b'{"act": "list", "arguments": {}, "more": 1}\n',
        b'{"act": "list", "act": "list", "arguments": {}}\n',
        b'{"act": "open", "arguments": {"minutes": 1.5}}\n',
        b'{"act": "open", "arguments": {"minutes": NaN}}\n',
        b'{"act": "list", "arguments": {}}\n{"act": "list", "arguments": {}}\n',
        b'{"act": "list", "arguments": {}}',
        b"[" * 100_000 + b"\n",
        b"\xff\xfe\n",
        b"x" * (wire.MOST_REQUEST_BYTES + 2),
    ],
)
def test_what_is_no_request_is_refused_and_the_next_one_served(site, data):
    folder, _ = site
    try:
        reply = raw(folder, data)
    except (BrokenPipeError, ConnectionResetError):
        reply = b'{"ok": false}'
    assert json.loads(reply)["ok"] is False
    assert client.ask(folder / "gateway.toml", "list", {})["devices"] == []


def test_a_client_that_says_nothing_is_dropped(site, monkeypatch):
    folder, _ = site
    monkeypatch.setattr(server, "REQUEST_S", 0.3)
    with address.connect(folder / address.FOLDER):
        assert client.ask(folder / "gateway.toml", "list", {})["devices"] == []


def test_many_at_once_are_all_answered(site):
    folder, _ = site
    answers: list[object] = []

    def ask() -> None:
        answers.append(client.ask(folder / "gateway.toml", "list", {})["devices"])

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [[]] * 20


def test_without_a_running_gateway_one_sentence_says_so(tmp_path):
    (tmp_path / "gateway.toml").write_text(settings(None))
    with pytest.raises(NotDone) as none:
        client.ask(tmp_path / "gateway.toml", "list", {})
    assert str(none.value).startswith("no gateway is running for ")
    assert "\n" not in str(none.value)
    # Nor does the socket of one that was killed stand for a gateway, or stop the next one.
    (tmp_path / "control").mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control" / "gateway.sock"))
    with pytest.raises(NotDone, match="no gateway is running"):
        client.ask(tmp_path / "gateway.toml", "list", {})
    with running_site(tmp_path, None):
        assert client.ask(tmp_path / "gateway.toml", "list", {})["devices"] == []
    assert not (tmp_path / "control" / "gateway.sock").exists()


def test_the_window_is_in_the_status_and_ends_with_the_run(tmp_path):
    (tmp_path / "gateway.toml").write_text(settings(None))
    with running_site(tmp_path, None):
        client.ask(tmp_path / "gateway.toml", "open", {"minutes": 10})
        deadline_s = time.monotonic() + 20
        while True:
            status = json.loads((tmp_path / "status.json").read_text())["enrolment"]
            if 0 < status["open_s"] <= 600:
                break
            assert time.monotonic() < deadline_s, status
            time.sleep(0.1)
        assert status["mode"] == "open"
    assert "open_s" in status


def test_depth_is_counted_outside_of_texts_only():
    assert strict_json.loads('{"a": ["[[[[[[[[[[", "\\\\", "\\"[[[[[[[[["]}')
    for text in ("[" * 9 + "]" * 9, '"' * 100_001, '"\\' * 100_000, '{"a":' * 100_000, "]" * 9):
        with pytest.raises(ValueError):
            strict_json.loads(text)


def test_listed_means_that_a_stranger_cannot_even_connect(tmp_path):
    policy = 'enrolment = "listed"'
    (tmp_path / "gateway.toml").write_text(settings(None, policy=policy))
    with running_site(tmp_path, None, policy=policy) as running:
        stranger = SimulatedDevice.named("one", running.gateway.key.gateway_id)
        assert not running.connects(stranger)
        client.ask(
            tmp_path / "gateway.toml",
            "admit",
            {"public_key": stranger.public_key.hex(), "name": "bed-7"},
        )
        wait_until(lambda: running.connects(stranger))
        device = running.connect(stranger)
        assert device.enrol() == "ACCEPTED"
        assert device.check_in() == "ACCEPTED"
        device.close()
