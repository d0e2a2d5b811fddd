"""The agent's configuration: one JSON object, checked in full before anything starts.

    name                   text for the log
    site                   the site's name in topics: a-z, 0-9, '-'
    gateway_public_key     64 hexadecimal digits: the only gateway key that this device believes
    transport              "mqtt" (the default) or "serial"
    broker_host, broker_port                 with mqtt, and these:
    site_account_key       64 hexadecimal digits: public half of the site's account key. With it the
                           device computes its account at the site's broker (countersign.accounts)
    broker_username, broker_password         of another broker; absent by default
    wifi_ssid, wifi_password                 absent: the agent joins no network itself. A password
                           of 64 hexadecimal digits is the key itself, not a passphrase
    wifi_join_s            default 30: how long joining may take
    tls_ca_path            DER certificate of the broker's authority; absent: no TLS
    serial_port            with serial: usb, uart:<n>, /dev/... or socket://host:port
    serial_baud            default 115200, for a UART
    serial_tx_pin, serial_rx_pin             of a UART; absent: where the board has them
    storage_folder         where the key store lives; its parent exists
    device_id              64 hexadecimal digits, or absent: the device that this is for. Another
                           device refuses to start with it, and no new identity is made
    check_in_interval_ms   default 30000, at least 100
    result_timeout_ms      default 10000: how long the agent waits for an answer, then asks anew
    reconnect_least_ms, reconnect_most_ms    default 500 and 60000
    keep_alive_s           default 30
    environment            "emulated", or "hardware" (the default; device.py may know better)
    provisioner_public_key 64 hexadecimal digits, or absent: the key that unlocks the prompt
    service_pin            a pin whose button or strap to ground gives the prompt; absent: BOOTSEL
    erase_on_service       default false; true: the prompt opens only after all files are erased
    watchdog_s             default 120, 0 for none: a board whose agent makes no turn for so long is
                           reset
    owner                  40 hexadecimal digits, or absent: the device signs a registration under
                           this owner alone
    self_check             default false; true: verify every own signature before it leaves, against
                           faults of the hardware (about three times the time of a signature)
    max_pending            default 64: sent messages that wait for their verdict and receipt

The agent refuses unknown keys and those of the other transport, so that no misspelt setting is
silently ignored.
"""

import json

from countersign import identity
from countersign.carriers import topics
from countersign_agent.transports import serial_stream

MQTT = "mqtt"
SERIAL = "serial"

_REQUIRED = object()
# (name, type, default, least, most): for text and bytes least and most are lengths in bytes.
FIELDS = (
    ("name", str, "device", 1, 64),
    ("site", str, _REQUIRED, 1, 32),
    ("gateway_public_key", bytes, _REQUIRED, 32, 32),
    ("transport", str, MQTT, 1, 16),
    ("broker_host", str, None, 1, 255),
    ("broker_port", int, 1883, 1, 65535),
    ("storage_folder", str, _REQUIRED, 1, 255),
    ("device_id", bytes, None, 32, 32),
    ("check_in_interval_ms", int, 30000, 100, 86400000),
    ("result_timeout_ms", int, 10000, 100, 3600000),
    ("reconnect_least_ms", int, 500, 10, 3600000),
    ("reconnect_most_ms", int, 60000, 10, 3600000),
    ("keep_alive_s", int, 30, 5, 3600),
    ("environment", str, "hardware", 1, 16),
    ("provisioner_public_key", bytes, None, 32, 32),
    ("service_pin", int, None, 0, 255),
    ("erase_on_service", bool, False, None, None),
    ("watchdog_s", int, 120, 0, 3600),
    ("owner", bytes, None, 20, 20),
    ("site_account_key", bytes, None, 32, 32),
    ("broker_username", str, None, 1, 255),
    ("broker_password", str, None, 1, 255),
    ("tls_ca_path", str, None, 1, 255),
    ("wifi_ssid", str, None, 1, 32),
    ("wifi_password", str, None, 8, 64),
    ("wifi_join_s", int, 30, 5, 600),
    ("serial_port", str, None, 1, 255),
    ("serial_baud", int, 115200, 1200, 12000000),
    ("serial_tx_pin", int, None, 0, 255),
    ("serial_rx_pin", int, None, 0, 255),
    ("self_check", bool, False, None, None),
    ("max_pending", int, 64, 2, 1024),
)
# How the names of each transport's settings begin, and the one setting that it requires.
_TRANSPORTS = {
    MQTT: (("broker_", "site_account_", "tls_", "wifi_"), "broker_host"),
    SERIAL: (("serial_",), "serial_port"),
}
_HEX_DIGITS = "0123456789abcdefABCDEF"
_ENVIRONMENTS = {
    "hardware": identity.ENVIRONMENT_HARDWARE,
    "emulated": identity.ENVIRONMENT_EMULATED,
}


