"""TLS on the site's own broker: what a client, and a board without a clock, checks and what not."""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from countersign_cli import broker_check
from countersign_cli.cli import main
from countersign_gateway.config import Endpoint
from countersign_gateway.ingress.mqtt import broker_rules, own_broker, site_authority
from countersign_gateway.ingress.mqtt.site_authority import (
    AuthorityUnusable,
    SiteAuthority,
    create_authority,
)
from countersign_workshop.checkout import ROOT
from countersign_workshop.child_processes.process import Child
from countersign_workshop.parts import micropython
from support.gateway.running_site import PATIENCE_S, SITE, RunningSite, running_site, settings

TLS = 'authority_file = "authority.pem"\ntls_names = ["gateway.ward-3", "10.0.0.5"]\n'
# What the agent's tcp_stream does, and what follows from it, in one line.
CONNECT = """
import socket, sys, tls
host, port, name, file = sys.argv[1:]
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
context.verify_mode = tls.CERT_REQUIRED
context.load_verify_locations(open(file, "rb").read())
connection = socket.socket()
connection.connect(socket.getaddrinfo(host, int(port))[0][-1])
try:
    context.wrap_socket(connection, server_hostname=name)
    print("connected")
except (OSError, ValueError) as error:
    print("refused", error)
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    create_authority(tmp_path / "authority.pem", SITE)
    with running_site(tmp_path, None, mqtt=TLS) as running:
        yield running


def authority(tmp_path: Path) -> SiteAuthority:
    return SiteAuthority.from_file(tmp_path / "authority.pem")


def shown(address: Endpoint, pem: str, name: str) -> x509.Certificate:
    """The certificate that the broker shows, after the handshake."""
    context = ssl.create_default_context(cadata=pem)
    with (
        socket.create_connection((address.host, address.port), timeout=PATIENCE_S) as raw,
        context.wrap_socket(raw, server_hostname=name) as secured,
    ):
        der = secured.getpeercert(binary_form=True)
        assert der is not None
        return x509.load_der_x509_certificate(der)


def on_micropython(folder: Path, address: Endpoint, der: bytes, name: str) -> str:
    """What a device's own TLS says to that broker, authority and name."""
    try:
        command = micropython.argv()
    except micropython.RuntimeMissing as missing:
        pytest.skip(str(missing))
    (folder / "ca.der").write_bytes(der)
    (folder / "connect.py").write_text(CONNECT)
    words = [address.host, str(address.port), name, folder / "ca.der"]
    finished = subprocess.run(
        [*command, folder / "connect.py", *words],
        env=micropython.environment([]),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return finished.stdout.strip() or finished.stderr


def test_the_broker_shows_a_certificate_of_the_site_for_each_of_its_names(site, tmp_path):
    pem = authority(tmp_path).certificate_pem()
    for name in ("gateway.ward-3", "10.0.0.5", "127.0.0.1", "localhost"):
        shown(site.address, pem, name)
    with pytest.raises(ssl.SSLCertVerificationError):
        shown(site.address, pem, "gateway.ward-4")
    create_authority(tmp_path / "other.pem", SITE)
    other = SiteAuthority.from_file(tmp_path / "other.pem")
    with pytest.raises(ssl.SSLCertVerificationError):
        shown(site.address, other.certificate_pem(), "localhost")


def test_a_client_without_tls_gets_nothing(site):
    with socket.create_connection((site.address.host, site.address.port)) as plain:
        plain.settimeout(PATIENCE_S)
        plain.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x05\x00\x01c")
        try:
            answer = plain.recv(1)
        except ConnectionResetError:
            return
        assert answer in (b"", b"\x15")  # closed, or an alert of TLS


def test_the_check_speaks_tls(site):
    findings = list(broker_check.of_site(site.gateway._config).findings())
    assert [finding.sentence for finding in findings if not finding.holds] == []
    assert "no password is readable on the network" in [one.sentence for one in findings]


def test_an_agent_enrols_and_checks_in_by_tls(site, tmp_path):
    try:
        command = micropython.argv()
    except micropython.RuntimeMissing as missing:
        pytest.skip(str(missing))
    (tmp_path / "ca.der").write_bytes(authority(tmp_path).certificate_der())
    config = tmp_path / "device.json"
    agent = {
        "site": SITE,
        "gateway_public_key": site.gateway.key.public_key.hex(),
        "broker_host": site.address.host,
        "broker_port": site.address.port,
        "tls_ca_path": str(tmp_path / "ca.der"),
        "storage_folder": str(tmp_path / "flash"),
        "check_in_interval_ms": 200,
        **site.agent_account(),
    }
    config.write_text(json.dumps(agent))
    lines: list[str] = []
    modules = [ROOT / "firmware/lib", ROOT / "firmware/agent"]
    device = Child(
        "device",
        [*command, "-m", "countersign_agent", config],
        on_line=lines.append,
        environment=micropython.environment(modules),
    )
    deadline_s = time.monotonic() + 2 * PATIENCE_S
    try:
        while not any('"verdict"' in line and '"evidence"' in line for line in lines):
            assert time.monotonic() < deadline_s, device.tail()
            time.sleep(0.05)
    finally:
        device.stop()


# A board without a clock -----------------------------------------------------------------------


def test_a_board_checks_the_authority_and_the_name(site, tmp_path):
    der = authority(tmp_path).certificate_der()
    for name in ("gateway.ward-3", "10.0.0.5"):
        assert on_micropython(tmp_path, site.address, der, name) == "connected"
    assert "refused" in on_micropython(tmp_path, site.address, der, "gateway.ward-4")
    create_authority(tmp_path / "other.pem", SITE)
    other = SiteAuthority.from_file(tmp_path / "other.pem").certificate_der()
    assert "refused" in on_micropython(tmp_path, site.address, other, "gateway.ward-3")


@pytest.mark.parametrize("clock", [1970, 2000, 2021, 2026, 9999])
def test_certificates_hold_at_every_time_that_a_board_may_believe_in(tmp_path, clock):
    create_authority(tmp_path / "authority.pem", SITE)
    one = authority(tmp_path)
    believed = datetime.datetime(clock, 1, 1, tzinfo=datetime.UTC)
    _, server = one.issue(["gateway"])
    for pem in (one.certificate_pem(), server):
        certificate = x509.load_pem_x509_certificate(pem.encode())
        assert certificate.not_valid_before_utc <= believed <= certificate.not_valid_after_utc


def test_a_board_with_a_clock_does_look_at_dates(tmp_path, monkeypatch):
    """This is why certificates begin in 1970: a clock at 2021 would refuse one of today."""
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    monkeypatch.setattr(site_authority, "NOT_BEFORE", tomorrow)
    create_authority(tmp_path / "authority.pem", SITE)
    with running_site(tmp_path, None, mqtt=TLS) as site:
        der = authority(tmp_path).certificate_der()
        said = on_micropython(tmp_path, site.address, der, "gateway.ward-3")
        assert said.startswith("refused"), said
        assert "starts in the future" in said


# Keys ------------------------------------------------------------------------------------------


def test_the_broker_s_certificate_is_renewed_and_no_session_ends(site, tmp_path, monkeypatch):
    pem = authority(tmp_path).certificate_pem()
    first = shown(site.address, pem, "localhost").serial_number
    monkeypatch.setattr(own_broker, "RENEW_S", 0.5)
    deadline_s = time.monotonic() + PATIENCE_S
    while shown(site.address, pem, "localhost").serial_number == first:
        assert time.monotonic() < deadline_s, "it stays as it was"
        time.sleep(0.2)
    assert site.events("broker_disconnected") == []
    assert site.events("broker_ended") == []


def test_no_key_is_readable_by_others_or_shown(site, tmp_path):
    key = (tmp_path / "authority.pem").read_text().splitlines()[1]
    assert (tmp_path / "authority.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "broker/server.key").stat().st_mode & 0o777 == 0o600
    assert key not in site.log.getvalue() + repr(authority(tmp_path))
    with pytest.raises(AuthorityUnusable, match="never overwritten"):
        create_authority(tmp_path / "authority.pem", SITE)
    (tmp_path / "authority.pem").chmod(0o644)
    with pytest.raises(AuthorityUnusable, match="chmod 600"):
        authority(tmp_path)


def test_gateway_init_makes_the_authority_and_what_devices_get(tmp_path, capsys):
    config = tmp_path / "gateway.toml"
    config.write_text(settings(None, mqtt=TLS))
    assert main(["gateway", "init", "--config", str(config)]) == 0
    said = capsys.readouterr().out
    assert f"tls_ca_path         {tmp_path / 'authority.der'}" in said
    der = (tmp_path / "authority.der").read_bytes()
    assert der == authority(tmp_path).certificate_der()
    assert main(["gateway", "init", "--config", str(config)]) == 0
    assert authority(tmp_path).certificate_der() == der


def test_a_broker_in_the_clear_off_this_machine_is_said(tmp_path):
    with running_site(tmp_path, None) as site:
        assert site.events("broker_in_the_clear") == []
    broker = object.__new__(own_broker.OwnBroker)
    said: list[str] = []
    broker._issue, broker._listen = None, Endpoint("0.0.0.0", 1883)
    broker._log = type("Log", (), {"event": lambda _self, name, **_: said.append(name)})()
    broker._renew(0.0)
    assert said == ["broker_in_the_clear"]


# What strangers can make it hold ---------------------------------------------------------------


def first_message() -> bytes:
    """What a client says first, and the beginning of a record that never ends."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing).do_handshake()
    spoken = b"\x14\x03\x03\x00\x01\x01" + b"\x17\x03\x03\x40\x00" + bytes(16000)
    return outgoing.read() + spoken


def test_strangers_that_begin_a_handshake_and_wait_end_no_session(tmp_path, monkeypatch):
    """At a scale of one to sixteen: as many as may connect stay within the broker's memory."""
    monkeypatch.setattr(broker_rules, "MAX_TLS_BYTES", 16 << 20)
    monkeypatch.setattr(own_broker, "MAX_RESIDENT_BYTES", 16 << 20)
    create_authority(tmp_path / "authority.pem", SITE)
    said = first_message()
    with running_site(tmp_path, None, mqtt=TLS) as site, contextlib.ExitStack() as held:
        for _ in range(500):
            one = socket.create_connection((site.address.host, site.address.port))
            held.enter_context(one)
            with contextlib.suppress(OSError):  # it was one too many
                one.sendall(said)
        deadline_s = time.monotonic() + PATIENCE_S
        while not site.events("alarm"):
            assert time.monotonic() < deadline_s, "no alarm"
            time.sleep(0.05)
        time.sleep(2 * own_broker.LOOK_S)
        assert site.events("broker_too_large") == []
        assert site.events("broker_disconnected") == []
        (alarm,) = site.events("alarm")
        assert alarm["kind"] == "connections_nearly_full"
        status = site.gateway.broker.status()
        assert alarm["most"] == status["most_connections"] < 16_384 // 16
        # The gateway's own way in stays open to it.
        site.gateway.broker.way().connect(1.0).close()


def test_a_small_machine_takes_fewer_connections_by_tls():
    most = broker_rules.most_connections
    assert most(False, 1 << 29) == broker_rules.MAX_CONNECTIONS
    assert most(True, 1 << 34) * broker_rules.TLS_CONNECTION_BYTES <= broker_rules.MAX_TLS_BYTES
    assert most(True, 1 << 29) * broker_rules.TLS_CONNECTION_BYTES <= 1 << 26
    assert most(True, 0) == 1
