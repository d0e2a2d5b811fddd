"""open and close: the window in which any device may enrol."""

from __future__ import annotations

from countersign_gateway.control.acts.definition import ActDefinition, Answer, Argument, Arguments
from countersign_gateway.control.people import Caller, People, Refused
from countersign_gateway.governance.admission import MOST_DEVICES, WINDOW_DEVICES
from countersign_gateway.model import EnrolmentMode


def _open(people: People, caller: Caller, arguments: Arguments) -> Answer:
    if people.gate.mode is not EnrolmentMode.OPEN:
        raise Refused(
            f'this site\'s policy is enrolment = "{people.gate.mode}": a window needs "open"'
        )
    minutes, devices = arguments["minutes"], arguments.get("devices", WINDOW_DEVICES)
    try:
        people.gate.window.open(minutes, caller.name, devices)
    except ValueError as error:
        raise Refused(str(error)) from None
    people.registry.record(
        people.act(caller, "open", None, f"for {minutes} minutes, {devices} devices")
    )
    people.changed()
    return {
        "said": f"any device may enrol for {minutes} minutes, {devices} at most; countersign device"
        " close ends it"
    }


def _close(people: People, caller: Caller, arguments: Arguments) -> Answer:
    left_s = people.gate.window.left_s
    people.gate.window.close()
    people.registry.record(people.act(caller, "close", None, f"{left_s} s before its time"))
    people.changed()
    return {"said": "the window is closed" if left_s else "the window was closed already"}


OPEN = ActDefinition(
    "open",
    'let any device enrol for some minutes; needs enrolment = "open" in gateway.toml at its start',
    (
        Argument("minutes", int, "1 to 60; a device asks about once a minute, so give it 2"),
        Argument(
            "devices", int, f"1 to {MOST_DEVICES}; {WINDOW_DEVICES} if it is left out", needed=False
        ),
    ),
    _open,
)
CLOSE = ActDefinition("close", "end that window now", (), _close)
