"""The table of acts: all that a person can do at a running gateway."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from countersign_gateway.control.acts import admitting, listing, naming, standing, window
from countersign_gateway.control.acts.definition import MOST_TEXT, ActDefinition, Answer, Argument
from countersign_gateway.control.people import Caller, People, Refused

ACTS: dict[str, ActDefinition] = {
    act.name: act
    for act in (
        listing.LIST,
        listing.SHOW,
        admitting.ADMIT,
        admitting.APPROVE,
        admitting.DENY,
        standing.SUSPEND,
        standing.REINSTATE,
        standing.REVOKE,
        naming.RENAME,
        window.OPEN,
        window.CLOSE,
    )
}

# These change nothing, so the log has no line of them.
READING = frozenset({listing.LIST.name, listing.SHOW.name})


def perform(people: People, caller: Caller, name: str, arguments: dict[str, Any]) -> Answer:
    """Carry one act out. Refused, with sentences, if it cannot be done or is not understood."""
    act = ACTS.get(name)
    if act is None:
        raise Refused("there is no such act")
    known = {argument.name: argument for argument in act.arguments}
    for given in arguments:
        if given not in known:
            raise Refused(f"{name} takes no such argument")
    values = {}
    for argument in act.arguments:
        if argument.name in arguments:
            values[argument.name] = _value(argument, arguments[argument.name])
        elif argument.needed:
            raise Refused(f"{name} needs {argument.name}")
    return act.run(people, caller, values)


def _value(argument: Argument, value: object) -> str | int | bytes:
    if argument.kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if argument.kind is str and isinstance(value, str) and len(value) <= MOST_TEXT:
        return value
    if argument.kind is bytes and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            pass  # said below
    raise Refused(f"{argument.name} is not of the kind that it must be")
