"""The configuration's checks: the agent refuses every setting that is missing, unknown or wrong."""

from countersign import identity
from countersign_agent.config import Config, ConfigError
from support.agent.memory_site import GATEWAY_KEY
from support.agent.rig import settings


def expect_refused(**changes):
    try:
        Config(settings(**changes))
    except ConfigError as error:
        for value in changes.values():
            if isinstance(value, str) and len(value) > 8:
                assert value not in str(error), "a value in the error"
        return
    raise AssertionError("accepted: " + str(changes))


def test_defaults_and_types():
    config = Config(settings())
    assert config.gateway_public_key == GATEWAY_KEY
    assert config.environment == identity.ENVIRONMENT_EMULATED
    assert config.broker_port == 1883
    assert config.tls_ca_path is None
    assert config.self_check is False
    assert Config(settings(self_check=True)).self_check is True
    assert Config(settings(environment="hardware")).environment == identity.ENVIRONMENT_HARDWARE


def test_what_cannot_be_meant_is_refused():
    expect_refused(gateway_public_key="00" * 31)
    expect_refused(gateway_public_key="zz" * 32)
    expect_refused(gateway_public_key=None)
    expect_refused(site="Ward 3")
    expect_refused(site="a/b")
    expect_refused(site="")
    expect_refused(broker_port=0)
    expect_refused(broker_port="1883")
    expect_refused(broker_port=True)
    expect_refused(self_check=1)
    expect_refused(self_check="true")
    expect_refused(check_in_interval_ms=0)
    expect_refused(check_in_interval_ms=1.5)
    expect_refused(environment="moon")
    expect_refused(broker_password="a password without a name")
    expect_refused(site_account_key="02" * 31)
    expect_refused(site_account_key="02" * 32, broker_username="a name beside it")
    expect_refused(
        site_account_key="02" * 32, transport="serial", serial_port="usb", broker_host=None
    )
    expect_refused(reconnect_least_ms=5000, reconnect_most_ms=1000)
    expect_refused(wifi_password="a password without a network")
    expect_refused(wifi_ssid="ward", wifi_password="7 chars")
    expect_refused(wifi_ssid="ward", wifi_password="g" * 64)
    expect_refused(wifi_ssid="ward", wifi_password="a" * 65)
    expect_refused(wifi_ssid="\u00fc" * 17)  # 34 bytes
    expect_refused(wifi_ssid="ward", wifi_join_s=61)  # beside a watchdog of 120 s
    expect_refused(owner="11" * 19)
    expect_refused(chek_in_interval_ms=1000)
    expect_refused(name=["list"])


def serial_settings(**changes):
    values = settings(transport="serial", serial_port="usb", **changes)
    values.pop("broker_host")
    return values


def test_a_network_has_the_lengths_of_its_standard():
    for ssid, password in (("\u00fc" * 16, "p" * 63), ("w" * 32, "0aF9" * 16), ("w", "8 chars.")):
        config = Config(settings(wifi_ssid=ssid, wifi_password=password))
        assert (config.wifi_ssid, config.wifi_password) == (ssid, password)
    slow = Config(settings(wifi_ssid="ward", wifi_join_s=90, watchdog_s=150))
    assert slow.wifi_join_s == 90
    assert Config(settings(wifi_ssid="ward", wifi_join_s=600, watchdog_s=0)).wifi_join_s == 600


def test_a_serial_line_takes_the_place_of_the_broker():
    config = Config(serial_settings())
    assert (config.transport, config.serial_port, config.serial_baud) == ("serial", "usb", 115200)
    assert config.broker_host is None
    for port in ("uart:0", "/dev/ttyACM0", "socket://127.0.0.1:4000"):
        assert Config(serial_settings() | {"serial_port": port}).serial_port == port
    pins = Config(serial_settings(serial_tx_pin=0, serial_rx_pin=1))
    assert (pins.serial_tx_pin, pins.serial_rx_pin) == (0, 1)
    assert Config(settings()).transport == "mqtt"


def test_settings_of_the_other_transport_are_refused():
    without_port = serial_settings()
    without_port.pop("serial_port")
    without_host = settings()
    without_host.pop("broker_host")
    wrong = [
        settings(transport="carrier pigeon"),
        settings(serial_port="usb"),
        settings(serial_baud=115200),
        without_host,
        without_port,
        serial_settings() | {"broker_host": "127.0.0.1"},
        serial_settings(broker_port=1883),
        serial_settings(tls_ca_path="/ca.der"),
        serial_settings(wifi_ssid="ward"),
        serial_settings(serial_tx_pin=0),
        serial_settings(serial_baud=0),
    ]
    for port in (
        "",
        "uart",
        "uart:",
        "uart:x",
        "socket://",
        "socket://host",
        "socket://h:0",
        "com1",
    ):
        wrong.append(serial_settings() | {"serial_port": port})
    for values in wrong:
        try:
            Config(values)
        except ConfigError:
            continue
        raise AssertionError("accepted: " + str(values))


def test_only_an_object_is_a_configuration():
    for value in (None, [], "text", 3):
        try:
            Config(value)
        except ConfigError:
            continue
        raise AssertionError("accepted")


def test_the_storage_cannot_hide_the_package():
    for folder in ("/countersign", "countersign/", "/flash/countersign_agent"):
        try:
            Config(serial_settings(storage_folder=folder))
        except ConfigError:
            continue
        raise AssertionError("accepted: " + folder)
    assert Config(serial_settings(storage_folder="/state")).storage_folder == "/state"
