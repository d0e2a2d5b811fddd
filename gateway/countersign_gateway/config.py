"""gateway.toml, read strictly: what is not understood is an error, in one sentence.

Relative paths are relative to the file's own folder, so that a site folder can be moved. Secrets
stand in files of their own (mode 0600), never in this one, and are not read here.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from countersign import identity
from countersign.carriers import topics
from countersign_gateway.model import OperatorError


class ConfigError(OperatorError):
    """The configuration cannot be used; the text says where and why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """broker: where to connect; None runs the embedded broker, which listens on `listen`."""

    broker: Endpoint | None
    listen: Endpoint
    username: str | None
    password_file: Path | None


@dataclass(frozen=True, slots=True)
class SerialConfig:
    """url: a device or pty by its path, or socket://host:port. baud: also how fast it is read."""

    url: str
    baud: int


@dataclass(frozen=True, slots=True)
class VerificationConfig:
    beacon_interval_s: float
    challenge_ttl_s: float


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    allow_emulated: bool
    owner: bytes
    device_class: int
    policy_version: int


@dataclass(frozen=True, slots=True)
class AnchoringConfig:
    rpc_url: str
    chain_id: int
    commitment_log: bytes
    device_registry: bytes
    ledger_key_file: Path
    batch_max: int
    batch_age_s: float

    def __repr__(self) -> str:
        # An RPC address often carries an access token.
        return f"AnchoringConfig(chain_id={self.chain_id})"


@dataclass(frozen=True, slots=True)
class Config:
    site: str
    key_file: Path
    mqtt: MqttConfig | None  # None: a site of serial lines alone
    serial: tuple[SerialConfig, ...]
    verification: VerificationConfig
    policy: PolicyConfig
    registry_path: Path
    anchoring: AnchoringConfig | None  # None: no ledger, every verdict is degraded
    degraded_after_s: float


def load(path: Path) -> Config:
    """Read gateway.toml; ConfigError names the first thing wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    return parse(text, path.parent)


def parse(text: str, folder: Path) -> Config:
    """As `load`, from a text; `folder` is what relative paths are relative to."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}") from None
    root = _Table("", tables, folder)
    site = root.table("site")
    gateway = root.table("gateway")
    ingress = root.table("ingress")
    serial = _serial(ingress.tables("serial"))
    verification = root.table("verification", optional=True)
    policy = root.table("policy")
    registry = root.table("registry", optional=True)
    freshness = root.table("freshness", optional=True)
    config = Config(
        site=site.take("name", _site),
        key_file=gateway.take("key_file", gateway.path),
        mqtt=_mqtt(ingress, is_optional=bool(serial)),
        serial=serial,
        verification=VerificationConfig(
            beacon_interval_s=verification.take("beacon_interval_s", _seconds, 30.0),
            challenge_ttl_s=verification.take("challenge_ttl_s", _seconds, 60.0),
        ),
        policy=PolicyConfig(
            allow_emulated=policy.take("allow_emulated", _boolean, False),
            owner=policy.take("owner", _address),
            device_class=policy.take("device_class", _device_class, identity.CLASS_STANDARD),
            policy_version=policy.take("policy_version", _natural, 1),
        ),
        registry_path=registry.take("path", registry.path, folder / "registry.sqlite3"),
        anchoring=_anchoring(root.table("anchoring")) if "anchoring" in tables else None,
        degraded_after_s=freshness.take("degraded_after_s", _seconds, 30.0),
    )
    for table in (site, gateway, ingress, verification, policy, registry, freshness, root):
        table.finish()
    return config


def _mqtt(ingress: _Table, is_optional: bool) -> MqttConfig | None:
    if is_optional and not ingress.has("mqtt"):
        return None
    table = ingress.table("mqtt")
    config = MqttConfig(
        broker=table.take("broker", _broker, None),
        listen=table.take("listen", _endpoint, Endpoint("127.0.0.1", 1883)),
        username=table.take("username", _text, None),
        password_file=table.take("password_file", table.path, None),
    )
    if config.password_file is not None and config.username is None:
        raise ConfigError("ingress.mqtt.password_file needs a username beside it")
    if config.broker is None and config.username is not None:
        raise ConfigError("ingress.mqtt.username has no meaning with the embedded broker")
    table.finish()
    return config


def _serial(tables: list[_Table]) -> tuple[SerialConfig, ...]:
    lines: list[SerialConfig] = []
    for table in tables:
        line = SerialConfig(table.take("url", _line), table.take("baud", _baud, 115200))
        table.finish()
        if line.url in [other.url for other in lines]:
            raise ConfigError(f"ingress.serial names {line.url} twice")
        lines.append(line)
    return tuple(lines)


