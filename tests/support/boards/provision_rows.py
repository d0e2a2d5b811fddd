"""Rows and settings for the tests of provisioning."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from countersign.proofs import schnorr

GATEWAY_KEY = schnorr.public_key(bytes([5] * 32)).hex()


def settings(**changes: Any) -> dict[str, Any]:
    """What a site's boards share: the agent uses the port at which it was provisioned."""
    shared = {"site": "ward-3", "gateway_public_key": GATEWAY_KEY}
    return {**shared, "transport": "serial", "serial_port": "usb", **changes}


def write_settings(folder: Path, **changes: Any) -> Path:
    path = folder / "site.json"
    path.write_text(json.dumps(settings(**changes)))
    return path


def write_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path
