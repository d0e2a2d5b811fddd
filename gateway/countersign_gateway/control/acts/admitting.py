"""admit, approve and deny: who may enrol here."""

from __future__ import annotations

from collections.abc import Sequence

from countersign_gateway.control import admission_list
from countersign_gateway.control.acts.definition import (
    DEVICE,
    TRUSTED,
    ActDefinition,
    Answer,
    Argument,
    Arguments,
)
from countersign_gateway.control.people import Caller, People, Refused, class_name
from countersign_gateway.governance.admission import MOST_DENIED, has_ended, last_day
from countersign_gateway.model import Admission, Status

_MOST_SHOWN = 5
_CLASS = Argument("class", str, "standard or life-critical; by default the site's", needed=False)
_UNTIL = Argument("valid_until", str, "the last day on which it may enrol: YYYY-MM-DD", False)


def _admit(people: People, caller: Caller, arguments: Arguments) -> Answer:
    if "list" in arguments:
        return _admit_list(people, caller, arguments)
    if "public_key" not in arguments or "name" not in arguments:
        raise Refused("admit needs a signed list, or public_key and name of one device")
    if "signature" in arguments:
        raise Refused("a signature goes with a list")
    next_key, day = arguments.get("next_key_digest"), arguments.get("valid_until")
    admission = admission_list.made(
        people,
        caller.name,
        public_key=admission_list.read_hex(arguments["public_key"], 32, "public_key"),
        name=arguments["name"],
        device_class=people.class_number(arguments.get("class")),
        next_key_digest=None
        if next_key is None
        else admission_list.read_hex(next_key, 32, "next_key_digest"),
        valid_until_s=None if day is None else admission_list.read_day(day),
    )
    _check_not_enrolled(people, admission)
    _check_not_past(people, [admission])
    act = people.act(
        caller,
        "admit",
        admission.device_id,
        f"{admission.name} as {class_name(admission.device_class)}, by its public key",
    )
    people.registry.admit([admission], act)
    people.changed()
    return {
        "said": f"{admission.name} may enrol; its device_id is {admission.device_id.hex()[:16]}…"
    }


def _admit_list(people: People, caller: Caller, arguments: Arguments) -> Answer:
    for name in ("public_key", "name", "class", "next_key_digest", "valid_until"):
        if name in arguments:
            raise Refused(f"{name} stands in the list itself")
    content = arguments["list"]
    if "signature" not in arguments:
        raise Refused("the list is not signed: countersign device sign makes FILE.sig beside it")
    signer = admission_list.signer_of(content, arguments["signature"], people.provisioners)
    by = f"the list of provisioner {signer.hex()[:16]}, {caller.name}"
    listed = admission_list.read(content, people, by)
    denied = people.registry.denied()
    new = [one for one in listed if people.registry.device(one.device_id) is None]
    fresh = [one for one in new if one.device_id not in denied]
    for one in listed:
        record = people.registry.device(one.device_id)
        if record is not None and record.status is Status.REVOKED:
            raise Refused(f"{one.name} is revoked: it can never enrol again")
    _check_not_past(people, fresh)
    detail = f"{len(fresh)} devices, by {by}"
    people.registry.admit(fresh, people.act(caller, "admit", None, detail))
    people.changed()
    enrolled = len(listed) - len(new)
    kept = f"; enrolled before, and kept as they are: {enrolled}" if enrolled else ""
    out = [one.name for one in new if one.device_id in denied]
    shown = ", ".join(out[:_MOST_SHOWN]) + (", …" if len(out) > _MOST_SHOWN else "")
    barred = (
        f"; denied before, and kept out: {len(out)} ({shown}); a public key admits such a device"
        if out
        else ""
    )
    return {"said": f"admitted from the list: {len(fresh)}{kept}{barred}"}


def _check_not_enrolled(people: People, admission: Admission) -> None:
    record = people.registry.device(admission.device_id)
    if record is not None:
        raise Refused(f"this device has enrolled: it is {record.status.name.lower()}")


def _check_not_past(people: People, admissions: Sequence[Admission]) -> None:
    now_s = people.wall_s()
    past = [one for one in admissions if has_ended(one, now_s)]
    if past:
        raise Refused(*(f"{one.name}: valid_until {last_day(one)} is past" for one in past[:20]))


def _approve(people: People, caller: Caller, arguments: Arguments) -> Answer:
    known = people.find_to_trust(arguments["device"])
    wish = known.wish
    if wish is None:
        raise Refused(f"{known.name} does not wait for approval: it is {known.state}")
    admission = admission_list.made(
        people,
        caller.name,
        public_key=wish.public_key,
        name=arguments.get("name", known.device_id.hex()[:16]),
        device_class=people.class_number(arguments.get("class")),
        next_key_digest=wish.next_key_digest,
    )
    act = people.act(
        caller,
        "approve",
        known.device_id,
        f"{admission.name} as {class_name(admission.device_class)}",
    )
    people.registry.admit([admission], act)
    people.changed()
    return {"said": f"{admission.name} is admitted, and enrols when it asks the next time"}


def _deny(people: People, caller: Caller, arguments: Arguments) -> Answer:
    known = people.find(arguments["device"])
    if known.record is not None:
        raise Refused(f"{known.name} has enrolled: suspend or revoke it")
    if known.state == "denied":
        raise Refused(f"{known.name} is denied already")
    source = known.admission or known.wish
    key = "" if source is None else source.public_key.hex()
    # An admission that is withdrawn takes the key with it, and people may want the device back.
    act = people.act(
        caller, "deny", known.device_id, f"it was {known.state}, and its public key is {key}"
    )
    if known.admission is not None:
        people.registry.withdraw(known.device_id, act)
    else:
        people.registry.deny(known.device_id, MOST_DENIED, act)
    people.changed()
    back = f"countersign device approve {known.device_id.hex()[:16]}"
    if known.admission is not None:
        back = f"countersign device admit --public-key {key} --name NAME"
    return {"said": f"{known.name} may not enrol; to take that back: {back}"}


ADMIT = ActDefinition(
    "admit",
    "let the devices of a signed list enrol, or one device by its public key",
    (
        Argument("list", bytes, "a report of countersign provision, signed", False, True),
        Argument("signature", str, "of the list; by default the content of LIST.sig", False),
        Argument("public_key", str, "of one device, 64 hexadecimal digits", False),
        Argument("name", str, "of that device", False),
        _CLASS,
        Argument("next_key_digest", str, "it must commit to this one; 64 digits", False),
        _UNTIL,
    ),
    _admit,
)
APPROVE = ActDefinition(
    "approve",
    "let a device enrol that asked to, also one that was denied",
    (TRUSTED, Argument("name", str, "what to call it", False), _CLASS),
    _approve,
)
DENY = ActDefinition(
    "deny", "refuse a device that asked, or withdraw an admission", (DEVICE,), _deny
)
