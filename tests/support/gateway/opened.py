"""Opens enrolment at a gateway that runs in a process of its own, as a person does."""

from __future__ import annotations

from pathlib import Path

from countersign_cli.site_folder import CONFIG_NAME
from countersign_gateway.control import client


def open_window(folder: Path, minutes: int = 60) -> None:
    """Let any device enrol at the running gateway of this site, made with enrolment="open"."""
    client.ask(folder / CONFIG_NAME, "open", {"minutes": minutes, "devices": 1000})
