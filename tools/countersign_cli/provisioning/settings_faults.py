"""All that the agent finds wrong in its settings. The agent itself stops at the first fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countersign_agent.config import FIELDS, Config, ConfigError

_KINDS = {entry[0]: entry for entry in FIELDS}
_MISSING = "missing setting "


def of(settings: Mapping[str, Any]) -> list[str]:
    """A sentence for each fault. It names the setting, and never quotes its value."""
    said: list[str] = []
    left = dict(settings)
    while True:
        try:
            Config(left)
        except ConfigError as error:
            fault = str(error)
            missing = fault.removeprefix(_MISSING) if fault.startswith(_MISSING) else None
            if fault in said:
                return said
            # One that is given, and missing by now, was wrong: that is said already.
            if missing is None or settings.get(missing) is None:
                said.append(fault)
            if missing in _KINDS:
                left[missing] = _sample(missing)
                continue
            named = next((word for word in fault.split() if word in left), None)
            if named in (None, "transport"):
                return said  # the others depend on it
            del left[named]
        else:
            return said


def _sample(name: str) -> object:
    """A value in place of one that is missing or wrong, so that the check goes on."""
    kind, least = _KINDS[name][1], int(_KINDS[name][3] or 0)
    if name == "serial_port":
        return "usb"
    if kind is bytes:
        return "00" * least
    return "x" * max(1, least) if kind is str else least
