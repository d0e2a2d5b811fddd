"""suspend, reinstate and revoke: what a device may do from now on."""

from __future__ import annotations

from countersign_gateway.control.acts.definition import (
    DEVICE,
    TRUSTED,
    ActDefinition,
    Answer,
    Argument,
    Arguments,
)
from countersign_gateway.control.people import Caller, People, Refused
from countersign_gateway.governance.counters import MOST_AHEAD
from countersign_gateway.governance.lifecycle import IllegalTransition

_MOST_COUNTER = 0x7FFFFFFFFFFFFFFF


def _suspend(people: People, caller: Caller, arguments: Arguments) -> Answer:
    known, _ = people.enrolled(people.find(arguments["device"]))
    act = people.act(caller, "suspend", known.device_id, f"it was {known.state}")
    try:
        status = people.lifecycle.suspend(known.device_id, act)
    except IllegalTransition:
        raise Refused(f"{known.name} is {known.state}: there is nothing to suspend") from None
    people.changed()
    return {"said": f"{known.name} is {status.name.lower()}: its evidence is denied, and recorded"}


def _reinstate(people: People, caller: Caller, arguments: Arguments) -> Answer:
    known, record = people.enrolled(people.find_to_trust(arguments["device"]))
    counter = arguments.get("counter", record.counter)
    if not record.counter <= counter < _MOST_COUNTER:
        raise Refused(f"a counter only grows: the last one that was accepted is {record.counter}")
    detail = f"it was {known.state}; its last accepted counter is {record.counter}"
    act = people.act(caller, "reinstate", known.device_id, detail)
    try:
        status = people.lifecycle.reinstate(known.device_id, act)
    except IllegalTransition:
        raise Refused(f"{known.name} is {known.state}: there is nothing to reinstate") from None
    if counter != record.counter:
        detail = f"from {record.counter} to {counter}"
        moved = people.act(caller, "counter", known.device_id, detail)
        people.registry.raise_counter(known.device_id, counter, moved)
    people.changed()
    return {
        "said": f"{known.name} is {status.name.lower()}; its next counter must be from"
        f" {counter + 1} to {min(counter + MOST_AHEAD, _MOST_COUNTER)}. If a clone holds its key,"
        " revoke it instead: this gateway cannot tell the two apart"
    }


def _revoke(people: People, caller: Caller, arguments: Arguments) -> Answer:
    known, _ = people.enrolled(people.find(arguments["device"]))
    act = people.act(caller, "revoke", known.device_id, f"it was {known.state}")
    try:
        people.lifecycle.revoke(known.device_id, act)
    except IllegalTransition:
        if known.state == "revoked":
            raise Refused(f"{known.name} is revoked already") from None
        raise Refused(
            f"{known.name} is life-critical: suspend it first, and then revoke it"
        ) from None
    people.changed()
    return {"said": f"{known.name} is revoked, for ever: what it sends is shed from now on"}


SUSPEND = ActDefinition("suspend", "deny a device until it is reinstated", (DEVICE,), _suspend)
REINSTATE = ActDefinition(
    "reinstate",
    "let a suspended or quarantined device go on",
    (
        TRUSTED,
        Argument("counter", int, "take this as its last counter; only upwards", needed=False),
    ),
    _reinstate,
)
REVOKE = ActDefinition("revoke", "end a device's life at this site, for ever", (DEVICE,), _revoke)
