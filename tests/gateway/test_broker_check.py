"""`countersign gateway check` against brokers that keep every rule, and others that do not."""

from __future__ import annotations

import datetime
import ipaddress
import os
import signal
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from countersign_cli import broker_check, site_folder
from countersign_cli.broker_check import BrokerUnchecked
from countersign_cli.cli import main
from countersign_gateway import config
from countersign_gateway.app import Gateway
from countersign_gateway.config import Endpoint
from countersign_gateway.ingress.mqtt import broker_rules
from countersign_gateway.ingress.mqtt.broker_tls import TlsUnusable, client_context
from countersign_gateway.model import Status
from countersign_gateway.operations.log import EventLog
from countersign_workshop.child_processes.ports import free_port, listens
from countersign_workshop.child_processes.process import Child
from countersign_workshop.parts import toolchain
from countersign_workshop.simulation.simulated_device import SimulatedDevice
from support.gateway.running_site import PATIENCE_S, SITE, ConnectedDevice, running_site

RULES = 9

try:
    toolchain.mosquitto()
except toolchain.PartMissing as missing:
    pytest.skip(f"mosquitto: {missing}", allow_module_level=True)


def test_the_own_broker_keeps_every_rule(tmp_path, capsys):
    with running_site(tmp_path, None) as site:
        checked = broker_check.of_site(site.gateway._config)
        findings = list(checked.findings())
        assert [finding.sentence for finding in findings if not finding.holds] == []
        assert len(findings) == RULES
        # Nobody of the site was disturbed.
        assert site.events("broker_disconnected") == []
        assert list(checked.findings()) == findings


def test_a_site_whose_gateway_does_not_run_is_said_in_one_sentence(tmp_path, capsys):
    site_folder.create_site(tmp_path, SITE, listen="127.0.0.1:0")
    assert main(["gateway", "check", "--config", str(tmp_path / "gateway.toml")]) == 1
    assert capsys.readouterr().err == "countersign gateway: the gateway is not running\n"


@contextmanager
def other_broker(folder: Path, change: Callable[[str], str] = lambda text: text, more: str = ""):
    """A gateway with a Mosquitto of its own settings; yields (gateway, its folder, broker)."""
    port = free_port()
    scheme = "mqtts" if "certfile" in more else "mqtt"
    site_folder.create_site(
        folder,
        SITE,
        broker=f"{scheme}://127.0.0.1:{port}",
        allow_emulated=True,
        enrolment="open",
    )
    if scheme == "mqtts":
        toml = folder / "gateway.toml"
        text = toml.read_text().replace("[ingress.mqtt]\n", "[ingress.mqtt]\ntls_ca_file = 'ca'\n")
        toml.write_text(text)
    files = broker_rules.BrokerFiles(folder / "accounts")
    settings = broker_rules.settings(files, Endpoint("127.0.0.1", port), 100)
    (folder / "mosquitto.conf").write_text(change(settings) + more)
    with (folder / "log").open("w") as log:
        gateway = Gateway(config.load(folder / "gateway.toml"), EventLog(log))
        gateway.gate.window.open(60, "a test")
        # The gateway writes the accounts before it connects, so the broker can start after it.
        broker = Child("mosquitto", ["/bin/sh", "-c", _when_there(folder)])
        try:
            assert gateway.start(), (folder / "log").read_text() + broker.tail()
            assert listens(port)
            yield gateway, folder, broker
        finally:
            gateway.stop()
            broker.stop()


def _when_there(folder: Path) -> str:
    command = " ".join(f"'{word}'" for word in toolchain.mosquitto())
    passwords = folder / "accounts/passwords"
    wait = f"until [ -s '{passwords}' ]; do sleep 0.05; done"
    return f"{wait}; exec {command} -c '{folder}/mosquitto.conf'"


def test_another_broker_with_the_files_that_the_gateway_writes_keeps_every_rule(tmp_path):
    with other_broker(tmp_path) as (gateway, folder, broker):
        findings = list(broker_check.of_site(gateway._config).findings())
        assert [finding.sentence for finding in findings if not finding.holds] == []
        for name in ("passwords", "access"):
            assert (folder / "accounts" / name).stat().st_mode & 0o777 == 0o640
        # A device gets its account there, and loses it again.
        endpoint = gateway._config.mqtt.broker
        key = site_folder.site_account_key(folder / "site_account.key")
        device = SimulatedDevice.named("one", gateway.key.gateway_id)
        connected = ConnectedDevice(endpoint, device, key)
        name = device.device_id.hex()
        _enrol(gateway, connected, lambda: name in _passwords(folder), broker)
        assert connected.check_in() == "ACCEPTED"
        connected.close()
        gateway.registry.set_status(device.device_id, Status.REVOKED)
        _tick_until(gateway, lambda: name not in _passwords(folder))


def _passwords(folder: Path) -> str:
    return (folder / "accounts/passwords").read_text()


