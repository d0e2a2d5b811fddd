"""forge, run in the contracts' folder with the compiler version that this project pins."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from countersign_cli.mendable import Mendable
from countersign_workshop.checkout import ROOT
from countersign_workshop.parts import toolchain

FOLDER = ROOT / "contracts"


class ContractsFault(Mendable):
    """Something about the contracts is wrong. The text may be shown to the user."""


def run(
    *arguments: str, capture: bool = False, attended: bool = False, broadcast: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run forge to its end, and return its result whatever its exit status.

    capture: keep what it prints, both streams in `stdout`. attended: forge may ask a person for a
    password. broadcast: the folder where a script writes what it sent; by default
    contracts/broadcast.
    """
    node = toolchain.node()
    environment = dict(os.environ)
    # The compiler's shim is a Node script, and this machine may have no Node of its own.
    environment["PATH"] = f"{node.parent}:{environment.get('PATH', '')}"
    environment["COUNTERSIGN_SOLC"] = str(toolchain.solc_module())
    environment["NO_COLOR"] = "1"
    if broadcast is not None:
        environment["FOUNDRY_BROADCAST"] = str(broadcast)
    return subprocess.run(
        [str(toolchain.forge()), *arguments],
        cwd=FOLDER,
        env=environment,
        stdin=None if attended else subprocess.DEVNULL,
        stdout=subprocess.PIPE if capture else None,
        stderr=subprocess.STDOUT if capture else None,
        text=True,
        check=False,
    )
