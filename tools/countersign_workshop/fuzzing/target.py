"""What a target is, and what a broken property is."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Protocol

from countersign_workshop.checkout import ROOT

CORPUS = ROOT / "tools/countersign_workshop/fuzzing/corpus"


class Broken(Exception):
    """An input broke a property. The text says which."""


class Target(Protocol):
    """name: of its findings and figures. made from a generator by `Targets`."""

    name: str

    def make(self, rng: random.Random) -> bytes:
        """The next input."""
        ...

    def check(self, data: bytes) -> None:
        """Feed one input. Broken, or any exception that the reader must not raise, is a finding.

        It depends on nothing but `data`, so that a finding can be fed again."""
        ...


def corpus(name: str) -> list[bytes]:
    """The seeds of corpus/<name>.hex: one input a line; what follows # is a remark."""
    lines = (Path(CORPUS) / f"{name}.hex").read_text(encoding="ascii").splitlines()
    return [bytes.fromhex(text) for line in lines if (text := line.partition("#")[0].strip())]