class ConfigError(Exception):
    """The configuration cannot be used. The text names the setting, never its value."""


class Config:
    """The settings above as attributes. `environment` is the number of the protocol."""

    def __init__(self, settings: dict):
        if not isinstance(settings, dict):
            raise ConfigError("the configuration is one JSON object")
        known = [field[0] for field in FIELDS]
        for name in settings:
            if name not in known:
                raise ConfigError("unknown setting " + str(name))
        for name, kind, default, least, most in FIELDS:
            value = settings.get(name)
            if value is None:
                if default is _REQUIRED:
                    raise ConfigError("missing setting " + name)
                value = default
            else:
                value = _checked(name, value, kind, least, most)
            setattr(self, name, value)
        self._check_together()
        self._check_transport(settings)

    def _check_together(self):
        try:
            topics.check_site(self.site)
        except ValueError as error:
            raise ConfigError(str(error))
        # A folder on the board's file system with the name of a frozen package hides that package.
        if self.storage_folder.rstrip("/").split("/")[-1] in ("countersign", "countersign_agent"):
            raise ConfigError("storage_folder has the name of a package: take another")
        if self.environment not in _ENVIRONMENTS:
            raise ConfigError("environment is hardware or emulated")
        self.environment = _ENVIRONMENTS[self.environment]
        if self.broker_password is not None and self.broker_username is None:
            raise ConfigError("broker_password without broker_username")
        if self.broker_username is not None and self.site_account_key is not None:
            raise ConfigError("broker_username beside site_account_key")
        if self.wifi_password is not None and self.wifi_ssid is None:
            raise ConfigError("wifi_password without wifi_ssid")
        key = self.wifi_password
        if key is not None and len(key.encode()) == 64 and key.strip(_HEX_DIGITS):
            raise ConfigError("wifi_password of 64 characters is 64 hexadecimal digits")
        # A join and what follows it are one turn of the agent.
        if 0 < self.watchdog_s < self.wifi_join_s + 60:
            raise ConfigError("watchdog_s is less than a minute above wifi_join_s")
        if self.reconnect_most_ms < self.reconnect_least_ms:
            raise ConfigError("reconnect_most_ms is below reconnect_least_ms")

    def _check_transport(self, settings):
        if self.transport not in _TRANSPORTS:
            raise ConfigError("transport is mqtt or serial")
        for transport, (beginnings, _) in _TRANSPORTS.items():
            for name in settings:
                foreign = any([name.startswith(beginning) for beginning in beginnings])
                if foreign and transport != self.transport:
                    raise ConfigError(name + " is no setting of transport " + self.transport)
        required = _TRANSPORTS[self.transport][1]
        if getattr(self, required) is None:
            raise ConfigError("missing setting " + required)
        if (self.serial_tx_pin is None) != (self.serial_rx_pin is None):
            raise ConfigError("serial_tx_pin and serial_rx_pin go together")
        if self.serial_port is not None:
            try:
                serial_stream.check_port(self.serial_port)
            except ValueError as error:
                raise ConfigError(str(error))


def load_config(path: str) -> Config:
    """Read the file at `path`. Raises ConfigError; OSError if it cannot be opened."""
    with open(path) as file:
        try:
            settings = json.load(file)
        except ValueError:
            raise ConfigError("the configuration is not JSON")
    return Config(settings)


def _checked(name, value, kind, least, most):
    if kind is bool:
        if not isinstance(value, bool):
            raise ConfigError(name + " is true or false")
        return value
    if kind is int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ConfigError(name + " is an integer from " + str(least) + " to " + str(most))
        return value
    if not isinstance(value, str):
        raise ConfigError(name + " is text")
    if kind is bytes:
        if value.startswith("0x"):
            value = value[2:]
        try:
            value = bytes.fromhex(value)
        except ValueError:
            raise ConfigError(name + " is hexadecimal")
    # Lengths of text are those of its UTF-8 bytes: a network's name has 32 of them.
    if not least <= len(value.encode() if kind is str else value) <= most:
        raise ConfigError(name + " has the wrong length")
    return value