def _tick_until(gateway: Gateway, holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s
        gateway.tick()
        time.sleep(0.05)


def _enrol(
    gateway: Gateway, connected: ConnectedDevice, known: Callable[[], bool], broker: Child
) -> None:
    kind, challenge = connected.exchange(connected.device.request(), "enrol")
    assert kind == "challenge"
    assert connected.exchange(connected.device.proof(challenge), "enrol")[0] == "result"
    _tick_until(gateway, known)
    os.kill(broker.pid, signal.SIGHUP)  # what the operator's path unit does
    connected.use_own_account()


def without(*starts: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        return "\n".join(line for line in text.splitlines() if not line.startswith(starts)) + "\n"

    return change


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        (
            lambda text: without("use_username")(text).replace("anonymous false", "anonymous true"),
            ["set allow_anonymous to false", "set use_username_as_clientid"],
        ),
        (
            lambda text: text.replace("allow_anonymous false", "allow_anonymous true").replace(
                "password_file", "# password_file"
            ),
            ["set password_file"],
        ),
        (without("use_username_as_clientid"), ["set use_username_as_clientid to true behind"]),
        # Above the listener it has no effect.
        (
            lambda text: "use_username_as_clientid true\n" + without("use_username")(text),
            ["set use_username_as_clientid to true behind"],
        ),
        (without("acl_file"), ["writes to topics of others", "reads topics of others", "a will"]),
        (without("max_packet_size"), ["set max_packet_size to 4096"]),
        (lambda text: text.replace("max_keepalive 3660", "max_keepalive 0"), ["set max_keepalive"]),
    ],
)
def test_each_rule_that_a_broker_does_not_keep_is_named(tmp_path, change, sentences):
    with other_broker(tmp_path, change) as (gateway, _, _):
        findings = list(broker_check.of_site(gateway._config).findings())
    broken = [finding.sentence for finding in findings if not finding.holds]
    assert len(broken) == len(sentences), broken
    for sentence, wanted in zip(broken, sentences, strict=True):
        assert wanted in sentence
    assert len(findings) == RULES


def test_a_broker_that_is_away_or_knows_no_checker_is_said_in_one_sentence(tmp_path):
    with other_broker(tmp_path) as (gateway, _folder, broker):
        book_of_another = replace(gateway._config, site="other")
        with pytest.raises(BrokerUnchecked, match="does not admit check-00"):
            list(broker_check.of_site(book_of_another).findings())
        broker.stop()
        with pytest.raises(BrokerUnchecked, match="cannot be reached"):
            list(broker_check.of_site(gateway._config).findings())


# TLS -----------------------------------------------------------------------------------------


def make_certificate(folder: Path, host: str = "127.0.0.1") -> str:
    """A certificate that signs itself, as authority and server. Mosquitto's settings for it."""
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key").touch(mode=0o600)
    (folder / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return f"certfile {folder}/ca\nkeyfile {folder}/key\n"


def test_the_gateway_speaks_tls_to_another_broker(tmp_path):
    with other_broker(tmp_path, more=make_certificate(tmp_path)) as (gateway, _, _):
        findings = list(broker_check.of_site(gateway._config).findings())
        assert [finding.sentence for finding in findings if not finding.holds] == []
        assert "no password is readable on the network" in [one.sentence for one in findings]


@pytest.mark.parametrize("other", ["authority", "name"])
def test_a_broker_that_is_not_the_configured_one_gets_no_password(tmp_path, other):
    if other == "authority":
        settings = make_certificate(tmp_path / "broker's")
        make_certificate(tmp_path)  # the authority that the gateway believes in
    else:
        settings = make_certificate(tmp_path, "127.0.0.2")
    with (
        pytest.raises(AssertionError, match="broker_unreachable"),
        _impatient(),
        other_broker(tmp_path, more=settings),
    ):
        pass


@contextmanager
def _impatient():
    patch = pytest.MonkeyPatch()
    patch.setattr("countersign_gateway.app.READY_TIMEOUT_S", 2.0)
    yield
    patch.undo()


def test_a_key_that_others_can_read_is_refused(tmp_path):
    make_certificate(tmp_path)
    (tmp_path / "key").chmod(0o644)
    site_folder.create_site(tmp_path / "site", SITE, broker="mqtts://127.0.0.1:1")
    toml = (tmp_path / "site/gateway.toml").read_text()

    def context(settings: str) -> object:
        text = toml.replace("[ingress.mqtt]\n", f"[ingress.mqtt]\n{settings}\n")
        mqtt = config.parse(text, tmp_path).mqtt
        assert mqtt is not None
        return client_context(mqtt)

    mine = "client_certificate_file = 'ca'\nclient_key_file = 'key'"
    with pytest.raises(TlsUnusable, match="chmod 600"):
        context(mine)
    (tmp_path / "key").chmod(0o600)
    assert context(mine) is not None
    with pytest.raises(TlsUnusable, match="is no authority"):
        context("tls_ca_file = 'nowhere'")
