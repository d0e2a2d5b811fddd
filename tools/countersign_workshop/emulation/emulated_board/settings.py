"""The agent's settings for a board that is to join a site (countersign_agent/config.py)."""

from __future__ import annotations

from pathlib import Path

from countersign_cli.provisioning.bundle import STORAGE_FOLDER
from countersign_gateway import config
from countersign_gateway.statements.keys import SigningKey

Settings = dict[str, object]


def for_site(gateway_toml: Path, name: str, port: str = "usb", **more: object) -> Settings:
    """Settings for a device on a serial line of that site. port: "usb" or "uart:1".

    Raises OperatorError if the site's own settings or key cannot be used.
    """
    site = config.load(gateway_toml)
    return for_gateway(
        site.site, SigningKey.from_file(site.key_file).public_key, name, port, **more
    )


def for_gateway(
    site: str, public_key: bytes, name: str, port: str = "usb", **more: object
) -> Settings:
    """As `for_site`, for a site's name and its gateway's public key (32 bytes)."""
    return {
        "name": name,
        "site": site,
        "gateway_public_key": public_key.hex(),
        "transport": "serial",
        "serial_port": port,
        "storage_folder": STORAGE_FOLDER,
        **more,
    }