def _anchoring(table: _Table) -> AnchoringConfig:
    config = AnchoringConfig(
        rpc_url=table.take("rpc_url", _http_address),
        chain_id=table.take("chain_id", _positive),
        commitment_log=table.take("commitment_log", _address),
        device_registry=table.take("device_registry", _address),
        ledger_key_file=table.take("ledger_key_file", table.path),
        batch_max=table.take("batch_max", _positive, 1000),
        batch_age_s=table.take("batch_age_s", _seconds, 5.0),
    )
    table.finish()
    return config


_REQUIRED: Any = object()


class _Table:
    """One TOML table while it is being read: what is left over at the end is a mistake."""

    def __init__(self, name: str, values: dict[str, Any], folder: Path) -> None:
        self._name = name
        self._values = dict(values)
        self._folder = folder
        self._known: list[str] = []

    def table(self, key: str, optional: bool = False) -> _Table:
        self._known.append(key)
        if key not in self._values and not optional:
            near = difflib.get_close_matches(key, self._values, 1)
            hint = f" (is [{self._full(near[0])}] meant to be it?)" if near else ""
            raise ConfigError(f"the section [{self._full(key)}] is missing{hint}")
        values = self._values.pop(key, {})
        if not isinstance(values, dict):
            raise ConfigError(f"{self._full(key)} must be a section, not a value")
        return _Table(self._full(key), values, self._folder)

    def has(self, key: str) -> bool:
        self._known.append(key)
        return key in self._values

    def tables(self, key: str) -> list[_Table]:
        """The tables of an array of tables; none if it is absent."""
        self._known.append(key)
        values = self._values.pop(key, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise ConfigError(
                f"{self._full(key)} must be sections of the form [[{self._full(key)}]]"
            )
        return [_Table(self._full(key), value, self._folder) for value in values]

    def take(self, key: str, read: Callable[[Any], Any], default: Any = _REQUIRED) -> Any:
        self._known.append(key)
        if key not in self._values:
            if default is not _REQUIRED:
                return default
            # A misspelt key explains a missing one better.
            near = difflib.get_close_matches(key, self._values, 1)
            if near:
                raise ConfigError(
                    f"{self._full(near[0])} is not a setting; did you mean {self._full(key)}?"
                )
            raise ConfigError(f"{self._full(key)} is missing")
        try:
            return read(self._values.pop(key))
        except ValueError as error:
            raise ConfigError(f"{self._full(key)} {error}") from None

    def path(self, value: Any) -> Path:
        return self._folder / _text(value)

    def finish(self) -> None:
        for key in self._values:
            near = difflib.get_close_matches(key, self._known, 1)
            hint = f"; did you mean {self._full(near[0])}?" if near else ""
            raise ConfigError(f"{self._full(key)} is not a setting{hint}")

    def _full(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text that is not empty")
    return value


def _site(value: Any) -> str:
    return topics.check_site(_text(value))


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _natural(value: Any, least: int = 0, most: int = 0xFFFFFFFF) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"must be a whole number from {least} to {most}")
    return value


def _positive(value: Any) -> int:
    return _natural(value, least=1)


def _device_class(value: Any) -> int:
    return _natural(value, most=255)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number of seconds")
    if not 0 < value <= 86400:
        raise ValueError("must be more than 0 and at most 86400 seconds")
    return float(value)


def _address(value: Any) -> bytes:
    if not isinstance(value, str) or not re.fullmatch(r"0x[0-9a-fA-F]{40}", value):
        raise ValueError("must be an address: 0x and 40 hexadecimal digits")
    return bytes.fromhex(value[2:])


def _endpoint(value: Any) -> Endpoint:
    host, separator, port = _text(value).rpartition(":")
    if not separator or not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError('must be "host:port"')
    return Endpoint(host.strip("[]"), int(port))


def _broker(value: Any) -> Endpoint | None:
    if value == "embedded":
        return None
    if not isinstance(value, str) or not value.startswith("mqtt://"):
        raise ValueError('must be "embedded" or "mqtt://host:port"')
    endpoint = _endpoint(value.removeprefix("mqtt://"))
    if "@" in endpoint.host or "/" in endpoint.host:
        raise ValueError('must be "mqtt://host:port": the username stands in a setting of its own')
    return endpoint


def _line(value: Any) -> str:
    text = _text(value)
    if text.startswith("socket://"):
        _endpoint(text.removeprefix("socket://"))
    elif not text.startswith("/"):
        raise ValueError('must be a path such as "/dev/ttyACM0", or "socket://host:port"')
    return text


def _baud(value: Any) -> int:
    return _natural(value, least=1200, most=12_000_000)


def _http_address(value: Any) -> str:
    parts = urlsplit(_text(value))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// address")
    return str(value)
