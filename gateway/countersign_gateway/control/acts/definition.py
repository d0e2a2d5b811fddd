"""What an act is: its name, its arguments and what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from countersign_gateway.control.people import Caller, People

Arguments = dict[str, Any]
Answer = dict[str, Any]

MOST_TEXT = 256


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. kind: str, int or bytes (a file's content, which the wire has in base64).

    positional: how the command line takes it. needed: whether it may be left out.
    """

    name: str
    kind: type
    meaning: str
    needed: bool = True
    positional: bool = False


@dataclass(frozen=True, slots=True)
class ActDefinition:
    """run: raises Refused, LookupError or IllegalTransition; its answer has a sentence, `said`."""

    name: str
    meaning: str
    arguments: tuple[Argument, ...]
    run: Callable[[People, Caller, Arguments], Answer]


# Acts that give trust take a TRUSTED device (People.find_to_trust), the others a DEVICE.
DEVICE = Argument(
    "device", str, "its name, its public key, or how its device_id begins", positional=True
)
TRUSTED = Argument(
    "device",
    str,
    "its name, its public key, or 16 digits or more of its device_id",
    positional=True,
)
