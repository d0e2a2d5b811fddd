"""The compiled contracts, so that a gateway needs no compiler."""

import json
from importlib import resources
from typing import Any


def load(name: str) -> dict[str, Any]:
    """The contract of this name: {"abi": [...], "bytecode": "0x…"}."""
    text = resources.files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8")
    contract: dict[str, Any] = json.loads(text)
    return contract
