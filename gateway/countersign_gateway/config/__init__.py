"""Reads gateway.toml strictly: each setting that is not understood is an error of one sentence.

Relative paths are relative to the file's own folder, so that a site folder can be moved. Secrets
are in files of their own (mode 0600), never in gateway.toml, and this package does not read them.
sections.py declares every setting; gateway/CONFIGURATION.md is generated from it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from countersign_gateway.config.errors import ConfigError, sentences
from countersign_gateway.config.sections import (
    AnchoringConfig,
    GatewayToml,
    MqttConfig,
    PolicyConfig,
    RegistryConfig,
    SerialConfig,
    VerificationConfig,
)
from countersign_gateway.config.values import Blocks, Endpoint, Finality
from countersign_gateway.text_file import read_text

__all__ = [
    "AnchoringConfig",
    "Blocks",
    "Config",
    "ConfigError",
    "Endpoint",
    "Finality",
    "MqttConfig",
    "PolicyConfig",
    "RegistryConfig",
    "SerialConfig",
    "VerificationConfig",
    "load",
    "parse",
]


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the stages take them."""

    site: str
    key_file: Path
    mqtt: MqttConfig | None  # None: the site has serial lines only
    serial: tuple[SerialConfig, ...]
    verification: VerificationConfig
    policy: PolicyConfig
    registry: RegistryConfig
    anchoring: AnchoringConfig | None  # None: no ledger, so every result is degraded
    degraded_after_s: float

    @property
    def registry_path(self) -> Path:
        return self.registry.path


def load(path: Path) -> Config:
    """Read gateway.toml. ConfigError names every fault in it."""
    try:
        text = read_text(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    except ValueError as error:
        raise ConfigError(f"{path} {error}") from None
    return parse(text, path.parent, str(path))


def parse(text: str, folder: Path, name: str = "gateway.toml") -> Config:
    """As `load`, from a text. `folder` is the base of relative paths, `name` is for messages."""
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Beside its own error tomllib raises ValueError for a number of thousands of digits.
        raise ConfigError(f"{name} is not valid TOML: {error}") from None
    try:
        read = _READER.validate_python(tables, context={"folder": folder})
    except ValidationError as refused:
        # pydantic's own text is left out: it quotes values, and some values hold access tokens.
        raise ConfigError(*sentences(refused.errors(include_url=False))) from None
    return Config(
        site=read.site.name,
        key_file=read.gateway.key_file,
        mqtt=read.ingress.mqtt,
        serial=read.ingress.serial,
        verification=read.verification,
        policy=read.policy,
        registry=read.registry,
        anchoring=read.anchoring,
        degraded_after_s=read.freshness.degraded_after_s,
    )


_READER = TypeAdapter(GatewayToml)
