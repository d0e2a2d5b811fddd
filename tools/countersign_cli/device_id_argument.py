"""The whole device_id, as a person or a report names a device."""

from __future__ import annotations

import argparse
import re


def is_device_id(text: str) -> bool:
    """Whether it has 64 lower-case hexadecimal digits."""
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def device_id(text: str) -> str:
    """The value of --device-id, in lower case. ArgumentTypeError if it is none."""
    digits = text.lower()
    if not is_device_id(digits):
        raise argparse.ArgumentTypeError("a device_id has 64 hexadecimal digits")
    return digits
