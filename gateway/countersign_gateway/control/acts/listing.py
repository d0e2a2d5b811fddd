"""list and show: what the gateway knows of its devices."""

from __future__ import annotations

from datetime import UTC, datetime

from countersign_gateway.control.acts.definition import DEVICE, ActDefinition, Answer, Arguments
from countersign_gateway.control.people import Caller, Known, People, class_name
from countersign_gateway.governance.admission import last_day

_LATEST_ACTS = 1000


def _list(people: People, caller: Caller, arguments: Arguments) -> Answer:
    everyone = people.everyone()
    waiting = sum(one.state == "waiting" for one in everyone)
    devices = "1 device" if len(everyone) == 1 else f"{len(everyone)} devices"
    said = f"{devices}, {waiting} of them waiting for approval; {_policy(people)}"
    return {"said": said, "devices": [_row(one) for one in everyone]}


def _show(people: People, caller: Caller, arguments: Arguments) -> Answer:
    known = people.find(arguments["device"])
    acts = [
        f"{_time(act.at_s)} uid {act.uid} {act.name}: {act.detail}"
        for act in people.registry.acts(_LATEST_ACTS)
        if act.device_id == known.device_id
    ]
    return {"said": f"{known.name} is {known.state}", "device": _details(known), "acts": acts}


def _row(known: Known) -> dict[str, object]:
    record, admission = known.record, known.admission
    device_class = record.device_class if record else admission.device_class if admission else None
    return {
        "name": known.name,
        "state": known.state,
        "class": None if device_class is None else class_name(device_class),
        "counter": None if record is None else record.counter,
        "device_id": known.device_id.hex(),
    }


def _details(known: Known) -> dict[str, object]:
    details = _row(known)
    source = known.record or known.admission or known.wish
    if source is not None:
        details["public_key"] = source.public_key.hex()
    if known.record is not None:
        details["owner"] = f"0x{known.record.owner.hex()}"
        details["environment"] = known.record.environment
        details["next_key_digest"] = known.record.next_key_digest.hex()
    if known.admission is not None:
        details["admitted_by"] = known.admission.admitted_by
        details["admitted"] = _time(known.admission.admitted_s)
        if known.admission.valid_until_s is not None:
            details["valid_until"] = last_day(known.admission)
            if known.state == "expired":
                said = f"its admission ended on {last_day(known.admission)}"
                details["detail"] = f"{said}: admit it again with another valid_until"
    if known.wish is not None:
        details["asked"] = _time(known.wish.asked_s)
    return details


def _policy(people: People) -> str:
    gate = people.gate
    left_s = gate.window.left_s
    window = (
        f", open for {left_s // 60} min {left_s % 60} s and {gate.window.places} devices"
        if left_s
        else ""
    )
    return f"enrolment {gate.mode}{window}, {gate.budget.spent} of {gate.budget.limit} today"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


LIST = ActDefinition("list", "all devices, admitted ones and those that wait", (), _list)
SHOW = ActDefinition("show", "one device, and what was done about it", (DEVICE,), _show)
